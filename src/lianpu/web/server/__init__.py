"""The server: who may call, limits, visits and their files."""
