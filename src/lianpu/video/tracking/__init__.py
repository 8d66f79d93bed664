"""Faces tracked from frame to frame: motion, smoothing, cuts, temporal parsing."""
