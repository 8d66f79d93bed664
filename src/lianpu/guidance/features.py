"""Features of an ImageNet network that is not trained, of several sizes: what a teacher's loss and the projected discriminator look at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

_PROBE_PX = 64


class FrozenFeatures(nn.Module):
    """EfficientNet-Lite0's features after some of its blocks, differentiable in the faces; its weights are held.

    Args:
        network: from `load_efficientnet`.
        blocks: after which of its seven blocks; their strides are 2, 4, 8, 16, 16, 32 and 32.
    """

    def __init__(self, network: nn.Module, blocks: Sequence[int]) -> None:
        super().__init__()
        self.taps = tuple(blocks)
        self.stem = nn.Sequential(network.conv_stem, network.bn1)  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(list(network.blocks)[: max(blocks) + 1])  # type: ignore[arg-type]
        self.eval().requires_grad_(False)
        with torch.no_grad():
            probe = self(torch.zeros(1, 3, _PROBE_PX, _PROBE_PX))
        self.channels: tuple[int, ...] = tuple(features.shape[1] for features in probe)

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """Faces (B, 3, S, S) in [-1, 1] to maps (B, C, h, w), one for each of the blocks."""
        features = self.stem((batch * 127.5 + 0.5) / 128.0)  # (value - 127) / 128, as the network was trained
        kept = []
        for index, block in enumerate(self.blocks):
            features = block(features)
            if index in self.taps:
                kept.append(features)
        return kept
