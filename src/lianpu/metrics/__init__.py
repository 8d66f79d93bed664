"""Measures between sets of pictures."""
