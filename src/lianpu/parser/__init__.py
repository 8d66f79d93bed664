"""Face parsing: 19 classes of pixels; networks, masks, training and scores."""
