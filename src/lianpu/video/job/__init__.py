"""A video edited in resumable segments."""
