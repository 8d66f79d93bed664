"""Seeing faces in photos: where they are, their points, parts, sex, age and identity, as typed results."""
