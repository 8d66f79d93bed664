"""The page in the browser, its API for programs, and the server."""
