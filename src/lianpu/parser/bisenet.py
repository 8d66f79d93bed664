"""BiSeNet on ResNet-18: the network of the published 79999_iter.pth, with its names and shapes.

Yu et al. 2018, arXiv:1808.00897, as zllrunning/face-parsing.PyTorch (MIT licence) builds it: in place of a spatial path it takes
ResNet's features at stride 8. Nothing is downloaded when it is made.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from lianpu.parser.resnet import ResNet18, imagenet_resnet
from lianpu.part_names import PARTS

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
SMALLEST_STRIDE = 32
"""The sides of a batch are best multiples of this."""


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
