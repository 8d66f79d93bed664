"""Masks moved to another size and place without stairs: each class is moved softly, and the strongest wins."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lianpu.face_parsing.data.mask_files import Mask
from lianpu.imaging.geometry import scaling

_ROUNDED = 0.7
"""Blur (standard deviation in pixels of the mask) that rounds the stairs of a mask before it is enlarged.

Real masks brought from 256 to 512 px agree best with the originals at this: mean F1 0.9754 over 20 faces, against 0.9730 by nearest pixels
and 0.9741 with a blur of 1. A line of one pixel loses half of its width.
"""

_AVERAGED = 0.4
"""Likewise before it is made smaller, divided by the scale: samples alone would alias."""

_MARGIN_PX = 4


def resized_mask(mask: Mask, size_px: int) -> Mask:
    """A square mask (S, S) as (size_px, size_px)."""
    if mask.shape[0] == size_px:
        return mask
    return warped_mask(mask, scaling(size_px / mask.shape[0]), (size_px, size_px))


def warped_mask(mask: Mask, matrix: np.ndarray, size_px: tuple[int, int]) -> Mask:
    """The mask as the matrix shows it, (height, width) uint8 of `size_px` = (width, height); 0 outside of the mask.

    Args:
        mask: (H, W) class indices.
        matrix: (2, 3), takes a point of the mask to the result; 0 is the centre of the first pixel.
    """
    width, height = size_px
    matrix = np.asarray(matrix, dtype=np.float64)
    scale = math.sqrt(abs(float(np.linalg.det(matrix[:, :2]))))
    blur = _ROUNDED if scale > 1 else _AVERAGED / scale
    strongest = np.zeros((height, width), dtype=np.uint8)
    result = np.zeros((height, width), dtype=np.uint8)
    for index in np.unique(mask):
        soft, corner = _soft_class(mask, int(index), blur)
        left, top, right, bottom = _reached(soft.shape, corner, matrix, width, height)
        if left >= right or top >= bottom:
            continue
        moved = matrix.copy()
        moved[:, 2] += matrix[:, :2] @ corner - (left, top)
        size = (right - left, bottom - top)
        weight = cv2.warpAffine(soft, moved, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
        window = np.s_[top:bottom, left:right]
        wins = weight > strongest[window]
        result[window][wins] = index
        np.maximum(strongest[window], weight, out=strongest[window])
    return result


def _soft_class(mask: Mask, index: int, blur: float) -> tuple[np.ndarray, np.ndarray]:
    """The class's part of the mask as 0 to 255, its edges softened, and where that part's first pixel lies (x, y)."""
    one = (mask == index).astype(np.uint8) * 255
    x, y, width, height = cv2.boundingRect(one)
    margin = _MARGIN_PX + math.ceil(3 * blur)
    left, top = max(0, x - margin), max(0, y - margin)
    part = one[top : y + height + margin, left : x + width + margin]
    return cv2.GaussianBlur(part, (0, 0), blur, borderType=cv2.BORDER_REPLICATE), np.array([left, top], dtype=np.float64)


def _reached(
    shape: tuple[int, ...], corner: np.ndarray, matrix: np.ndarray, width: int, height: int
) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the pixels of the result that a part can reach."""
    high, wide = shape[:2]
    corners = np.array([(-1, -1), (wide, -1), (-1, high), (wide, high)]) + corner
    seen = corners @ matrix[:, :2].T + matrix[:, 2]
    low, far = np.floor(seen.min(axis=0)).astype(int), np.ceil(seen.max(axis=0)).astype(int) + 1
    return max(0, low[0]), max(0, low[1]), min(width, far[0]), min(height, far[1])
