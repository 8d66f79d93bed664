"""ResNet-18 without its classifier, with torchvision's names: features at strides 8, 16 and 32.

He et al. 2015, Deep Residual Learning for Image Recognition, arXiv:1512.03385.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from lianpu.errors import WeightsError
from lianpu.model_store.locate import require_model_file


class ResNet18(nn.Module):
    """What BiSeNet sees with. Random weights; ImageNet's are a state_dict of torchvision's resnet18 without `fc`."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _layer(64, 64, stride=1)
        self.layer2 = _layer(64, 128, stride=2)
        self.layer3 = _layer(128, 256, stride=2)
        self.layer4 = _layer(256, 512, stride=2)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Features (B, 128, S/8, S/8), (B, 256, S/16, S/16) and (B, 512, S/32, S/32)."""
        features = self.layer1(self.maxpool(functional.relu(self.bn1(self.conv1(batch)))))
        features8 = self.layer2(features)
        features16 = self.layer3(features8)
        return features8, features16, self.layer4(features16)


class BasicBlock(nn.Module):
    """Two convolutions around a residual."""

    def __init__(self, given: int, wanted: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, wanted, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(wanted)
        self.conv2 = nn.Conv2d(wanted, wanted, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(wanted)
        self.downsample: nn.Module | None = None
        if given != wanted or stride != 1:
            self.downsample = nn.Sequential(nn.Conv2d(given, wanted, 1, stride=stride, bias=False), nn.BatchNorm2d(wanted))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        residual = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(features)))))
        kept = features if self.downsample is None else self.downsample(features)
        return functional.relu(kept + residual)


def imagenet_resnet(path: Path | str | None = None) -> dict[str, torch.Tensor]:
    """ImageNet's weights under the names of ResNet18: torchvision's file without its classifier.

    Raises:
        WeightsError: the file is not on this machine, or is not torchvision's.
    """
    file = require_model_file("resnet18-imagenet", path)
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    if not state.keys() >= {"conv1.weight", "layer4.1.bn2.weight"}:
        raise WeightsError(f"{file} holds no ResNet-18. Get it again: lianpu models fetch resnet18-imagenet")
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}


def _layer(given: int, wanted: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(given, wanted, stride), BasicBlock(wanted, wanted, 1))
