"""The fast generator: a thirtieth of the published one's work, for cameras, browsers and training on a CPU.

What makes it fast: the picture enters by one strided convolution (a 6x6 of stride 2 is space-to-depth by 2 and a 3x3), residual blocks are
depthwise separable (Chollet 2017, arXiv:1610.02357) at an eighth of the picture, and upsampling is bilinear with a plain convolution: every
operation has a fast kernel. What makes it learn: labels scale and shift every norm (FiLM, Perez et al. 2018, arXiv:1709.07871), where planes
in front of an InstanceNorm are nearly removed by it; and the output is a change and where it applies, `x * (1 - mask) + change * mask`
(GANimation, Pumarola et al. 2018, arXiv:1807.09251), so that what is not edited stays as sharp as it was; or fields (`stargan/fields.py`)."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import nn
from torch.nn import functional

from lianpu.stargan.config import ModelConfig
from lianpu.stargan.fields import FieldHead, Fields, apply_fields
from lianpu.stargan.layers import FIELD_NAMES, GRID_STRIDE, LITE_CHANNELS
from lianpu.stargan.networks import Generator

MASK_BIAS = -1.0
"""The mask begins mostly closed: an editor that changes nothing is a better start than one that repaints everything."""
FILM_SPREAD = 0.1
"""Standard deviation of the first scales and shifts per unit of label."""

Conditioning = Literal["film", "planes"]
Output = Literal["mask", "fields"]


class Drawn(NamedTuple):
    """An edit with what it was made of.

    Args:
        edited: (B, 3, S, S).
        mask: (B, 1, S, S) in [0, 1]: where the change applies; of fields (B, 1, S / 2, S / 2), where the residual does.
        fields: of a generator whose output they are, else None.
    """

    edited: torch.Tensor
    mask: torch.Tensor
    fields: Fields | None


class LiteGenerator(nn.Module):
    """Faces and labels to edited faces: (B, 3, S, S), S a multiple of 8. 494,340 parameters at 32 channels, 6 blocks and 5 attributes.

    Args:
        channels: after the first convolution; doubled by each of two downsamplings.
        attribute_count: numbers in the label vector.
        blocks: residual blocks at an eighth of the picture.
        conditioning: how labels enter.
        output: what is drawn: a change with its mask, or fields. For smooth fields half the convolutions in front of them is at half the size, a quarter
            of the work.
        cells: side of the fields' grid, a quarter of the pictures' side; other sizes work, with the maps of labels scaled.
    """

    def __init__(
        self,
        channels: int = 32,
        attribute_count: int = 5,
        blocks: int = 6,
        conditioning: Conditioning = "film",
        output: Output = "mask",
        cells: int = 32,
    ) -> None:
        super().__init__()
        planes = attribute_count if conditioning == "planes" else 0
        self.conditioning = conditioning
        self.enter = _down(3 + planes, channels, 6)
        self.down = nn.ModuleList([_down(channels, 2 * channels, 4), _down(2 * channels, 4 * channels, 4)])
        self.blocks = nn.ModuleList(_Block(4 * channels) for _ in range(blocks))
        early = output == "fields"
        self.up = nn.ModuleList([_Up(4 * channels, 2 * channels, early), _Up(2 * channels, channels, early)])
        self.leave = nn.Conv2d(channels, 4, 3, padding=1)
        nn.init.constant_(self.leave.bias[3:], MASK_BIAS)  # type: ignore[index]
        self.field_head = FieldHead(2 * channels, attribute_count, cells) if output == "fields" else None
        self.norm_sizes = [size for _ in range(blocks) for size in (4 * channels, 4 * channels)] + [2 * channels, channels]
        self.film = nn.Linear(attribute_count, 2 * sum(self.norm_sizes)) if conditioning == "film" else None
        if self.film is not None:
            nn.init.normal_(self.film.weight, 0.0, FILM_SPREAD)
            nn.init.zeros_(self.film.bias)

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        """Batch (B, 3, S, S) in [-1, 1] and labels (B, A), as `ModelConfig.label_input` says, to a batch (B, 3, S, S) in [-1, 1]."""
        return self.draw(x, labels).edited

    def fields(self, x: torch.Tensor, labels: torch.Tensor) -> Fields:
        """The fields by name, for a generator that was made with `output` fields; ValueError for another."""
        fields = self.draw(x, labels).fields
        if fields is None:
            raise ValueError("this generator draws a change and a mask, no fields")
        return fields

    def draw(self, x: torch.Tensor, labels: torch.Tensor) -> Drawn:
        """The edited batch with its mask and fields; labels as for `forward`."""
        norms = self._norms(labels)
        half = self.enter(self._with_planes(x, labels))
        quarter = self.down[0](half)
        features = self.down[1](quarter)
        for block in self.blocks:
            features = block(features, norms.pop(0), norms.pop(0))
        coarse = self.up[0](features, norms.pop(0)) + quarter
        fine = self.up[1](coarse, norms.pop(0)) + half
        if self.field_head is None:
            drawn = _twice(self.leave(fine))
            mask = torch.sigmoid(drawn[:, 3:])
            return Drawn(x + mask * (torch.tanh(drawn[:, :3]) - x), mask, None)
        drawn = self.leave(fine)
        mask = torch.sigmoid(drawn[:, 3:])
        fields = Fields(*(field.float() for field in (*self.field_head(coarse, x, labels), mask * torch.tanh(drawn[:, :3]))))
        return Drawn(apply_fields(x, fields), mask, fields)

    def _with_planes(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
        if self.film is not None:
            return x
        planes = labels[:, :, None, None].expand(-1, -1, x.shape[2], x.shape[3])
        return torch.cat([x, planes.to(x.dtype)], dim=1)

    def _norms(self, labels: torch.Tensor) -> list[_Film | None]:
        """Scale and shift of each norm, in the order of use; one linear layer gives them all."""
        if self.film is None:
            return [None] * len(self.norm_sizes)
        parts = self.film(labels)[:, :, None, None].split([size for size in self.norm_sizes for _ in range(2)], dim=1)
        return [(1 + scale, shift) for scale, shift in zip(parts[::2], parts[1::2], strict=True)]


_Film = tuple[torch.Tensor, torch.Tensor]


class _Norm(nn.Module):
    """InstanceNorm with scale and shift of its own, and those that the labels ask for."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.norm = nn.InstanceNorm2d(features, affine=True)

    def forward(self, x: torch.Tensor, film: _Film | None) -> torch.Tensor:
        normed: torch.Tensor = self.norm(x)
        return normed if film is None else normed * film[0] + film[1]


