"""Colours as an eye tells them apart (CIE Lab, D65), for many pixels at once."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.imaging.compositing import Field


def rgb_to_lab(pixels: Field) -> Field:
    """Lab (n, m, 3) of sRGB (n, m, 3), 0 to 1: L from 0 to 100, a red over green, b yellow over blue. OpenCV's conversion."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab), dtype=np.float32)


def to_rgb(lab: Field) -> Field:
    """sRGB (n, m, 3), 0 to 1 and clipped, of Lab."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), dtype=np.float32)


def lab_of_color(color: str) -> Field:
    """Lab (3,) of `#rrggbb`."""
    return rgb_to_lab(rgb_of_color(color)[None, None])[0, 0]


def rgb_of_color(color: str) -> Field:
    """(3,) 0 to 1, of `#rrggbb`."""
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32) / np.float32(255)


def weighted_mean(values: Field, weight: Field) -> Field:
    """The mean (C,) of values (h, w, C) over a weight (h, w), of which something must be above 0."""
    return np.asarray((values * weight[..., None]).sum(axis=(0, 1)) / weight.sum(), dtype=np.float32)


_TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])

_WHITE = _TO_XYZ.sum(axis=1)


def lab_of(pixels: np.ndarray) -> np.ndarray:
    """Lab, (..., 3) float64, of sRGB values (..., 3) uint8: L from 0 (black) to 100, a red over green, b yellow over blue.

    IEC 61966-2-1 (sRGB) and CIE 15 (Lab), white point D65.
    """
    values = np.asarray(pixels, dtype=np.float64) / 255.0
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    ratio = linear @ _TO_XYZ.T / _WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
