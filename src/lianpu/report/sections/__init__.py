"""The six sections of the report, one file each: what is said, from what was measured."""
