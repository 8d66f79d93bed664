"""Points, boxes, matrices and warping between pictures of different sizes.

Pixel centres have integer coordinates: (0, 0) is the first one, and a picture of W pixels spans -0.5 to W - 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from lianpu.imaging.picture import Picture, check_picture

Matrix = np.ndarray[Any, np.dtype[np.float64]]

_MARGIN_PX = 4
"""Margin around the part of a picture that is warped, in pixels of the crop: wider than a cubic kernel."""

Window = tuple[slice, slice]
"""Rows and columns of a picture."""


def similarity(source_points: np.ndarray, target_points: np.ndarray) -> Matrix:
    """The least-squares similarity (2, 3) from source points (K, 2) to target points: rotation, scale and shift, never a reflection.

    The optimum of Umeyama 1991 (Least-squares estimation of transformation parameters between two point patterns), which in the plane is
    that of a linear problem: no singular values are needed.

    Raises:
        ValueError: fewer than two points, wrong shapes, a non-finite number, or coinciding source points.
    """
    source, target = np.asarray(source_points, dtype=np.float64), np.asarray(target_points, dtype=np.float64)
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2 or len(source) < 2:
        raise ValueError(f"a similarity needs two or more points (K, 2) on both sides, got {source.shape} and {target.shape}")
    if not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise ValueError("a similarity needs finite points")
    share = np.full(
        len(source), 1 / len(source)
    )  # products: NumPy's means and sums over so few numbers take several times as long
    source_mean, target_mean = share @ source, share @ target
    from_mean, to_mean = source - source_mean, target - target_mean
    spread = float(np.vdot(from_mean, from_mean))
    if spread < 1e-12 * len(source):
        raise ValueError(
            f"the source points lie in one place ({source_mean[0]:.1f}, {source_mean[1]:.1f}): there is no similarity"
        )
    (xx, xy), (yx, yy) = (from_mean.T @ to_mean).tolist()
    along, across = (xx + yy) / spread, (xy - yx) / spread
    (x, y), (to_x, to_y) = source_mean.tolist(), target_mean.tolist()
    return np.array([[along, -across, to_x - along * x + across * y], [across, along, to_y - across * x - along * y]])


def inverse(matrix: Matrix) -> Matrix:
    """The inverse matrix (2, 3). Raises ValueError for a singular one."""
    (a, b, x), (c, d, y) = matrix.tolist()  # plain numbers: NumPy takes ten times as long for six of them
    determinant = a * d - b * c
    if abs(determinant) < 1e-12:
        raise ValueError(f"a matrix that flattens the picture cannot be turned round: {matrix.tolist()}")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array([[a, b, -a * x - b * y], [c, d, -c * x - d * y]])


def enlarge(values: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """Values (h, w, ...) upsampled bilinearly to (width, height), with pixel centres as in `scale_points`."""
    return cv2.resize(values, size_px, interpolation=cv2.INTER_LINEAR)


def compose(second: Matrix, first: Matrix) -> Matrix:
    """The matrix (2, 3) that applies `first`, then `second`."""
    (a, b, x), (c, d, y) = second.tolist()
    (e, f, u), (g, h, v) = first.tolist()
    return np.array([[a * e + b * g, a * f + b * h, a * u + b * v + x], [c * e + d * g, c * f + d * h, c * u + d * v + y]])


def map_points(matrix: Matrix, points: np.ndarray) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The points (K, 2) mapped by the matrix, float32."""
    return (np.asarray(points, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


Scale = float | tuple[float, float]
"""A scale factor: one number, or (across, down)."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom."""


def scale_points(points: np.ndarray | Sequence[Any] | float, by: Scale) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The points (..., 2) of a picture in the coordinates of a copy scaled by `by`; float64.

    With one number for `by`, also coordinates of one axis, of any shape. The picture's edge at -0.5 maps to -0.5.
    """
    return (np.asarray(points, dtype=np.float64) + 0.5) * np.asarray(by, dtype=np.float64) - 0.5


def scale_box(box_xyxy: Box, by: Scale) -> Box:
    """The box with its corners scaled as by `scale_points`."""
    left, top, right, bottom = scale_points(np.array(box_xyxy).reshape(2, 2), by).ravel().tolist()
    return (left, top, right, bottom)


def scaling(by: Scale) -> Matrix:
    """The matrix (2, 3) that scales as `scale_points` does."""
    across, down = (float(by), float(by)) if isinstance(by, float | int) else (float(by[0]), float(by[1]))
    return np.array([[across, 0.0, across / 2 - 0.5], [0.0, down, down / 2 - 0.5]])


def scaled_size(picture: np.ndarray, by: float) -> tuple[int, int]:
    """Width and height in whole pixels, at least 1, of a picture (H, W, ...) scaled by about `by`."""
    return max(1, round(picture.shape[1] * by)), max(1, round(picture.shape[0] * by))


def scale_between(large: np.ndarray, small: np.ndarray) -> tuple[float, float]:
    """Exact scale factors (across, down) from the picture `large` (H, W, ...) to `small` (h, w, ...)."""
    return small.shape[1] / large.shape[1], small.shape[0] / large.shape[0]


def window_around(frame: Picture, points: np.ndarray, margin_px: float) -> Window | None:
    """Rows and columns of the frame around points (K, 2), with a margin; None if they lie outside of the frame."""
    (left, top), (right, bottom) = ends_of(points)
    high, wide = frame.shape[:2]
    left, top = (min(max(math.floor(value - margin_px), 0), limit) for value, limit in ((left, wide), (top, high)))
    right, bottom = (min(max(math.ceil(value + margin_px) + 1, 0), limit) for value, limit in ((right, wide), (bottom, high)))
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))


def ends_of(points: np.ndarray) -> list[list[float]]:
    """The least and the greatest x and y of points (K, 2), as plain numbers: NumPy takes several times as long for four of them."""
    return [points.min(axis=0).tolist(), points.max(axis=0).tolist()]


def shrink(picture: np.ndarray, longest_px: int) -> np.ndarray:
    """The picture (H, W, ...), area-averaged to a longer side of at most `longest_px`; the same object if it already is."""
    by = longest_px / max(picture.shape[:2])
    return picture if by >= 1.0 else averaged(picture, scaled_size(picture, by))


_HALVED_ABOVE, _LARGE_PX = 3.0, 1000
"""Pictures that shrink by more than the first are halved first, until a side has no more than the second."""


def averaged(picture: np.ndarray, size_px: tuple[int, int]) -> np.ndarray:
    """The picture (H, W, ...), area-averaged to (width, height), at most its own.

    A large one is halved first, which takes a tenth of the time; at most three rows and columns at its far end are lost for each 2,000 or so.
    """
    small = picture
    while min(small.shape[1] / size_px[0], small.shape[0] / size_px[1]) > _HALVED_ABOVE and min(small.shape[:2]) > _LARGE_PX:
        high, wide = small.shape[0] // 2, small.shape[1] // 2
        small = cv2.resize(small[: 2 * high, : 2 * wide], (wide, high), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, size_px, interpolation=cv2.INTER_AREA)


def quick_shrink(picture: np.ndarray, longest_px: int) -> np.ndarray:
    """Like `shrink`, by halvings and a bilinear rest, which takes a quarter of the time; for measuring, not for showing."""
    small = picture
    while max(small.shape[:2]) >= 2 * longest_px and min(small.shape[:2]) > 1:
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    by = longest_px / max(small.shape[:2])
    return small if by >= 1.0 else cv2.resize(small, scaled_size(small, by), interpolation=cv2.INTER_LINEAR)


def scale_of(matrix: Matrix) -> float:
    """The scale factor of a matrix."""
    (a, b, _), (c, d, _) = matrix.tolist()
    return math.sqrt(abs(a * d - b * c))


def warp(picture: Picture, matrix: Matrix, size_px: tuple[int, int]) -> Picture:
    """The picture warped by the matrix to (height, width, 3) of `size_px` = (width, height), with a replicated border.

    Cubic, after area averaging where it shrinks, against aliasing.

    Raises:
        ValueError: no picture, a size that is not positive, or a singular matrix.
    """
    width, height = size_px
    if width < 1 or height < 1:
        raise ValueError(f"a crop has a positive size, got {width} x {height}")
    part, to_part = _needed_part(check_picture(picture), matrix, width, height)
    scale = scale_of(matrix)
    if scale < 1.0:
        part, to_part = _shrunk(part, to_part, scale)
    to_crop = compose(matrix, inverse(to_part))
    return np.asarray(
        cv2.warpAffine(part, to_crop, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8
    )


def quick_warp(picture: Picture, matrix: Matrix, size_px: tuple[int, int]) -> Picture:
    """Like `warp`, for the crops of networks in live pictures: bilinear, after halvings where it shrinks further; a quarter of the time."""
    scale = scale_of(matrix)
    if scale < 0.5:
        part, to_part = _needed_part(picture, matrix, *size_px)
        while scale < 0.5 and min(part.shape[:2]) > 1:
            part = part[: part.shape[0] // 2 * 2, : part.shape[1] // 2 * 2]
            part = np.asarray(
                cv2.resize(part, (part.shape[1] // 2, part.shape[0] // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8
            )
            to_part, scale = compose(scaling(0.5), to_part), 2 * scale
        picture, matrix = part, compose(matrix, inverse(to_part))
    crop = cv2.warpAffine(picture, matrix, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(crop, dtype=np.uint8)


def warp_values(values: np.ndarray, matrix: Matrix, size_px: tuple[int, int], outside: float | None = None) -> np.ndarray:
    """Values (h, w) or (h, w, C up to 4) warped bilinearly by the matrix; outside a constant, or with None the replicated border."""
    border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
    part = np.ascontiguousarray(values)
    return cv2.warpAffine(part, matrix, size_px, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=outside or 0)


def _needed_part(picture: Picture, matrix: Matrix, width: int, height: int) -> tuple[Picture, Matrix]:
    """The part of the picture that the crop needs, with a margin, and the matrix from it to the crop."""
    corners = np.array([(-1, -1), (width, -1), (-1, height), (width, height)], dtype=np.float64)
    back = inverse(matrix)
    seen = corners @ back[:, :2].T + back[:, 2]
    margin = _MARGIN_PX * max(1.0, scale_of(back))
    limits = np.array(picture.shape[1::-1])
    low = np.clip(np.floor(seen.min(axis=0) - margin), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(seen.max(axis=0) + margin) + 1, low + 1, limits).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    return part, np.array([[1.0, 0.0, -low[0]], [0.0, 1.0, -low[1]]])


def _shrunk(part: Picture, to_part: Matrix, scale: float) -> tuple[Picture, Matrix]:
    """The part, area-averaged by about `scale`, and the matrix from it to the crop."""
    small = np.asarray(averaged(part, scaled_size(part, scale)), dtype=np.uint8)
    return small, compose(scaling(scale_between(part, small)), to_part)
