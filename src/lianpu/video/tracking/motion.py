"""Where things went from one frame to the next: optical flow at points (pyramidal Lucas-Kanade) and over crops (DIS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.imaging.geometry import Matrix, map_points, scale_between, scale_points, shrink, similarity
from lianpu.imaging.picture import Picture

Grey = np.ndarray[Any, np.dtype[np.uint8]]

_LONGEST_PX = 640

_WINDOW_PX = 21

_LEVELS = 3

_BACK_PX = 1.0

_FEWEST = 6

_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class GreyFrame:
    """A frame made small and grey.

    Args:
        grey: (h, w) uint8.
        scale: pixels of `grey` for one of the frame.
    """

    grey: Grey
    scale: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Motion:
    """What points did.

    Args:
        points: (K, 2), where they are now.
        sure: (K,) bool, which of them were found again where they came from when the flow was run backwards.
        rigid: (2, 3), the turn, scale and shift nearest to what the sure ones did.
    """

    points: np.ndarray
    sure: np.ndarray
    rigid: Matrix

    @property
    def share(self) -> float:
        """The share of points that are sure."""
        return float(self.sure.mean()) if self.sure.size else 0.0


def grey_frame(picture: Picture) -> GreyFrame:
    """The frame (H, W, 3) as motion is looked for in it: grey, its longer side at most 640 pixels."""
    grey = shrink(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), _LONGEST_PX)
    return GreyFrame(np.asarray(grey, dtype=np.uint8), scale_between(picture, grey))


def motion_of(points: np.ndarray, before: GreyFrame, now: GreyFrame) -> Motion:
    """What points (K, 2) of the frame before did. Where none can be found again, none is sure and `rigid` stays.

    Lucas-Kanade in pyramids (Bouguet 2001), forwards and back: Kalal et al. 2010, Forward-Backward Error.
    """
    start = scale_points(points, before.scale).astype(np.float32).reshape(-1, 1, 2)
    there, found, _ = _flow(before.grey, now.grey, start)
    back, found_back, _ = _flow(now.grey, before.grey, there)
    error = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
    high, wide = now.grey.shape
    inside = ((there >= 0) & (there <= (wide - 1, high - 1))).all(axis=-1).ravel()
    sure = (found.ravel() == 1) & (found_back.ravel() == 1) & (error < _BACK_PX) & inside
    moved = scale_points(there.reshape(-1, 2), (1 / now.scale[0], 1 / now.scale[1]))
    rigid = _rigid(np.asarray(points, dtype=np.float64), moved, sure)
    return Motion(np.where(sure[:, None], moved, map_points(rigid, points)).astype(np.float32), sure, rigid)


def crop_flow(before: Grey, now: Grey) -> np.ndarray:
    """(h, w, 2) float32: for each pixel of `now` the way back to where it was in `before`.

    Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search.
    """
    finder: Any = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # type: ignore[attr-defined]
    return np.asarray(finder.calc(now, before, None), dtype=np.float32)


def _flow(before: Grey, now: Grey, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found: Any = cv2.calcOpticalFlowPyrLK(before, now, points, np.empty_like(points), winSize=(_WINDOW_PX,) * 2, maxLevel=_LEVELS)
    return found[0], found[1], found[2]


def _rigid(points: np.ndarray, moved: np.ndarray, sure: np.ndarray) -> Matrix:
    """The similarity of the sure points, without those that differ most from what the others did."""
    kept = np.flatnonzero(sure)
    if len(kept) < _FEWEST:
        return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    matrix = np.eye(2, 3)
    for _ in range(_ROUNDS):
        matrix = similarity(points[kept], moved[kept])
        error = np.linalg.norm(map_points(matrix, points[kept]) - moved[kept], axis=1)
        near = error <= max(0.5, 2.5 * float(np.median(error)))
        if near.all() or near.sum() < _FEWEST:
            break
        kept = kept[near]
    return matrix
