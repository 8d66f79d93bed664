"""Photo files: the supported formats, reading and writing, and their metadata."""
