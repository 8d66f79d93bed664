"""EfficientNet-Lite0's features: when Inception cannot be had, and the start of our classifier."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.imaging.picture import Picture
from lianpu.models.efficientnet import load_efficientnet

FEATURE_COUNT = 1280
INPUT_PX = 224
"""The side that the weights were trained at."""


def to_network_input(pictures: Picture, side_px: int = INPUT_PX) -> torch.Tensor:
    """Pictures (B, S, S, 3) uint8 as the network takes them: (B, 3, side_px, side_px), (value - 127) / 128, as Google trained it."""
    pixels = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(torch.float32)
    if pixels.shape[2] != side_px:
        pixels = functional.interpolate(pixels, size=(side_px, side_px), mode="bilinear", antialias=True, align_corners=False)
    return pixels.sub(127.0).div_(128.0).contiguous(memory_format=torch.channels_last)


class EfficientNetFeatures:
    """The offline stand-in for Inception. Its figures have names of their own and are never compared with FID."""

    name = "efficientnet-lite0"
    resize = f"{INPUT_PX} px, bilinear, antialiased"

    def __init__(self, device: torch.device | str = "cpu", load: Callable[[], nn.Module] = load_efficientnet) -> None:
        """The network on a device. Raises WeightsError when its weights cannot be had."""
        self._device = torch.device(device)
        self._network = load().to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @torch.inference_mode()
    def extract(self, pictures: Picture) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, 1280) and logits (B, 1000) of pictures (B, S, S, 3)."""
        maps = self._network.forward_features(to_network_input(pictures).to(self._device))
        features = self._network.forward_head(maps, pre_logits=True)
        logits = self._network.get_classifier()(features)
        return features.float().cpu(), logits.float().cpu()
