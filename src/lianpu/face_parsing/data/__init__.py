"""Faces with masks from every layout, and how they are changed for training."""
