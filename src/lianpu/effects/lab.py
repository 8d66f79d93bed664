"""Colours as an eye tells them apart (CIE Lab, D65), for many pixels at once."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.view import Field


def to_lab(pixels: Field) -> Field:
    """Lab (n, m, 3) of sRGB (n, m, 3), 0 to 1: L from 0 to 100, a red over green, b yellow over blue. OpenCV's conversion."""
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2Lab), dtype=np.float32)


def to_rgb(lab: Field) -> Field:
    """sRGB (n, m, 3), 0 to 1 and clipped, of Lab."""
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_Lab2RGB), dtype=np.float32)


def lab_of_color(color: str) -> Field:
    """Lab (3,) of `#rrggbb`."""
    return to_lab(rgb_of_color(color)[None, None])[0, 0]


def rgb_of_color(color: str) -> Field:
    """(3,) 0 to 1, of `#rrggbb`."""
    return np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)], dtype=np.float32) / np.float32(255)


def weighted_mean(values: Field, weight: Field) -> Field:
    """The mean (C,) of values (h, w, C) over a weight (h, w), of which something must be above 0."""
    return np.asarray((values * weight[..., None]).sum(axis=(0, 1)) / weight.sum(), dtype=np.float32)
