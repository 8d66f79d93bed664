"""Effects on videos and cameras: frames read and written, faces followed from frame to frame, points and masks that do not jitter."""
