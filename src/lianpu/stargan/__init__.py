"""The StarGAN networks, their losses and their target labels."""
