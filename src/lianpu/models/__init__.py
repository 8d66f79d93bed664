"""Model files: where they come from, what they may be used for, and the sessions that run them."""