class _Block(nn.Module):
    """Two depthwise separable 3x3 convolutions with norms around a skip: (B, F, H, W) to the same."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.first, self.first_norm = _separable(features), _Norm(features)
        self.second, self.second_norm = _separable(features), _Norm(features)

    def forward(self, x: torch.Tensor, first: _Film | None, second: _Film | None) -> torch.Tensor:
        inner = functional.relu(self.first_norm(self.first(x), first))
        return x + self.second_norm(self.second(inner), second)


class _Up(nn.Module):
    """Twice the size: (B, F, H, W) to (B, G, 2H, 2W). Bilinear, and a 3x3 after or, `early`, before it: a pixel shuffle here learns dotted patterns."""

    def __init__(self, features: int, outputs: int, early: bool) -> None:
        super().__init__()
        self.early = early
        self.convolution = nn.Conv2d(features, outputs, 3, padding=1, bias=False)
        self.norm = _Norm(outputs)

    def forward(self, x: torch.Tensor, film: _Film | None) -> torch.Tensor:
        larger = _twice(self.convolution(x)) if self.early else self.convolution(_twice(x))
        return functional.relu(self.norm(larger, film))


def _down(features: int, outputs: int, kernel_px: int) -> nn.Sequential:
    """Half the size."""
    convolution = nn.Conv2d(features, outputs, kernel_px, stride=2, padding=kernel_px // 2 - 1, bias=False)
    return nn.Sequential(convolution, nn.InstanceNorm2d(outputs, affine=True), nn.ReLU(inplace=True))


def _separable(features: int) -> nn.Sequential:
    depthwise = nn.Conv2d(features, features, 3, padding=1, groups=features, bias=False)
    return nn.Sequential(depthwise, nn.Conv2d(features, features, 1, bias=False))


def _twice(x: torch.Tensor) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class AllOutputs(nn.Module):
    """A generator with fields in a form that gives `edited` and then each of `FIELD_NAMES`: what is exported."""

    def __init__(self, generator: LiteGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, x: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, ...]:
        drawn = self.generator.draw(x, labels)
        assert drawn.fields is not None, "a generator without fields is exported as it is"
        return (drawn.edited, *drawn.fields)


def outputs_of(generator: nn.Module) -> tuple[str, ...]:
    """The names of what a generator gives: `edited`, and its fields where it has some."""
    has_fields = isinstance(generator, LiteGenerator) and generator.field_head is not None
    return ("edited", *FIELD_NAMES) if has_fields else ("edited",)


AnyGenerator = Generator | LiteGenerator
"""Both take a batch (B, 3, S, S) and labels (B, A) and give a batch (B, 3, S, S)."""


def build_generator(model: ModelConfig, attribute_count: int) -> AnyGenerator:
    """A generator with random weights, of the kind and size that `model` names."""
    if model.generator == "lite":
        return LiteGenerator(
            LITE_CHANNELS[model.lite_size],
            attribute_count,
            model.g_repeat_num,
            model.conditioning,
            model.output,
            model.image_size // GRID_STRIDE,
        )
    return Generator(model.g_conv_dim, attribute_count, model.g_repeat_num)
