"""Left and right decided by where a part lies, for networks that cannot be believed about it.

The published BiSeNet (79999_iter.pth) was trained with mirrored pictures whose left and right classes were not swapped, so which of the
two it says is chance. In an upright crop the subject's left lies to the right of the nose, and that is what is taken here.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from lianpu.parser.mask_files import Mask
from lianpu.part_names import PART_INDEX, SIDES

_STRADDLES = 0.25
"""A patch with at least this share of its pixels on either side of the nose is two parts that touch, and is cut there."""


def sides_by_place(mask: Mask) -> Mask:
    """The mask (H, W) of an upright aligned face with eyes, brows and ears called left or right by where they lie.

    Each connected patch goes to the side of the nose that its centre is on; a patch that reaches far over both sides, as brows that
    have grown together, is cut there. Which of the two the mask says is not looked at. Without a nose the middle of the skin counts,
    and without skin the middle of the crop.
    """
    middle = _middle_column(mask)
    columns = np.arange(mask.shape[1])
    decided = mask.copy()
    for left, right in SIDES:
        either = (mask == PART_INDEX[left]) | (mask == PART_INDEX[right])
        patches, _ = ndimage.label(either, structure=np.ones((3, 3)))
        for number, place in enumerate(ndimage.find_objects(patches), start=1):
            patch = patches[place] == number
            on_left = columns[place[1]] > middle  # the subject's left is on the picture's right
            share = float(patch[:, on_left].sum()) / float(patch.sum())
            if not _STRADDLES <= share <= 1 - _STRADDLES:
                on_left = np.full(len(on_left), share > 0.5)
            table = np.where(on_left, PART_INDEX[left], PART_INDEX[right]).astype(np.uint8)
            decided[place] = np.where(patch, table, decided[place])
    return decided


def _middle_column(mask: Mask) -> float:
    for name in ("nose", "skin"):
        _, columns = np.nonzero(mask == PART_INDEX[name])
        if columns.size:
            return float(columns.mean())
    return (mask.shape[1] - 1) / 2
