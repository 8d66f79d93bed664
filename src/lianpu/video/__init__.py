"""Effects on videos."""
