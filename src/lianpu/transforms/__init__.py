"""Statistical transforms of a face: how sex and age change its shape, colour and detail, learned from labelled faces."""
