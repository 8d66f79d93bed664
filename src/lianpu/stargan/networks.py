"""The generator and discriminator of StarGAN (Choi et al. 2018, arXiv:1711.09020), key for key as published.

One difference, on purpose: InstanceNorm always uses the statistics of the picture. The published networks also track running ones
but never leave train mode, so these were never used; tracking them only makes eval mode, and every export, wrong.
"""

import torch
from torch import nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with InstanceNorm around a skip: (B, F, H, W) to the same."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(features, features, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(features, affine=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(features, features, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(features, affine=True),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.main(x)


class Generator(nn.Module):
    """Faces and target labels to edited faces.

    8,430,528 parameters at conv_dim 64, repeat_num 6 and 5 attributes.
    """

    def __init__(self, conv_dim: int = 64, attribute_count: int = 5, repeat_num: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3 + attribute_count, conv_dim, 7, 1, 3, bias=False),
            nn.InstanceNorm2d(conv_dim, affine=True),
            nn.ReLU(inplace=True),
        ]
        features = conv_dim
        for _ in range(2):
            layers += [
                nn.Conv2d(features, features * 2, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(features * 2, affine=True),
                nn.ReLU(inplace=True),
            ]
            features *= 2
        layers += [ResidualBlock(features) for _ in range(repeat_num)]
        for _ in range(2):
            layers += [
                nn.ConvTranspose2d(features, features // 2, 4, 2, 1, bias=False),
                nn.InstanceNorm2d(features // 2, affine=True),
                nn.ReLU(inplace=True),
            ]
            features //= 2
        layers += [nn.Conv2d(features, 3, 7, 1, 3, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Batch (B, 3, S, S) in [-1, 1] and target labels (B, A) in {0, 1} to a batch (B, 3, S, S) in [-1, 1]."""
        planes = labels[:, :, None, None].expand(-1, -1, x.shape[2], x.shape[3])
        edited: torch.Tensor = self.main(torch.cat([x, planes.to(x.dtype)], dim=1))
        return edited


class Discriminator(nn.Module):
    """Faces to a map of realness scores (PatchGAN) and attribute logits.

    44,884,928 parameters at image_size 256, conv_dim 64, repeat_num 6 and 5 attributes.
    """

    def __init__(self, image_size: int = 256, conv_dim: int = 64, attribute_count: int = 5, repeat_num: int = 6) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, conv_dim, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)]
        features = conv_dim
        for _ in range(1, repeat_num):
            layers += [nn.Conv2d(features, features * 2, 4, 2, 1), nn.LeakyReLU(0.01, inplace=True)]
            features *= 2
        self.main = nn.Sequential(*layers)
        self.conv1 = nn.Conv2d(features, 1, 3, 1, 1, bias=False)
        self.conv2 = nn.Conv2d(features, attribute_count, image_size // 2**repeat_num, bias=False)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Batch (B, 3, S, S) in [-1, 1] to scores (B, 1, h, w), any real number, and logits (B, A)."""
        features = self.main(x)
        return self.conv1(features), self.conv2(features).flatten(1)


def count_parameters(network: nn.Module) -> int:
    """How many numbers a network learns."""
    return sum(parameter.numel() for parameter in network.parameters())
