"""Differentiable augmentation of what the discriminator sees (Zhao et al. 2020, arXiv:2006.10738): with few faces it otherwise learns them by heart.

Real and edited faces are varied alike, so the generator is never asked to imitate the variation. Hue is never touched: hair colour is a label.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lianpu.stargan.config import Variation

LARGEST_SHIFT = 1 / 8
"""Of the picture's side, each way."""
CUTOUT_SIDE = 3 / 8
"""Of the picture's side. Half of it, as published, often hides the hair and with it the label."""
LARGEST_LIGHT = 0.2
"""Added to all values alike, each way."""


@dataclass(frozen=True)
class Varied:
    """What is drawn for B faces, so that several batches can be varied alike.

    Args:
        shift: (B, 2) integers, rows and columns.
        hole: (B, 2) in [0, 1), the middle of the hole as a share of the side.
        light: (B, 1, 1, 1).
        kinds: which of them are used.
    """

    shift: torch.Tensor
    hole: torch.Tensor
    light: torch.Tensor
    kinds: tuple[Variation, ...]

    def part(self, rows: slice) -> Varied:
        """The variation of some of the faces."""
        return Varied(self.shift[rows], self.hole[rows], self.light[rows], self.kinds)

    def __call__(self, batch: torch.Tensor) -> torch.Tensor:
        """The faces (B, 3, S, S), varied; differentiable."""
        if "light" in self.kinds:
            batch = batch + self.light
        if "translation" in self.kinds:
            batch = _shifted(batch, self.shift)
        return batch * _without_hole(batch, self.hole) if "cutout" in self.kinds else batch


def draw_variation(
    count: int, side_px: int, kinds: tuple[Variation, ...], chance: torch.Generator, device: torch.device
) -> Varied:
    """Variation for `count` faces of side S, drawn from `chance`."""
    reach = round(side_px * LARGEST_SHIFT)
    shift = torch.randint(-reach, reach + 1, (count, 2), generator=chance)
    hole = torch.rand(count, 2, generator=chance)
    light = (torch.rand(count, 1, 1, 1, generator=chance) * 2 - 1) * LARGEST_LIGHT
    return Varied(shift.to(device), hole.to(device), light.to(device), kinds)


def _shifted(batch: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Each face moved by its own rows and columns; what comes in at a border repeats it."""
    height, width = batch.shape[2:]
    rows = (torch.arange(height, device=batch.device)[None, :] - shift[:, :1]).clamp(0, height - 1)
    columns = (torch.arange(width, device=batch.device)[None, :] - shift[:, 1:]).clamp(0, width - 1)
    faces = torch.arange(len(batch), device=batch.device)[:, None, None]
    return batch.permute(0, 2, 3, 1)[faces, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _without_hole(batch: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    """(B, 1, S, S): 0 in each face's square hole, 1 elsewhere."""
    height, width = batch.shape[2:]
    rows = (torch.arange(height, device=batch.device)[None, :] - hole[:, :1] * height).abs() < height * CUTOUT_SIDE / 2
    columns = (torch.arange(width, device=batch.device)[None, :] - hole[:, 1:] * width).abs() < width * CUTOUT_SIDE / 2
    return 1.0 - (rows[:, None, :, None] & columns[:, None, None, :]).to(batch.dtype)
