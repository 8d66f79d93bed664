"""The 19 classes of a parsed face by name: CelebAMask-HQ's order is ours, and other orders are mapped to it by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lianpu.errors import SettingsError, nearest_name

PARTS: tuple[str, ...] = (
    *("background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear"),
    *("mouth", "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
)
"""CelebAMask-HQ's classes in their official order. l_ and r_ are the subject's left and right, but for l_lip: the lower lip.

`eye_g` are glasses, `ear_r` an earring, `neck_l` a necklace, `mouth` the inside of an open mouth.
"""

PART_INDEX: dict[str, int] = {name: index for index, name in enumerate(PARTS)}

SIDES: tuple[tuple[str, str], ...] = (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear"))
"""The classes that a mirrored picture swaps."""

BISENET_ORDER: tuple[str, ...] = (
    *("background", "skin", "l_brow", "r_brow", "l_eye", "r_eye", "eye_g", "l_ear", "r_ear", "ear_r"),
    *("nose", "mouth", "u_lip", "l_lip", "neck", "neck_l", "cloth", "hair", "hat"),
)
"""The order of zllrunning/face-parsing.PyTorch, whose 79999_iter.pth is the published BiSeNet.

It was trained with mirrored pictures whose left and right classes were not swapped: which of the two it says is chance.
"""

_COLORS = bytes.fromhex(
    "000000 cc0000 4c9900 cccc00 3333ff cc00cc 00ffff ffcccc 663300 ff0000 66cc00 ffff00 000099 0000cc ff3399 00cccc 003300"
    " ff9933 00cc00"
)

PART_COLORS: tuple[tuple[int, int, int], ...] = tuple(zip(_COLORS[::3], _COLORS[1::3], _COLORS[2::3], strict=True))
"""CelebAMask-HQ's colours (R, G, B) of the classes in our order."""


def part_index(name: str) -> int:
    """The class index of a part in our order. Raises SettingsError with the nearest known name."""
    if name not in PART_INDEX:
        raise SettingsError(f"'{name}' is no part of a face{nearest_name(name, PARTS)}. Known: {', '.join(PARTS)}.")
    return PART_INDEX[name]


def order_to_ours(names: Sequence[str]) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A table of len(names) uint8 that turns another order's index into ours: `order_to_ours(BISENET_ORDER)[mask]`."""
    return np.array([part_index(name) for name in names], dtype=np.uint8)


def mirrored_index() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A table of 19 uint8 that swaps the left and right classes: what the mask of a mirrored picture needs too."""
    table = np.arange(len(PARTS), dtype=np.uint8)
    for left, right in SIDES:
        table[PART_INDEX[left]], table[PART_INDEX[right]] = PART_INDEX[right], PART_INDEX[left]
    return table


def part_palette() -> list[int]:
    """The palette of mask files: 256 RGB triples, flat."""
    colors = [value for color in PART_COLORS for value in color]
    return colors + [0] * (768 - len(colors))
