"""Editing of photos: requests, presets, attribute edits, sessions, and jobs over files and folders."""
