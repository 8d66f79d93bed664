"""The server: requests, files of visitors, start and stop."""
