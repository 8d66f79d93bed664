"""The two parser networks."""
