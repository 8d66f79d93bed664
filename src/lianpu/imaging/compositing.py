"""A face's window at a small working size, and compositing into the full-resolution photo, band by band.

Masks and fields are smooth, so they are computed at the parser's resolution; only pixels are painted at full resolution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.imaging.geometry import Window, enlarge, scale_points, shrink
from lianpu.imaging.picture import Picture, check_picture

Field = np.ndarray[Any, np.dtype[np.float32]]
"""Values over a view, (h, w) or (h, w, C) float32."""

Paint = Callable[[Field, slice, slice], Field]
"""Maps pixels (n, m, 3), 0 to 1, with their rows and columns in the photo, to new colours. It may modify its input."""

LONGEST_PX = 512
"""Longest side of a view: the parser's resolution."""

BAND_PIXELS = 200_000
"""About how many pixels a band has: few enough to fit into a processor's cache."""

_FAINT = 1 / 512

SMALLEST_PX = 1 / 64
"""Displacements below this (in pixels of the photo) count as 0: OpenCV moves pixels in steps of 1/32."""


@dataclass(frozen=True, eq=False)
class View:
    """A window of a photo, downscaled.

    Args:
        window: rows and columns of the photo.
        picture: (h, w, 3) float32, 0 to 1: the window, area-averaged.
    """

    window: Window
    picture: Field

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the view."""
        return self.picture.shape[0], self.picture.shape[1]

    @property
    def scale(self) -> float:
        """Pixels of the view per pixel of the photo, at most 1."""
        rows, columns = self.window
        return max(self.shape) / max(rows.stop - rows.start, columns.stop - columns.start)

    def to_view(self, points: np.ndarray) -> np.ndarray:
        """Points (K, 2) of the photo in the view's coordinates, float64."""
        rows, columns = self.window
        wide, high = columns.stop - columns.start, rows.stop - rows.start
        by = (self.shape[1] / wide, self.shape[0] / high)
        return scale_points(np.asarray(points, dtype=np.float64) - (columns.start, rows.start), by)

    def pixel_centres(self) -> tuple[np.ndarray, np.ndarray]:
        """Centres of the view's rows (h,) and columns (w,) in the photo's coordinates, float64."""
        rows, columns = self.window
        y = rows.start + scale_points(np.arange(self.shape[0]), (rows.stop - rows.start) / self.shape[0])
        x = columns.start + scale_points(np.arange(self.shape[1]), (columns.stop - columns.start) / self.shape[1])
        return y, x


def view_of(photo: Picture, window: Window, longest_px: int = LONGEST_PX) -> View:
    """The window of a photo (H, W, 3) as a view with a longer side of at most `longest_px`; never upscaled."""
    part = check_picture(photo)[window]
    return View(window, shrink(part, longest_px).astype(np.float32) / np.float32(255))


def blend(photo: Picture, view: View, weight: Field, paint: Paint) -> Picture:
    """A copy of the photo, painted with `paint` where `weight` is above 0; elsewhere byte for byte the same.

    Args:
        photo: (H, W, 3) uint8.
        view: of a window of that photo.
        weight: (h, w) over the view; 0 keeps a pixel, 1 takes the painted colour, more than 1 goes beyond it.
        paint: see `Paint`.
    """
    result = photo.copy()
    weight = np.where(weight > _FAINT, weight, np.float32(0)).astype(np.float32)
    reached = touched_window(view, weight)
    if reached is None:
        return result
    steady = np.float32(weight[0, 0]) if (weight == weight[0, 0]).all() else None
    for rows in bands(reached):
        columns = reached[1]
        old = photo[rows, columns].astype(np.float32)
        new = paint(old / np.float32(255), rows, columns)
        new *= np.float32(255)
        new -= old
        new *= cv2.merge([upsample(weight, view.window, rows, columns)] * 3) if steady is None else steady
        result[rows, columns] = cv2.add(new, old, dtype=cv2.CV_8U)  # rounded, and held within 0 to 255
    return result


def add_change(photo: Picture, view: View, change: Field) -> Picture:
    """A copy of the photo plus a smooth change (h, w, 3) of a view (1 is white). Pixels of change 0 stay byte for byte."""
    weight = (np.abs(change).max(axis=2) > 0).astype(np.float32)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        pixels += upsample(change, view.window, rows, columns)
        return pixels

    # upsampling also reaches pixels next to a changed one
    return blend(photo, view, np.asarray(cv2.dilate(weight, np.ones((3, 3), dtype=np.uint8)), dtype=np.float32), paint)


