"""Face parsing: 19 classes of pixels; data, networks, training, scores and runtime."""
