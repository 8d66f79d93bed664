"""A face parser of 1.6 million parameters: EfficientNet-Lite0 as the encoder, and a light decoder that climbs back to half the size.

The encoder is cut after two of the four blocks of its 192-channel stage (stride 32). The decoder follows feature pyramids (Lin et al. 2017,
arXiv:1612.03144) with depthwise separable convolutions, and takes a gate from the whole picture at the bottom, as the attention refinement of
BiSeNet does (Yu et al. 2018, arXiv:1808.00897).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from lianpu.models.efficientnet import build_efficientnet, load_efficientnet
from lianpu.part_names import PARTS

ENCODER_CHANNELS = (16, 24, 40, 112, 192)
"""Channels of the encoder at strides 2, 4, 8, 16 and 32."""

DECODER_CHANNELS = (24, 40, 64, 96, 128)
"""Channels of the decoder at the same strides."""

DECODER_DEPTHS = (1, 2, 2, 2, 2)
"""Separable convolutions at the same strides: at stride 2 each one costs as much as a stage of the encoder."""


class SmallParser(nn.Module):
    """Logits of the 19 parts. Sides of the input are multiples of 32."""

    def __init__(self, from_imagenet: bool = False) -> None:
        """Random weights, or an encoder that starts from ImageNet. Raises WeightsError when that file is not here."""
        super().__init__()
        self.encoder = Encoder(load_efficientnet() if from_imagenet else build_efficientnet())
        self.decoder = Decoder()
        self.classify = nn.Conv2d(DECODER_CHANNELS[0], len(PARTS), 1)
        self.classify_coarse = nn.Conv2d(DECODER_CHANNELS[2], len(PARTS), 1)

    def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Logits (B, 19, S/2, S/2) of a batch (B, 3, S, S) in [-1, 1]; in train mode also coarse ones (B, 19, S/8, S/8)."""
        fine, coarse = self.decoder(self.encoder(batch))
        logits = self.classify(fine)
        return (logits, self.classify_coarse(coarse)) if self.training else (logits,)


class Encoder(nn.Module):
    """The first stages of EfficientNet-Lite0; gives its features at strides 2, 4, 8, 16 and 32."""

    def __init__(self, efficientnet: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(efficientnet.conv_stem, efficientnet.bn1)  # type: ignore[arg-type]
        blocks = list(efficientnet.blocks)  # type: ignore[arg-type]
        stages = [blocks[0], blocks[1], blocks[2], nn.Sequential(*blocks[3], *blocks[4]), nn.Sequential(*list(blocks[5])[:2])]
        self.stages = nn.ModuleList(stages)
        for parameter in self.parameters():
            parameter.requires_grad_(True)

    def forward(self, batch: torch.Tensor) -> list[torch.Tensor]:
        features = [self.stem(batch)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[1:]


class Decoder(nn.Module):
    """From stride 32 up to stride 2: at each step the finer features join in, and a separable convolution mixes them."""

    def __init__(self) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(
            pointwise(given, wanted) for given, wanted in zip(ENCODER_CHANNELS, DECODER_CHANNELS, strict=True)
        )
        self.gate = nn.Linear(DECODER_CHANNELS[-1], DECODER_CHANNELS[-1])
        self.narrow = nn.ModuleList(
            pointwise(coarse, fine) for coarse, fine in zip(DECODER_CHANNELS[1:], DECODER_CHANNELS[:-1], strict=True)
        )
        self.mix = nn.ModuleList(
            nn.Sequential(*(Separable(channels) for _ in range(depth)))
            for channels, depth in zip(DECODER_CHANNELS, DECODER_DEPTHS, strict=True)
        )

    def forward(self, features: list[torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        """Features at strides 2 and 8."""
        now = self.mix[-1](self.laterals[-1](features[-1]))
        now = now * torch.sigmoid(self.gate(now.mean(dim=(2, 3))))[:, :, None, None]
        coarse = now
        for level in reversed(range(len(features) - 1)):
            finer = self.laterals[level](features[level])
            above = functional.interpolate(self.narrow[level](now), size=finer.shape[2:], mode="bilinear", align_corners=False)
            now = self.mix[level](finer + above)
            coarse = now if level == 2 else coarse
        return now, coarse


class Separable(nn.Module):
    """A depthwise 3x3 and a pointwise convolution around a residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.depthwise_norm = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.pointwise_norm = nn.BatchNorm2d(channels)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        mixed = functional.relu(self.depthwise_norm(self.depthwise(features)), inplace=True)
        return functional.relu(features + self.pointwise_norm(self.pointwise(mixed)), inplace=True)


def pointwise(given: int, wanted: int) -> nn.Sequential:
    """A 1x1 convolution with its norm."""
    return nn.Sequential(nn.Conv2d(given, wanted, 1, bias=False), nn.BatchNorm2d(wanted))
