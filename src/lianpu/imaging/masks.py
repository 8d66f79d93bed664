"""Soft masks over a view: from the parts of a face, along the picture's own edges, and fading out where the face's crop ends."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import enlarge, scaled_size

_KERNEL_SIGMA = 6.0


def smoothstep(values: np.ndarray, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high` on, and a smooth slope between."""
    share = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def feather(mask: Field, view: View, reach_px: float) -> Field:
    """The mask with soft edges of `reach_px` pixels of the photo to either side; beyond 2.5 times that it is as it was."""
    sigma = max(0.4, reach_px * view.scale)
    size = 2 * int(np.ceil(2.5 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


def dilate(mask: Field, view: View, by_px: float) -> Field:
    """The mask, larger by pixels of the photo (smaller where `by_px` is negative)."""
    radius = round(abs(by_px) * view.scale)
    if radius < 1:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray((cv2.dilate if by_px > 0 else cv2.erode)(mask, kernel), dtype=np.float32)


def largest_component(mask: Field, least_share: float = 0.25) -> Field:
    """The mask without specks: pieces smaller than a share of the largest one are left out."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.concatenate([[False], areas >= least_share * areas.max()])
    near = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), dtype=np.uint8))
    return np.asarray(mask * near, dtype=np.float32)


def wide_blur(values: Field, sigma: float) -> Field:
    """Values (h, w) or (h, w, C) under a Gaussian of `sigma` pixels; a wide one is made at a smaller size, where it costs less."""
    shrink = max(1.0, sigma / _KERNEL_SIGMA)
    size = scaled_size(values, 1 / shrink)
    small = values if shrink == 1.0 else cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1.0:
        soft = enlarge(soft, values.shape[1::-1])
    return np.asarray(soft, dtype=np.float32).reshape(values.shape)
