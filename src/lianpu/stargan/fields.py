"""Fields: what an edit does to a face, as smooth maps that can be applied to its photo at any size.

A flow moves the face, a coarse grid of affine transforms changes its colours (as in HDRNet, Gharbi et al. 2017, arXiv:1707.02880; an affine function of
the pixel's own colour parts hair from skin within one cell), two gains make its detail stronger or weaker, and a small residual draws what
none of them can. In this order: colours, detail and residual together, all from the given picture; then the flow.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from lianpu.stargan.layers import BAND_SIGMAS, FIELD_CHANNELS, FIELD_HIDDEN, GRID_STRIDE

FLOW_LIMIT = 0.08
"""Largest displacement along one axis, as a share of the picture's side."""
GAIN_LIMIT = 1.5
"""Largest gain of a band: detail of 1 + 1.5 times its strength; at the other end it is removed and inverted, which training avoids."""
COLOUR_SCALE = 0.5
USUAL_RATE = 3.0
"""How much faster than other weights the maps of what an edit does to all faces are learned."""

_FLOW_WINDOW = 5


class Fields(NamedTuple):
    """The fields of B pictures of side S, over a grid of side G = S / 4 where nothing else is said.

    Args:
        flow: (B, 2, G, G): a pixel takes its colour from so far to the right and below, in shares of S.
        colours: (B, 12, G, G): a 3x3 matrix, row by row, and an offset: `matrix @ colour + offset` is added, colours from -1 to 1.
        gains: (B, 2, G, G): how much of the picture's fine and middle detail (`BAND_SIGMAS`) is added.
        residual: (B, 3, S / 2, S / 2): what is added besides, in units of the batch.
    """

    flow: torch.Tensor
    colours: torch.Tensor
    gains: torch.Tensor
    residual: torch.Tensor


class FieldHead(nn.Module):
    """Features (B, F, G, G), pictures (B, 3, S, S) and labels (B, A) to flow, colours and gains; at first all of them are 0.

    The colours enter once more, because InstanceNorm has taken their means from the features. Faces are aligned, so what an edit does to all of them
    (where stubble grows, how a jaw becomes wider) is learned as such, a map for each label and sign; features draw what differs from face to face.
    """

    def __init__(self, features: int, attribute_count: int, cells: int) -> None:
        super().__init__()
        channels = sum(FIELD_CHANNELS.values())
        self.mix = nn.Conv2d(features + 3, FIELD_HIDDEN, 3, padding=1)
        self.leave = nn.Conv2d(FIELD_HIDDEN, channels, 1)
        self.usual = nn.Parameter(torch.zeros(2 * attribute_count, channels, cells, cells))
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(
        self, features: torch.Tensor, x: torch.Tensor, labels: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        seen = torch.cat([features, functional.avg_pool2d(x, GRID_STRIDE)], dim=1)
        drawn = self.leave(functional.relu(self.mix(seen))) + self._usual(labels, features.shape[2:])
        flow, colours, gains = drawn.split(list(FIELD_CHANNELS.values()), dim=1)
        flow = functional.avg_pool2d(torch.tanh(flow), _FLOW_WINDOW, 1, _FLOW_WINDOW // 2, count_include_pad=False)
        return FLOW_LIMIT * flow, COLOUR_SCALE * colours, GAIN_LIMIT * torch.tanh(gains)

    def _usual(self, labels: torch.Tensor, grid: torch.Size) -> torch.Tensor:
        signed = torch.cat([functional.relu(labels), functional.relu(-labels)], dim=1)
        maps = (USUAL_RATE * signed @ self.usual.flatten(1)).unflatten(1, self.usual.shape[1:])
        if maps.shape[2:] == grid:
            return maps
        return functional.interpolate(maps, size=tuple(grid), mode="bilinear", align_corners=False)


def apply_fields(x: torch.Tensor, fields: Fields) -> torch.Tensor:
    """The pictures (B, 3, S, S) in [-1, 1] with the fields applied, in float32 whatever the networks run in; differentiable in both."""
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):  # bfloat16 would round the picture itself to 7 bits
        with torch.autocast(x.device.type, enabled=False):
            return apply_fields(x.float(), Fields(*(field.float() for field in fields)))
    side = x.shape[2]
    planes = _enlarged(torch.cat([fields.colours, fields.gains], dim=1), GRID_STRIDE)
    matrix = planes[:, :9].unflatten(1, (3, 3))
    soft, softer = (blurred(x, sigma * side) for sigma in BAND_SIGMAS)
    y = (
        x
        + (matrix * x[:, None]).sum(dim=2)
        + planes[:, 9:12]
        + planes[:, 12:13] * (x - soft)
        + planes[:, 13:14] * (soft - softer)
    )
    y = y + _enlarged(fields.residual, 2)
    return moved(y, _enlarged(fields.flow, GRID_STRIDE)).clamp(-1, 1)


def moved(x: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """The pictures (B, 3, S, S) moved by a flow (B, 2, S, S) in shares of S. Cubic: a bilinear one would blur, and gains learn to undo it."""
    centres = (torch.arange(x.shape[2], dtype=torch.float32, device=x.device) + 0.5) * (2 / x.shape[2]) - 1
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    places = torch.stack([columns, rows], dim=-1)[None] + 2 * flow.permute(0, 2, 3, 1)
    return functional.grid_sample(x, places, mode="bicubic", padding_mode="border", align_corners=False)


def roughness(fields: Fields) -> torch.Tensor:
    """How much the fields change from cell to cell, a scalar: mean squares of the flow's strain and of steps of colour."""
    count = fields.flow.shape[2]
    return sum(
        ((count * fields.flow.diff(dim=axis)).square().mean() + fields.colours.diff(dim=axis).square().mean() for axis in (2, 3)),
        torch.zeros((), device=fields.flow.device),
    )


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Pictures (B, C, S, S) after a Gaussian blur of `sigma` pixels; the border is mirrored. As two products with a matrix: a fast kernel."""
    matrix = _blur_matrix(x.shape[2], sigma).to(x)
    return matrix @ x @ matrix.transpose(0, 1)


def _blur_matrix(side: int, sigma: float) -> torch.Tensor:
    reach = max(1, int(4 * sigma + 0.5))
    taps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = torch.exp(-0.5 * (taps / sigma) ** 2)
    kernel = kernel / kernel.sum()
    places = torch.arange(side)[:, None] + torch.arange(-reach, reach + 1)[None]
    folded = places.remainder(2 * side)
    mirrored = torch.where(folded < side, folded, 2 * side - 1 - folded)
    return torch.zeros(side, side, dtype=torch.float64).scatter_add_(1, mirrored, kernel.expand(side, -1).contiguous()).float()


def _enlarged(x: torch.Tensor, by: int) -> torch.Tensor:
    return functional.interpolate(x, scale_factor=by, mode="bilinear", align_corners=False)
