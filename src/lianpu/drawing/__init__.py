"""Portraits drawn from random numbers: no photographs, no real people."""
