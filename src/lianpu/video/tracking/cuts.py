"""Cut detection: a frame that begins another scene shares nothing with the frame before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.imaging.picture import Picture

_GRID = (48, 27)

_BINS = 8

_SPREAD = (np.eye(_BINS) + 0.5 * np.eye(_BINS, k=1) + 0.5 * np.eye(_BINS, k=-1)).astype(np.float32)
"""Counts of a colour's channel (8,) times this: half of each is added to both neighbours."""

_SHIFT_PX = 3

_MIN_CHANGE = 0.055

_MIN_COLORS = 0.12

_TIMES_MEDIAN = 3.0

_HISTORY = 12


@dataclass(frozen=True, eq=False)
class FrameSignature:
    """A small summary of a frame, for comparison with the next one.

    Args:
        small: (27, 48, 3) uint8.
        colors: its colour histogram, smoothed; sums to 1.
    """

    small: np.ndarray
    colors: np.ndarray


@dataclass(frozen=True)
class Difference:
    """How much a frame differs from the one before.

    Args:
        change: least mean absolute difference of the small frames over small shifts, 0 to 1: a pan is not a cut.
        colors: total variation distance of the histograms, 0 to 1.
    """

    change: float
    colors: float


def frame_signature(picture: Picture) -> FrameSignature:
    """The signature of a frame (H, W, 3)."""
    small = cv2.resize(picture, _GRID, interpolation=cv2.INTER_AREA)
    binned = (small // (256 // _BINS)).reshape(-1, 3).astype(np.intp)
    cells = _BINS * (_BINS * binned[:, 0] + binned[:, 1]) + binned[:, 2]
    counts = np.bincount(cells, minlength=_BINS**3).reshape(_BINS, _BINS, _BINS).astype(np.float32)
    soft = _SPREAD @ counts @ _SPREAD  # slightly brighter is not another colour
    soft = (_SPREAD @ soft.reshape(_BINS, -1)).reshape(counts.shape)
    return FrameSignature(small, (soft / soft.sum()).ravel())


def difference(before: FrameSignature, now: FrameSignature) -> Difference:
    """The difference of two frames."""
    inner = now.small[_SHIFT_PX:-_SHIFT_PX, _SHIFT_PX:-_SHIFT_PX]
    high, wide = inner.shape[:2]
    change = min(
        cv2.norm(before.small[down : down + high, right : right + wide], inner, cv2.NORM_L1) / (255 * inner.size)
        for down in range(2 * _SHIFT_PX + 1)
        for right in range(2 * _SHIFT_PX + 1)
    )
    return Difference(change, float(np.abs(before.colors - now.colors).sum()) / 2)


def is_cut(now: Difference, earlier: Sequence[Difference]) -> bool:
    """Whether a frame begins another scene: it differs much, in shape and in colours, and far more than recent frames.

    Args:
        now: its difference from the frame before.
        earlier: the differences of earlier frames since the last cut.
    """
    if now.change <= _MIN_CHANGE:
        return False
    typical = float(np.median([one.change for one in earlier[-_HISTORY:]])) if earlier else 0.0
    large = now.change > max(_MIN_CHANGE, _TIMES_MEDIAN * typical)
    return large and (now.colors > _MIN_COLORS or now.change > 3 * _MIN_CHANGE)


def with_difference(earlier: tuple[Difference, ...], now: Difference) -> tuple[Difference, ...]:
    """The recent differences, for the next frame."""
    return (*earlier, now)[-_HISTORY:]
