"""BiSeNet on ResNet-18: the network of the published 79999_iter.pth, with its names and shapes.

Yu et al. 2018, arXiv:1808.00897, as zllrunning/face-parsing.PyTorch (MIT licence) builds it: in place of a spatial path it takes
ResNet's features at stride 8. Nothing is downloaded when it is made.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from lianpu.errors import WeightsError
from lianpu.models.store.locate import require_model_file
from lianpu.part_names import PARTS
from lianpu.weights import read_tensors

IMAGENET_MEAN = (0.485, 0.456, 0.406)

IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


class BiSeNet(nn.Module):
    """Logits of the 19 parts, or of `classes`.

    It takes a batch as this project knows it, from -1 to 1; what ResNet expects (ImageNet's mean and deviation) is made inside, without
    a buffer, so that the names of its weights are those published.
    """

    def __init__(self, classes: int = len(PARTS), from_imagenet: bool = False) -> None:
        """Random weights, or a ResNet that starts from ImageNet. Raises WeightsError when that file is not here."""
        super().__init__()
        self.cp = ContextPath()
        self.ffm = FeatureFusion(256, 256)
        self.conv_out = Head(256, 256, classes)
        self.conv_out16 = Head(128, 64, classes)
        self.conv_out32 = Head(128, 64, classes)
        if from_imagenet:
            self.cp.resnet.load_state_dict(imagenet_resnet())

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits (B, C, S, S) of a batch (B, 3, S, S) in [-1, 1]; in train mode two auxiliary ones stand behind them."""
        fine, context8, context16 = self.cp(imagenet_input(batch))
        size = (batch.shape[2], batch.shape[3])
        logits = _upsampled(self.conv_out(self.ffm(fine, context8)), size)
        if not self.training:
            return (logits,)
        return logits, _upsampled(self.conv_out16(context8), size), _upsampled(self.conv_out32(context16), size)


def imagenet_input(batch: torch.Tensor) -> torch.Tensor:
    """A batch in [-1, 1] as ImageNet networks of torchvision take it: less the mean, over the deviation of values from 0 to 1."""
    mean = batch.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
    deviation = batch.new_tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1)
    return (batch - (2 * mean - 1)) / (2 * deviation)


class ContextPath(nn.Module):
    """ResNet's features, refined from the coarse to the fine by attention over the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = ResNet18()
        self.arm16 = AttentionRefinement(256, 128)
        self.arm32 = AttentionRefinement(512, 128)
        self.conv_head32 = ConvNormRelu(128, 128)
        self.conv_head16 = ConvNormRelu(128, 128)
        self.conv_avg = ConvNormRelu(512, 128, side=1)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """ResNet's features at stride 8, and context at strides 8 and 16."""
        features8, features16, features32 = self.resnet(batch)
        whole = self.conv_avg(functional.adaptive_avg_pool2d(features32, 1))
        context32 = self.arm32(features32) + whole
        context16 = self.conv_head32(_repeated(context32, features16))
        context8 = self.conv_head16(_repeated(self.arm16(features16) + context16, features8))
        return features8, context8, context16


class AttentionRefinement(nn.Module):
    """A convolution whose channels are weighted by what the whole picture holds."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.conv = ConvNormRelu(given, wanted)
        self.conv_atten = _started(nn.Conv2d(wanted, wanted, 1, bias=False))
        self.bn_atten = nn.BatchNorm2d(wanted)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mixed = self.conv(features)
        gate = self.bn_atten(self.conv_atten(functional.adaptive_avg_pool2d(mixed, 1)))
        return mixed * torch.sigmoid(gate)


class FeatureFusion(nn.Module):
    """Fine features and context in one, its channels weighted by what the whole picture holds."""

    def __init__(self, given: int, wanted: int) -> None:
        super().__init__()
        self.convblk = ConvNormRelu(given, wanted, side=1)
        self.conv1 = _started(nn.Conv2d(wanted, wanted // 4, 1, bias=False))
        self.conv2 = _started(nn.Conv2d(wanted // 4, wanted, 1, bias=False))

    def forward(self, fine: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        fused = self.convblk(torch.cat([fine, context], dim=1))
        gate = functional.relu(self.conv1(functional.adaptive_avg_pool2d(fused, 1)))
        return fused + fused * torch.sigmoid(self.conv2(gate))


class Head(nn.Module):
    """Features to logits."""

    def __init__(self, given: int, between: int, classes: int) -> None:
        super().__init__()
        self.conv = ConvNormRelu(given, between)
        self.conv_out = _started(nn.Conv2d(between, classes, 1, bias=False))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.conv_out(self.conv(features))
        return logits


class ConvNormRelu(nn.Module):
    """A convolution that keeps the size, its norm, and a ReLU."""

    def __init__(self, given: int, wanted: int, side: int = 3) -> None:
        super().__init__()
        self.conv = _started(nn.Conv2d(given, wanted, side, padding=side // 2, bias=False))
        self.bn = nn.BatchNorm2d(wanted)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.bn(self.conv(features)))


def _started(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.kaiming_normal_(layer.weight, a=1)
    return layer


def _repeated(coarse: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(coarse, size=like.shape[2:], mode="nearest")


def _upsampled(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return functional.interpolate(logits, size=size, mode="bilinear", align_corners=True)


class ResNet18(nn.Module):
    """The backbone of BiSeNet. Random weights; ImageNet's are a state_dict of torchvision's resnet18 without `fc`."""

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
    state = read_tensors(file, WeightsError)
    if not state.keys() >= {"conv1.weight", "layer4.1.bn2.weight"}:
        raise WeightsError(f"{file} holds no ResNet-18. Get it again: lianpu models fetch resnet18-imagenet")
    return {name: tensor for name, tensor in state.items() if not name.startswith("fc.")}


def _layer(given: int, wanted: int, stride: int) -> nn.Sequential:
    return nn.Sequential(BasicBlock(given, wanted, stride), BasicBlock(wanted, wanted, 1))
