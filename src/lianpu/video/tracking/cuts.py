"""Cuts: frames that begin another scene, where nothing of the frame before may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.imaging.picture import Picture

_GRID = (48, 27)

_BINS = 8

_SHIFT_PX = 3

_LEAST_CHANGE = 0.055

_LEAST_COLORS = 0.12

_TIMES_USUAL = 3.0

_REMEMBERED = 12


@dataclass(frozen=True, eq=False)
class Glance:
    """A frame as it is compared with the next one.

    Args:
        small: (27, 48, 3) float32, 0 to 1.
        colors: a histogram of its colours that sums to 1.
    """

    small: np.ndarray
    colors: np.ndarray


@dataclass(frozen=True)
class Difference:
    """How much a frame differs from the one before.

    Args:
        change: mean difference of the small frames where they agree best when one is shifted a little, 0 to 1: a pan is no cut.
        colors: the share of pixels whose colour went elsewhere in the histogram, 0 to 1.
    """

    change: float
    colors: float


def glance(picture: Picture) -> Glance:
    """What of a frame (H, W, 3) is compared."""
    small = cv2.resize(picture, _GRID, interpolation=cv2.INTER_AREA)
    places = (small // (256 // _BINS)).reshape(-1, 3).astype(np.int64) @ (_BINS * _BINS, _BINS, 1)
    counts = np.bincount(places, minlength=_BINS**3).reshape(_BINS, _BINS, _BINS).astype(np.float32)
    soft = counts
    for axis in range(3):  # a little brighter is no other colour
        soft = soft + 0.5 * (_shifted(soft, 1, axis) + _shifted(soft, -1, axis))
    return Glance(small.astype(np.float32) / 255, (soft / soft.sum()).ravel())


def difference(before: Glance, now: Glance) -> Difference:
    """How much one frame differs from the other."""
    inner = now.small[_SHIFT_PX:-_SHIFT_PX, _SHIFT_PX:-_SHIFT_PX]
    high, wide = inner.shape[:2]
    change = min(
        float(np.abs(before.small[down : down + high, right : right + wide] - inner).mean())
        for down in range(2 * _SHIFT_PX + 1)
        for right in range(2 * _SHIFT_PX + 1)
    )
    return Difference(change, float(np.abs(before.colors - now.colors).sum()) / 2)


def is_cut(now: Difference, earlier: Sequence[Difference]) -> bool:
    """Whether a frame begins another scene: it differs much, in place and in colours, and far more than frames did lately.

    Args:
        now: against the frame before.
        earlier: of the frames before, since the last cut.
    """
    usual = float(np.median([one.change for one in earlier[-_REMEMBERED:]])) if earlier else 0.0
    much = now.change > max(_LEAST_CHANGE, _TIMES_USUAL * usual)
    return much and (now.colors > _LEAST_COLORS or now.change > 3 * _LEAST_CHANGE)


def remembered(earlier: tuple[Difference, ...], now: Difference) -> tuple[Difference, ...]:
    """The differences that the next frame is judged by."""
    return (*earlier, now)[-_REMEMBERED:]


def _shifted(counts: np.ndarray, by: int, axis: int) -> np.ndarray:
    moved = np.roll(counts, by, axis)
    edge = [slice(None)] * counts.ndim
    edge[axis] = slice(0, 1) if by > 0 else slice(-1, None)
    moved[tuple(edge)] = 0
    return moved
