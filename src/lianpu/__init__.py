"""Lianpu (脸谱): from faces to shipped face-effect models."""
