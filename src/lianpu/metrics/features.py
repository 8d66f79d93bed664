"""Features of pictures: what a network must offer, those of a set, and EfficientNet-Lite0, which stands in where Inception cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.imaging.picture import Picture
from lianpu.models.efficientnet import load_efficientnet


class FeatureNetwork(Protocol):
    """A network that turns pictures into features (for distances) and logits (for the inception score)."""

    @property
    def name(self) -> str:
        """What protocols call it (`inception-v3-compat`, `efficientnet-lite0`)."""
        ...

    @property
    def resize(self) -> str:
        """Its resize rule, in words: part of the protocol."""
        ...

    def extract(self, pictures: Picture) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, F) and logits (B, C), float32 on the CPU, of pictures (B, S, S, 3) uint8 RGB."""
        ...


@dataclass(frozen=True)
class Features:
    """Features (N, F) and logits (N, C) of N pictures of a set, float32 on the CPU: computed once, used for every comparison."""

    features: torch.Tensor
    logits: torch.Tensor

    def __post_init__(self) -> None:
        assert self.features.ndim == 2 and self.logits.ndim == 2, (self.features.shape, self.logits.shape)
        assert len(self.features) == len(self.logits), (self.features.shape, self.logits.shape)

    def __len__(self) -> int:
        return len(self.features)

    def subset(self, rows: Sequence[int] | np.ndarray) -> Features:
        """The features of some of the pictures."""
        index = torch.as_tensor(np.asarray(rows, dtype=np.int64))
        return Features(self.features[index], self.logits[index])


def join_features(parts: Iterable[Features]) -> Features:
    """The features of several sets as those of one, in order."""
    together = list(parts)
    return Features(torch.cat([part.features for part in together]), torch.cat([part.logits for part in together]))


INPUT_PX = 224
"""The side that the weights were trained at."""


def to_network_input(pictures: Picture, side_px: int = INPUT_PX) -> torch.Tensor:
    """Pictures (B, S, S, 3) uint8 as the network takes them: (B, 3, side_px, side_px), (value - 127) / 128, as Google trained it."""
    pixels = torch.from_numpy(np.require(pictures, requirements=["C", "W"])).permute(0, 3, 1, 2).to(torch.float32)
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
