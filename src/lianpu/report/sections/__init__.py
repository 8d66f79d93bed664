"""The six sections of the report, one file each: text written from measurements."""
