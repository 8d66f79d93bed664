"""What every torch parser does with its logits: bring them to the picture's size and take the likeliest class."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class PartsForm(nn.Module):
    """A parser as it is used and exported: a batch (B, 3, S, S) float32 in [-1, 1] in, class indices (B, S, S) uint8 out.

    Args:
        network: gives logits (B, C, s, s) as the first of a tuple.
        biases: what is added to the logits of each class, (C,); nothing when None (see `calibration`).
    """

    biases: torch.Tensor | None

    def __init__(self, network: nn.Module, biases: torch.Tensor | None = None) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("biases", None if biases is None else biases.reshape(1, -1, 1, 1))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        logits = self.network(image)[0]
        if self.biases is not None:
            logits = logits + self.biases
        full = functional.interpolate(logits, size=image.shape[2:], mode="bilinear", align_corners=False)
        return full.argmax(dim=1).to(torch.uint8)
