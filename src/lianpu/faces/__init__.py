"""Faces in photos: detection, alignment, landmarks, parts and identity, as typed results."""
