"""Photo files: one reader, one writer, one list of formats, and what a file carries beside its pixels."""
