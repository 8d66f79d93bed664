"""Labelled faces from any source, in one form."""
