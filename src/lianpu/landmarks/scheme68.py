"""The 68 points of iBUG 300-W: their regions, their mirror order, and the eye distances that errors are divided by."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.faces.dlib_models import BoxXyxy

COUNT = 68

Points68 = np.ndarray[Any, np.dtype[np.float32]]
"""Points (68, 2), x then y."""

REGIONS: dict[str, range] = {
    "jaw": range(17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": range(36, 48),
    "mouth": range(48, 68),
}
"""The points of each region."""

OUTER_EYE_CORNERS = (36, 45)

RIGHT_EYE, LEFT_EYE = range(36, 42), range(42, 48)  # the subject's right eye lies on the picture's left

_PAIRS = (
    *((point, 16 - point) for point in range(8)),
    *((point, 43 - point) for point in range(17, 22)),
    (31, 35),
    (32, 34),
    (36, 45),
    (37, 44),
    (38, 43),
    (39, 42),
    (40, 47),
    (41, 46),
    (48, 54),
    (49, 53),
    (50, 52),
    (55, 59),
    (56, 58),
    (60, 64),
    (61, 63),
    (65, 67),
)


def _mirror_order() -> tuple[int, ...]:
    order = list(range(COUNT))
    for first, second in _PAIRS:
        order[first], order[second] = second, first
    return tuple(order)


MIRROR_ORDER = _mirror_order()
"""In a mirrored picture, point i is where point MIRROR_ORDER[i] was."""


def mirrored(points: np.ndarray, width: int) -> Points68:
    """The points (68, 2) of the mirror image of a picture that is `width` pixels wide, in their own order."""
    flipped = np.asarray(points, dtype=np.float32)[list(MIRROR_ORDER)]
    flipped[:, 0] = width - 1 - flipped[:, 0]
    return flipped


def inter_ocular(points: np.ndarray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Distance of the outer corners of the eyes, (...,), of points (..., 68, 2): what 300-W divides errors by."""
    first, second = OUTER_EYE_CORNERS
    return _length(points[..., first, :] - points[..., second, :])


def inter_pupil(points: np.ndarray) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Distance of the centres of the eyes (the mean of six points each), (...,), of points (..., 68, 2)."""
    return _length(points[..., list(RIGHT_EYE), :].mean(axis=-2) - points[..., list(LEFT_EYE), :].mean(axis=-2))


def _length(vectors: np.ndarray) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.linalg.norm(np.asarray(vectors, dtype=np.float64), axis=-1)


@dataclass(frozen=True, eq=False)
class FaceLabel:
    """The points of one face, as labelled.

    Args:
        picture: the picture's file.
        points: (68, 2) float32.
        box_xyxy: left, top, right, bottom (the last pixel inside), or None where the form has no boxes.
    """

    picture: Path
    points: Points68
    box_xyxy: BoxXyxy | None
