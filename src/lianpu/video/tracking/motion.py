"""Optical flow from one frame to the next: at points (pyramidal Lucas-Kanade) and over whole crops (DIS)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.imaging.color import percentiles
from lianpu.imaging.geometry import Matrix, map_points, scale_between, scale_points, shrink, similarity
from lianpu.imaging.picture import Picture

Grey = np.ndarray[Any, np.dtype[np.uint8]]

_LONGEST_PX = 640

_CAREFUL: Mapping[str, Any] = {"winSize": (21, 21), "maxLevel": 3}

_QUICK: Mapping[str, Any] = {
    "winSize": (15, 15),
    "maxLevel": 2,
    "criteria": (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 8, 0.03),
}

_BACK_PX = 1.0

_FEWEST = 6

_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class GreyFrame:
    """A small grey copy of a frame.

    Args:
        grey: (h, w) uint8.
        scale: pixels of `grey` per pixel of the frame.
    """

    grey: Grey
    scale: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Motion:
    """The motion of points between two frames.

    Args:
        points: (K, 2), their positions in the second frame.
        reliable: (K,) bool, whether the backward flow leads to where the forward flow began.
        rigid: (2, 3), the similarity (rotation, scale, shift) that fits the reliable points best.
    """

    points: np.ndarray
    reliable: np.ndarray
    rigid: Matrix

    @property
    def share(self) -> float:
        """The share of reliable points."""
        return float(self.reliable.mean()) if self.reliable.size else 0.0


def grey_frame(picture: Picture, small: Picture | None = None) -> GreyFrame:
    """The grey copy of a frame (H, W, 3) for optical flow: of `small`, a smaller copy of it, or with a longer side of at most 640 pixels."""
    if small is None:
        grey = shrink(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), _LONGEST_PX)
    else:
        grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    return GreyFrame(np.asarray(grey, dtype=np.uint8), scale_between(picture, grey))


def motion_of(points: np.ndarray, before: GreyFrame, now: GreyFrame, *, quick: bool = False) -> Motion:
    """The motion of points (K, 2) of the frame before. Where too few are reliable, `rigid` is the identity.

    Lucas-Kanade in pyramids (Bouguet 2001), forward and backward: Kalal et al. 2010, Forward-Backward Error.

    Args:
        points: in pixels of the frame before.
        before: the frame before.
        now: this frame.
        quick: flow in one direction, in smaller windows: a third of the time, where outliers among many points do not matter.
    """
    start = scale_points(points, before.scale).astype(np.float32).reshape(-1, 1, 2)
    there, found, _ = _flow(before.grey, now.grey, start, _QUICK if quick else _CAREFUL)
    high, wide = now.grey.shape
    inside = ((there >= 0) & (there <= (wide - 1, high - 1))).all(axis=-1).ravel()
    reliable = (found.ravel() == 1) & inside
    if not quick:
        back, found_back, _ = _flow(now.grey, before.grey, there, _CAREFUL)
        error = np.linalg.norm((back - start).reshape(-1, 2), axis=1)
        reliable &= (found_back.ravel() == 1) & (error < _BACK_PX)
    moved = scale_points(there.reshape(-1, 2), (1 / now.scale[0], 1 / now.scale[1]))
    rigid = _rigid(np.asarray(points, dtype=np.float64), moved, reliable)
    return Motion(np.where(reliable[:, None], moved, map_points(rigid, points)).astype(np.float32), reliable, rigid)


def crop_flow(before: Grey, now: Grey) -> np.ndarray:
    """(h, w, 2) float32: for each pixel of `now` the offset to its position in `before`.

    Kroeger et al. 2016, Fast Optical Flow using Dense Inverse Search.
    """
    finder: Any = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)  # type: ignore[attr-defined]
    return np.asarray(finder.calc(now, before, None), dtype=np.float32)


def _flow(before: Grey, now: Grey, points: np.ndarray, how: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    found: Any = cv2.calcOpticalFlowPyrLK(before, now, points, np.empty_like(points), **how)
    return found[0], found[1], found[2]


def _rigid(points: np.ndarray, moved: np.ndarray, reliable: np.ndarray) -> Matrix:
    """The similarity of the reliable points, fitted again without outliers."""
    kept = np.flatnonzero(reliable)
    if len(kept) < _FEWEST:
        return np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    matrix = np.eye(2, 3)
    for _ in range(_ROUNDS):
        matrix = similarity(points[kept], moved[kept])
        error = np.linalg.norm(map_points(matrix, points[kept]) - moved[kept], axis=1)
        near = error <= max(0.5, 2.5 * percentiles(error, 50)[0])
        if near.all() or near.sum() < _FEWEST:
            break
        kept = kept[near]
    return matrix
