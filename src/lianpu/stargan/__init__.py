"""The StarGAN networks, their losses and what they are asked for."""
