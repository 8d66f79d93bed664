"""Soft masks, and guided filters that align their edges with a picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import enlarge, scaled_size

_KERNEL_SIGMA = 6.0


def smoothstep(values: np.ndarray, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high` on, smooth in between."""
    share = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def feather(mask: Field, view: View, reach_px: float) -> Field:
    """The mask with edges softened by `reach_px` pixels of the photo on both sides; unchanged beyond 2.5 times that."""
    sigma = max(0.4, reach_px * view.scale)
    size = 2 * int(np.ceil(2.5 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


def dilate(mask: Field, view: View, by_px: float) -> Field:
    """The mask dilated by pixels of the photo (eroded if `by_px` is negative)."""
    radius = round(abs(by_px) * view.scale)
    if radius < 1:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray((cv2.dilate if by_px > 0 else cv2.erode)(mask, kernel), dtype=np.float32)


def grown(mask: Field, by_px: float, least_px: int = 0) -> Field:
    """The mask (h, w) dilated by pixels of its own, at least `least_px`."""
    radius = max(least_px, round(by_px))
    if radius < 1:
        return mask
    return np.asarray(cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1,) * 2)), dtype=np.float32)


def largest_component(mask: Field, least_share: float = 0.25) -> Field:
    """The mask without small connected components: those below a share of the largest one are removed."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.concatenate([[False], areas >= least_share * areas.max()])
    near = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), dtype=np.uint8))
    return np.asarray(mask * near, dtype=np.float32)


def wide_blur(values: Field, sigma: float) -> Field:
    """Values (h, w) or (h, w, C) after a Gaussian blur of `sigma` pixels; wide blurs are computed at a smaller size."""
    shrink = max(1.0, sigma / _KERNEL_SIGMA)
    size = scaled_size(values, 1 / shrink)
    small = values if shrink == 1.0 else cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1.0:
        soft = enlarge(soft, values.shape[1::-1])
    return np.asarray(soft, dtype=np.float32).reshape(values.shape)


Mean = Callable[[Field], Field]
"""Returns the local mean around each pixel of values (h, w) or (h, w, ...)."""


def window_mean(radius: int, weight: Field | None = None, *, far: float = 0.0, least: float = 0.0) -> Mean:
    """Box means over (2 radius + 1)² pixels; the border is mirrored.

    Args:
        radius: in pixels.
        weight: (h, w), weight of each pixel; None weighs all alike.
        far: weight of the mean over the whole picture, relative to the box.
        least: added to the sum of the weights, so that a box without weight has the mean 0.
    """
    side = (2 * radius + 1,) * 2

    def box(values: Field) -> Field:
        flat = np.ascontiguousarray(values.reshape(*values.shape[:2], -1), dtype=np.float32)
        means = cv2.boxFilter(flat, -1, side, borderType=cv2.BORDER_REFLECT)
        return np.asarray(means, dtype=np.float32).reshape(values.shape)

    if weight is None:
        return box
    total = box(weight) + (least + far * (float(weight.mean()) + 1e-6))

    def mean(values: Field) -> Field:
        shape = (*weight.shape, *[1] * (values.ndim - 2))
        weighted = values * weight.reshape(shape)
        near = box(weighted)
        if far:
            near = near + far * weighted.mean(axis=(0, 1))
        return np.asarray(near / total.reshape(shape), dtype=np.float32)

    return mean


def fit_windows(target: Field, guide: Field, mean: Mean, smoothness: float) -> tuple[Field, Field, Field]:
    """Linear regression of the target on the guide in the window around each pixel.

    Args:
        target: (h, w, T).
        guide: (h, w, G), one channel or three.
        mean: of `window_mean`.
        smoothness: guide variance below which there is no edge (epsilon of He et al.).

    Returns:
        Slopes (h, w, T, G), and the means of guide (h, w, G) and target (h, w, T): the function is mean target + slopes (guide - mean guide).
    """
    channels = guide.shape[2]
    guide_mean, target_mean = mean(guide), mean(target)
    pairs = [(i, j) for i in range(channels) for j in range(i, channels)]
    products = np.stack([guide[..., i] * guide[..., j] for i, j in pairs], axis=2)
    means = np.stack([guide_mean[..., i] * guide_mean[..., j] for i, j in pairs], axis=2)
    spread = np.empty((*guide.shape, channels), dtype=np.float32)
    for (i, j), plane in zip(pairs, np.moveaxis(mean(products) - means, 2, 0), strict=True):
        spread[..., i, j] = spread[..., j, i] = plane + np.float32(smoothness if i == j else 0)
    together = mean(target[..., :, None] * guide[..., None, :]) - target_mean[..., :, None] * guide_mean[..., None, :]
    return _solved(spread, together), guide_mean, target_mean


def _solved(spread: Field, together: Field) -> Field:
    """Slopes (h, w, T, G) that solve spread (h, w, G, G) x slopes = together (h, w, T, G)."""
    if spread.shape[2] == 1:
        return together / spread
    if together.shape[2] > 1:
        return np.swapaxes(np.linalg.solve(spread, np.swapaxes(together, 2, 3)), 2, 3)
    # one target: cofactors invert the symmetric matrix 20 times as fast
    (rr, rg, rb), (_, gg, gb), (_, _, bb) = (tuple(spread[..., i, j] for j in range(3)) for i in range(3))
    r_r, r_g, r_b = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    g_g, g_b, b_b = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    to_r, to_g, to_b = (together[..., 0, channel] for channel in range(3))
    slopes = (
        r_r * to_r + r_g * to_g + r_b * to_b,
        r_g * to_r + g_g * to_g + g_b * to_b,
        r_b * to_r + g_b * to_g + b_b * to_b,
    )
    determinant = rr * r_r + rg * r_g + rb * r_b
    return (np.stack(slopes, axis=2) / np.maximum(determinant, 1e-12)[..., None])[:, :, None]


def guided_filter_coefficients(mask: Field, guide: Field, radius: int, smoothness: float) -> Field:
    """The guided filter's coefficients (h, w, G + 1): a slope per channel of the guide, and an offset.

    They align the mask's edges with those of the guide: strands of hair instead of an outline.

    Args:
        mask: (h, w), 0 to 1.
        guide: (h, w, G), 0 to 1, one channel or three.
        radius: how far an edge may move, in pixels.
        smoothness: colour variance below which there is no edge.
    """
    mean = window_mean(radius)
    slopes, guide_mean, mask_mean = fit_windows(mask[..., None], guide, mean, smoothness)
    slopes = slopes[:, :, 0]
    offset = mask_mean[..., 0] - (slopes * guide_mean).sum(axis=2)
    return mean(np.dstack([slopes, offset]).astype(np.float32))


def apply_coefficients(coefficients: Field, guide: Field) -> Field:
    """The filtered mask (h, w): coefficients (h, w, G + 1) of `guided_filter_coefficients` applied to a guide (h, w, G)."""
    result = coefficients[..., 0] * guide[..., 0]
    for channel in range(1, guide.shape[2]):
        result += coefficients[..., channel] * guide[..., channel]
    result += coefficients[..., guide.shape[2]]
    return np.asarray(result, dtype=np.float32)
