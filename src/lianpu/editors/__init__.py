"""One Editor, whatever the file."""
