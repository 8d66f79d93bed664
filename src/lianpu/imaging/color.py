"""Colour conversion between sRGB and CIE Lab (D65), vectorised."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lianpu.imaging.compositing import Field


def rgb_to_lab(pixels: Field) -> Field:
    """Lab (n, m, 3) of sRGB (n, m, 3) float32, 0 to 1: L from 0 (black) to 100, a red over green, b yellow over blue.

    IEC 61966-2-1 (sRGB) and CIE 15 (Lab), white point D65, by OpenCV: within 0.3 of the formulas.
    """
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
    """The mean (C,) of values (h, w, C), weighted by (h, w), whose sum must be above 0."""
    return np.asarray(weight.reshape(-1) @ values.reshape(-1, values.shape[-1]) / weight.sum(), dtype=np.float32)


def percentiles(values: np.ndarray, *percents: float) -> list[float]:
    """Percentiles of values (n,) as `numpy.percentile` gives them, in a fraction of its time where the values are few.

    Raises:
        ValueError: there are no values.
    """
    if not values.size:
        raise ValueError("no values have no percentiles")
    places = [percent / 100 * (values.size - 1) for percent in percents]
    ends = sorted({end for place in places for end in (math.floor(place), math.ceil(place))})
    ordered = dict(zip(ends, np.partition(values, ends)[ends].tolist(), strict=True))
    low = [(ordered[math.floor(place)], place - math.floor(place), ordered[math.ceil(place)]) for place in places]
    return [first + share * (second - first) for first, share, second in low]


def channel_sum(values: np.ndarray) -> Field:
    """(n, m): the sum over the channels of (n, m, C up to 4); several times as fast as NumPy's over so short an axis."""
    return np.asarray(cv2.transform(values, np.ones((1, values.shape[2]), dtype=np.float32)), dtype=np.float32)
