"""What a colour makes of hair: a table over lightness, made for the hair of one face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lianpu.effects.masks import smooth_step
from lianpu.effects.view import Field

_MIDDLE = (5.5, 23.1, 47.8, 55.5, 85.0)
_BELOW = (4.2, 17.1, 25.2, 31.5, 36.0)
_ABOVE = (19.7, 29.2, 24.5, 21.7, 10.0)
"""Lightness of real hair: how far the darkest and the lightest twentieth lie below and above the middle (L of CIE Lab).

Medians of the black, brown, grey and blond hair of 206 faces of CelebAMask-HQ; the last column is drawn on.
"""
_STEEPEST = 2.6
"""A step of lightness is made at most this much larger: beyond it a photo's noise shows."""
_STEPS = 1001


@dataclass(frozen=True, eq=False)
class HairTone:
    """What becomes of hair.

    Args:
        table: (1001, 4), for each lightness from 0 to 100: L, what is added to a and b, and how much of the old a and b stays.
        middle: the lightness that the colour is given to.
        depth: how much L is taken away beside for each L that hair lies in a shadow darker than the middle. Single strands may not be made
            that much darker: it would show the noise of dark photos.
    """

    table: Field
    middle: float
    depth: float

    def at(self, light: Field) -> Field:
        """Rows of the table (n, m, 4) at lightnesses (n, m)."""
        places = np.clip(np.rint(light * ((_STEPS - 1) / 100)), 0, _STEPS - 1).astype(np.int32)
        return np.asarray(self.table[places], dtype=np.float32)


def hair_tone(hair: Field, target: Field) -> HairTone:
    """What a colour makes of hair.

    Args:
        hair: Lab (n, 3) of the hair as it is.
        target: Lab (3,), which its middle shall have.
    """
    old = np.arange(_STEPS, dtype=np.float64) * (100 / (_STEPS - 1))
    light, middle, depth = _lightness(old, np.percentile(hair[:, 0], (5, 50, 95)), float(target[0]))
    chroma = float(np.hypot(target[1], target[2])) * np.minimum(_fullness(light) / _fullness(np.maximum(target[0], 1.0)), 1.5)
    hue = np.arctan2(target[2], target[1]) - _warmth(target) * np.clip((target[0] - light) / 30, -1, 1)
    kept = 0.35 * np.clip((old + 8) / (light + 8), 0.3, 1)  # the tones of dark pixels are mostly noise
    mean = hair[:, 1:].mean(axis=0)
    tone = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], axis=1) - kept[:, None] * mean
    return HairTone(np.column_stack([light, tone, kept]).astype(np.float32), middle, depth)


def _lightness(old: np.ndarray, percentiles: np.ndarray, target: float) -> tuple[np.ndarray, float, float]:
    """New lightness of each old one, by a smooth rising curve; and `middle` and `depth` of `HairTone`.

    Even light stays even: contrast is scaled by what is usual before and after.
    """
    low, middle, high = np.clip(percentiles, 0.5, 99.5)
    low, high = min(low, middle - 0.4), max(high, middle + 0.4)
    below = np.interp(target, _MIDDLE, _BELOW) * _even((middle - low) / np.interp(middle, _MIDDLE, _BELOW))
    above = np.interp(target, _MIDDLE, _ABOVE) * _even((high - middle) / np.interp(middle, _MIDDLE, _ABOVE))
    usual = min(below, 0.75 * target)
    below, above = min(usual, _STEEPEST * (middle - low)), min(above, _STEEPEST * (high - middle))
    places = [-1.0, low, middle, high, 101.0]
    values = [target - below, target, min(target + above, 97.0)]
    first = max(0.0, values[0] - min(_STEEPEST, below / (middle - low)) * (low + 1))
    last = min(100.0, values[2] + (101 - high))
    from scipy.interpolate import PchipInterpolator  # a third of a second, which other effects need not wait

    curve = PchipInterpolator(places, [min(first, values[0]), *values, max(last, values[2])])
    return np.clip(curve(old), 0, 100), float(middle), float((usual - below) / (middle - low))


def _even(ratio: float) -> float:
    return float(np.clip(np.sqrt(ratio), 0.5, 1.4))


def _fullness(light: np.ndarray) -> np.ndarray:
    """How colourful hair is at a lightness, beside what it is in the middle: little in deep shadow and in the shine."""
    return (np.clip(light, 0.01, 50) / 50) ** 0.45 * np.clip((102 - light) / 45, 0, 1) ** 0.6


def _warmth(target: Field) -> float:
    """How far the shadows turn towards red, in radians: blond and brown hair do, blue and green do not."""
    hue = np.degrees(np.arctan2(target[2], target[1]))
    return float(np.radians(9) * smooth_step(hue, 30, 60) * (1 - smooth_step(hue, 90, 110)))
