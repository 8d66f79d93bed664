"""Live pictures: sources, the loop, outputs and statistics."""
