"""A second discriminator, which gets the frozen features of an ImageNet network and so knows textures and parts before it has learned.

Projected GAN (Sauer et al. 2021, arXiv:2111.01007): small heads on features of several sizes, each head with spectral norm (Miyato et al.
2018, arXiv:1802.05957). With a few hundred faces it tells edited from real ones after a hundred steps, where the published discriminator needs
thousands. Without the paper's random mixing of features, and with the logistic loss.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

WIDTH = 64
"""Channels within a head."""


class ProjectedDiscriminator(nn.Module):
    """Features of faces to realness scores.

    Args:
        channels: of the features, in the order in which they are given.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.heads = nn.ModuleList(_head(count) for count in channels)

    def forward(self, features: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Maps (B, C, h, w), one for each head, to as many maps of scores (B, 1, h, w), any real number."""
        scores = []
        for head, seen in zip(self.heads, features, strict=True):
            unit = functional.normalize(seen, dim=1) * seen.shape[1] ** 0.5
            scores.append(head(unit))
        return scores


def _head(channels: int) -> nn.Sequential:
    return nn.Sequential(
        spectral_norm(nn.Conv2d(channels, WIDTH, 1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(WIDTH, WIDTH, 3, padding=1)),
        nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(WIDTH, 1, 3, padding=1)),
    )
