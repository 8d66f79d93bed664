"""Portraits painted from numbers: no photograph, nobody pictured."""
