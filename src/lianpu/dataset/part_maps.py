"""Where on each training face an edit may change something: small maps of face parts, and the parts that each attribute is about."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from lianpu.attributes import HAIR_COLORS, AttributeSet
from lianpu.dataset.order import Flips, Rows
from lianpu.part_names import PART_INDEX, PARTS

MAP_PX = 64
"""Side of the kept maps: 4 KB a face."""
REACH_PX = 2
"""Pixels of a map by which an edit may go beyond the border of its parts, where strands and shadows are."""

_EYES = ("eye_g", "l_eye", "r_eye", "l_brow", "r_brow")
_FACE = ("skin", "nose", *_EYES, "mouth", "u_lip", "l_lip")
_HEAD = (*_FACE, "l_ear", "r_ear", "hair", "ear_r", "neck_l", "neck")
_MOUTH = ("mouth", "u_lip", "l_lip", "skin")

EDITED_PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(HAIR_COLORS, ("hair",)),
    **dict.fromkeys(("Bald", "Bangs", "Receding_Hairline", "Straight_Hair", "Wavy_Hair"), ("hair", "skin", "l_ear", "r_ear")),
    **dict.fromkeys(("Male", "Young", "Attractive", "Chubby", "Double_Chin", "Heavy_Makeup", "Pale_Skin"), _HEAD),
    **dict.fromkeys(
        ("Eyeglasses", "Bags_Under_Eyes", "Narrow_Eyes", "Arched_Eyebrows", "Bushy_Eyebrows"), (*_EYES, "skin", "nose")
    ),
    **dict.fromkeys(("Smiling", "Mouth_Slightly_Open", "High_Cheekbones", "Rosy_Cheeks"), _FACE),
    **dict.fromkeys(("Mustache", "Goatee", "No_Beard", "5_o_Clock_Shadow", "Sideburns"), (*_MOUTH, "nose", "neck", "hair")),
    **dict.fromkeys(("Wearing_Lipstick", "Big_Lips"), ("u_lip", "l_lip", "mouth")),
    **dict.fromkeys(("Big_Nose", "Pointy_Nose"), ("nose", "skin")),
}
"""CelebA's attributes and the parts that they are about. One that is not named may change anything."""


@dataclass(frozen=True, eq=False)
class PartMaps:
    """The parts of N training faces, in the faces' order: (N, MAP_PX, MAP_PX) uint8 class indices of `part_names.PARTS`."""

    maps: np.ndarray

    def __post_init__(self) -> None:
        if self.maps.ndim != 3 or self.maps.dtype != np.uint8 or (self.maps.size and int(self.maps.max()) >= len(PARTS)):
            raise ValueError(f"part maps are (N, S, S) uint8 below {len(PARTS)}, got {self.maps.shape} {self.maps.dtype}")

    def outside(self, rows: Rows, flips: Flips, changed: np.ndarray, attributes: AttributeSet, side_px: int) -> torch.Tensor:
        """(B, 1, S, S) in [0, 1]: 1 where none of the changed attributes may change a face, soft at the borders.

        Args:
            rows, flips: which faces, and which of them are mirrored; (B,) each.
            changed: (B, A) true where an attribute changes.
            attributes: the names of the A columns.
            side_px: S.
        """
        maps = self.maps[rows]
        maps = np.where(flips[:, None, None], maps[:, :, ::-1], maps)
        allowed = changed @ editable_parts(attributes) > 0  # (B, 19)
        inside = np.take_along_axis(allowed, maps.reshape(len(maps), -1).astype(np.int64), axis=1).reshape(maps.shape)
        widened = functional.max_pool2d(
            torch.from_numpy(inside.astype(np.float32))[:, None], 2 * REACH_PX + 1, stride=1, padding=REACH_PX
        )
        return 1.0 - functional.interpolate(widened, size=(side_px, side_px), mode="bilinear", align_corners=False)


def editable_parts(attributes: AttributeSet) -> np.ndarray:
    """(A, 19) in {0, 1}: the parts that each attribute may change."""
    table = np.ones((len(attributes), len(PARTS)), dtype=np.float32)
    for row, name in enumerate(attributes.names):
        if name in EDITED_PARTS:
            table[row] = 0.0
            table[row, [PART_INDEX[part] for part in EDITED_PARTS[name]]] = 1.0
    return table


def shrunk_map(mask: np.ndarray) -> np.ndarray:
    """A mask (H, W) uint8 as (MAP_PX, MAP_PX): the class in the middle of each field."""
    rows = ((np.arange(MAP_PX) + 0.5) * mask.shape[0] / MAP_PX).astype(int)
    columns = ((np.arange(MAP_PX) + 0.5) * mask.shape[1] / MAP_PX).astype(int)
    small = mask[np.ix_(rows, columns)]
    return np.where(small < len(PARTS), small, 0).astype(np.uint8)
