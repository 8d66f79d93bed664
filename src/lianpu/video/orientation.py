"""How a video's frames are turned for showing: the display matrix of its file, applied to pictures and undone again."""

from __future__ import annotations

from typing import Any

import numpy as np

from lianpu.errors import VideoError
from lianpu.image import Picture

DisplayMatrix = tuple[int, ...]
"""Nine numbers, row by row, as FFmpeg gives them (libavutil/display.h); () for a video that is shown as it is stored."""


def shown(stored: Picture, matrix: DisplayMatrix) -> Picture:
    """A stored frame (h, w, 3) as players show it."""
    transposed, left_right, up_down = _turn(matrix)
    picture: np.ndarray[Any, Any] = stored.transpose(1, 0, 2) if transposed else stored
    picture = picture[:, ::-1] if left_right else picture
    return np.ascontiguousarray(picture[::-1] if up_down else picture)


def stored(picture: Picture, matrix: DisplayMatrix) -> Picture:
    """A shown frame (H, W, 3) as it lies in the file: the inverse of `shown`."""
    transposed, left_right, up_down = _turn(matrix)
    turned: np.ndarray[Any, Any] = picture[::-1] if up_down else picture
    turned = turned[:, ::-1] if left_right else turned
    return np.ascontiguousarray(turned.transpose(1, 0, 2) if transposed else turned)


def _turn(matrix: DisplayMatrix) -> tuple[bool, bool, bool]:
    """Whether rows become columns, then left becomes right, then up becomes down.

    The matrix takes (x, y) to (a x + c y, b x + d y). Raises VideoError for one that turns by other than quarter turns.
    """
    if not matrix:
        return False, False, False
    a, b, _, c, d = matrix[:5]
    if (a and d and not b and not c) or (b and c and not a and not d):
        return (True, c < 0, b < 0) if b else (False, a < 0, d < 0)
    raise VideoError(
        f"The video is turned by other than quarter turns (display matrix {a}, {b}, {c}, {d}). Turn it upright first, with another program."
    )
