"""Curves through a few points that never overshoot."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def monotone_curve(places: Sequence[float], values: Sequence[float], at: np.ndarray) -> np.ndarray:
    """The values (N,) float64 at places `at` (N,) of the smooth curve through the given points, monotonic wherever they are.

    Piecewise cubic with the slopes of Fritsch & Butland 1984 (A method for constructing local monotone piecewise cubic interpolants), as
    SciPy's `PchipInterpolator` has them: its import alone would take half a second. Outside of the points the outer cubics go on.

    Args:
        places: at least three, increasing.
        values: as many.
        at: (N,) where the curve is asked for.
    """
    x, y = np.asarray(places, dtype=np.float64), np.asarray(values, dtype=np.float64)
    wide = np.diff(x)
    steep = np.diff(y) / wide
    slopes = np.zeros(len(x))
    slopes[1:-1] = _between(wide[:-1], wide[1:], steep[:-1], steep[1:])
    slopes[0] = _at_end(wide[0], wide[1], steep[0], steep[1])
    slopes[-1] = _at_end(wide[-1], wide[-2], steep[-1], steep[-2])
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(wide) - 1)
    far, length, chord = at - x[piece], wide[piece], steep[piece]
    first, last = slopes[piece], slopes[piece + 1]
    bend = (3 * chord - 2 * first - last) / length
    twist = (first + last - 2 * chord) / length**2
    return np.asarray(y[piece] + far * (first + far * (bend + far * twist)))


def _between(before: np.ndarray, after: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Slopes at inner points: the weighted harmonic mean of the chords' on both sides, 0 where these differ in sign."""
    same = left * right > 0
    left, right = np.where(same, left, 1.0), np.where(same, right, 1.0)
    first, second = 2 * after + before, after + 2 * before
    return np.where(same, (first + second) / (first / left + second / right), 0.0)


def _at_end(own: float, next_one: float, steep: float, next_steep: float) -> float:
    """The slope at an end: of the parabola through three points, held so that the curve stays monotonic."""
    slope = ((2 * own + next_one) * steep - own * next_steep) / (own + next_one)
    if slope * steep <= 0:
        return 0.0
    return 3 * steep if steep * next_steep < 0 and abs(slope) > 3 * abs(steep) else slope
