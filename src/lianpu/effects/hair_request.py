"""The colour that an editor gave to hair: what is carried into the photo of an edit of Black_Hair, Blond_Hair, Brown_Hair or Gray_Hair."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lianpu.effects.lab import to_lab
from lianpu.effects.masks import smooth_step
from lianpu.effects.view import Field
from lianpu.image import Picture

HAIR_COLORS = frozenset(("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
"""Attributes of CelebA that are about the colour of hair and nothing else."""

_UNNOTICED, _PLAIN = 2.0, 8.0
"""Differences of colour (CIE76) that are no change yet, and one that is plainly meant."""

_COUNTED = 0.2
"""Share of the hair that says the colour."""


def is_hair_color(attributes: Iterable[str]) -> bool:
    """Whether the attributes are about the colour of hair alone."""
    names = set(attributes)
    return bool(names) and names <= HAIR_COLORS


def asked_color(crop: Picture, edited: Picture, weight: Field) -> tuple[Field, float] | None:
    """The colour that the middle of the hair has after the edit, Lab (3,), and how sure it is that the editor meant a change, 0 to 1.

    A fifth of the hair counts, the one that the editor changed most: a small editor leaves the rest patchy, or in its shadow. None where no hair is.

    Args:
        crop: (S, S, 3) as the editor saw it.
        edited: (S, S, 3) as it gave it back.
        weight: (S, S), 0 to 1: how much of a pixel is hair.
    """
    hair = weight > 0.5
    if hair.sum() < 4:
        return None
    before, after = (to_lab(np.asarray(picture, dtype=np.float32) / np.float32(255))[hair] for picture in (crop, edited))
    amount = np.linalg.norm(after - before, axis=1)
    changed = amount >= np.quantile(amount, 1 - _COUNTED)
    target = np.median(after[changed], axis=0)
    apart = float(np.linalg.norm(target - np.median(before[changed], axis=0)))
    return target.astype(np.float32), float(smooth_step(np.array(apart), _UNNOTICED, _PLAIN))
