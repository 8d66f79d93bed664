"""Colours as an eye tells them apart: CIE Lab under daylight (D65)."""

from __future__ import annotations

import numpy as np

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