def warped(photo: Picture, view: View, field: Field) -> Picture:
    """The photo (H, W, 3) with the window warped by the field (h, w, 2). Pixels of displacement 0 stay byte for byte."""
    result = photo.copy()
    size = np.sqrt((field * field).sum(axis=2))
    moved = np.asarray(cv2.dilate((size > SMALLEST_PX).astype(np.float32), np.ones((3, 3), dtype=np.uint8)), dtype=np.float32)
    reached = touched_window(view, moved)
    if reached is None:
        return result
    for rows in bands(reached):
        _warp_band(photo, result, view, field, rows, reached[1])
    return result


def _warp_band(photo: Picture, result: Picture, view: View, field: Field, rows: slice, columns: slice) -> None:
    shift = upsample(field, view.window, rows, columns)
    farthest = float(cv2.norm(shift.reshape(len(shift), -1), cv2.NORM_INF))
    if farthest <= SMALLEST_PX:
        return
    margin = int(np.ceil(farthest)) + 4
    top, left = max(0, rows.start - margin), max(0, columns.start - margin)
    source = photo[top : rows.stop + margin, left : columns.stop + margin]
    x, y = cv2.split(shift)
    x += np.arange(columns.start, columns.stop, dtype=np.float32) - left
    y += (np.arange(rows.start, rows.stop, dtype=np.float32) - top)[:, None]
    result[rows, columns] = cv2.remap(source, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def touched_window(view: View, weight: Field) -> Window | None:
    """The rows and columns of the photo where the upsampled weight can be above 0; None if it is 0 everywhere."""
    where = np.asarray(weight > 0)
    rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
    if not len(rows):
        return None
    return tuple(  # type: ignore[return-value]
        _reached(found, count, whole) for found, count, whole in zip((rows, columns), view.shape, view.window, strict=True)
    )


def _reached(found: np.ndarray, count: int, whole: slice) -> slice:
    by = (whole.stop - whole.start) / count
    start = max(whole.start, whole.start + int((found[0] - 0.5) * by) - 1)
    return slice(start, min(whole.stop, whole.start + int((found[-1] + 1.5) * by) + 2))


def bands(window: Window) -> list[slice]:
    """The rows of a window, split into bands that fit into a processor's cache."""
    rows, columns = window
    height = max(1, BAND_PIXELS // max(1, columns.stop - columns.start))
    return [slice(start, min(rows.stop, start + height)) for start in range(rows.start, rows.stop, height)]


def upsample(field: Field, window: Window, rows: slice, columns: slice) -> Field:
    """The field (h, w) or (h, w, C) over a window, upsampled bilinearly to the photo, for some of the window's rows and columns."""
    whole_rows, whole_columns = window
    y, y_share = _samples(rows, whole_rows, field.shape[0])
    x, x_share = _samples(columns, whole_columns, field.shape[1])
    tall = _between(field[y], field[np.minimum(y + 1, field.shape[0] - 1)], y_share.reshape(-1, *[1] * (field.ndim - 1)))
    if 3 * len(x) > whole_columns.stop - whole_columns.start:  # OpenCV is faster, but computes whole rows
        wide = enlarge(tall, (whole_columns.stop - whole_columns.start, len(tall)))
        return np.ascontiguousarray(wide[:, columns.start - whole_columns.start : columns.stop - whole_columns.start])
    left, right = tall[:, x], tall[:, np.minimum(x + 1, field.shape[1] - 1)]
    return _between(left, right, x_share.reshape(1, -1, *[1] * (field.ndim - 2)))


def upsample_at(field: Field, window: Window, rows: slice, columns: slice, pixels: np.ndarray) -> Field:
    """The same as `upsample` for a field (h, w, C), but only some pixels, numbered row by row (k,): (k, C). Faster for a few."""
    y, y_share = _samples(rows, window[0], field.shape[0])
    x, x_share = _samples(columns, window[1], field.shape[1])
    down, across = np.divmod(pixels, columns.stop - columns.start)
    high, wide = field.shape[:2]
    flat = np.ascontiguousarray(field).reshape(high * wide, -1)
    top, left = y[down] * wide, x[across]
    bottom, right = np.minimum(y + 1, high - 1)[down] * wide, np.minimum(x + 1, wide - 1)[across]
    part = x_share[across, None]
    upper = _between(flat[top + left], flat[top + right], part)
    lower = _between(flat[bottom + left], flat[bottom + right], part)
    return _between(upper, lower, y_share[down, None])


def _between(first: Field, second: Field, share: Field) -> Field:
    second -= first
    second *= share
    second += first
    return second


def _samples(part: slice, whole: slice, count: int) -> tuple[np.ndarray, Field]:
    """For each pixel of `part` the sample before it, of `count` over `whole`, and its offset towards the next (0 to 1)."""
    at = scale_points(np.arange(part.start, part.stop) - whole.start, count / (whole.stop - whole.start))
    at = np.clip(at, 0, count - 1)
    before = np.minimum(at.astype(int), max(0, count - 2))
    return before, (at - before).astype(np.float32)
