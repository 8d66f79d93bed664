"""Training and scoring of a 68-point predictor."""
