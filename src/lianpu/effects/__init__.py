"""Effects on whole photos: what a model or a rule changes on a face, brought back into the photo it came from."""
