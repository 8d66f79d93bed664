"""Everything that only measures: speed, memory, flicker."""
