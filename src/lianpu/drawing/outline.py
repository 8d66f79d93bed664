"""Outlines of heads, hair and hats: smooth shapes about an axis that bends with the pose."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sin

import numpy as np

from lianpu.drawing.canvas import Field, lookup
from lianpu.drawing.head import Head

V_LOW, V_HIGH, V_COUNT = -0.4, 1.6, 2048
"""The range of v that outline tables span."""


@dataclass(frozen=True)
class Outline:
    """A closed shape that is symmetric about a bent axis, as two tables over v.

    Args:
        square: (V_COUNT,) half-width squared; below zero where the shape has ended.
        slope: (V_COUNT,) its derivative.
        axis: (V_COUNT,) where the middle is.
    """

    square: Field
    slope: Field
    axis: Field

    @classmethod
    def of(cls, half_widths: list[tuple[float, float]], axis: list[tuple[float, float]], smooth: float = 0.03) -> Outline:
        """The smooth shape through (v, half-width) points, first and last of half-width 0, about (v, u) axis points."""
        v = np.linspace(V_LOW, V_HIGH, V_COUNT)
        at, half = np.array(half_widths).T
        wide = half * half
        rise, fall = (wide[1] - wide[0]) / (at[1] - at[0]), (wide[-2] - wide[-1]) / (at[-1] - at[-2])
        at, wide = np.array([at[0] - 1, *at, at[-1] + 1]), np.array([wide[0] - rise, *wide, wide[-1] - fall])
        square = _smoothed(np.interp(v, at, wide), smooth)
        center = _smoothed(np.interp(v, *np.array(axis).T), 0.06)
        slope = np.gradient(square, v[1] - v[0])
        return cls(square.astype(np.float32), slope.astype(np.float32), center.astype(np.float32))

    def distance(self, u: Field, v: Field) -> Field:
        """About how far inside the shape each place is (below zero outside)."""
        aside = u - lookup(self.axis, v, V_LOW, V_HIGH)
        slope = lookup(self.slope, v, V_LOW, V_HIGH)
        aside *= aside
        inside = lookup(self.square, v, V_LOW, V_HIGH) - aside
        return inside / np.sqrt(4 * aside + slope * slope + np.float32(1e-5))

    def across(self, u: Field, v: Field) -> Field:
        """-1 on the left edge, 0 on the axis, 1 on the right edge."""
        width = np.sqrt(np.maximum(lookup(self.square, v, V_LOW, V_HIGH), np.float32(1e-3)))
        return (u - lookup(self.axis, v, V_LOW, V_HIGH)) / width

    def edge(self, v: float, side: int) -> float:
        """u of the left (-1) or right (1) edge at height v."""
        place = np.array([v], np.float32)
        width = float(np.sqrt(max(float(lookup(self.square, place, V_LOW, V_HIGH)[0]), 0.0)))
        return float(lookup(self.axis, place, V_LOW, V_HIGH)[0]) + side * width


def _smoothed(values: np.ndarray, width: float) -> np.ndarray:
    """Values averaged twice over `width` head units."""
    count = max(3, int(width / (V_HIGH - V_LOW) * len(values)) | 1)
    for _ in range(2):
        total = np.cumsum(np.pad(values, (count // 2 + 1, count // 2), mode="edge"))
        values = (total[count:] - total[:-count]) / count
    return values


def head_axis(head: Head) -> list[tuple[float, float]]:
    """The middle of the head's outline, which the yaw bends towards the chin."""
    turn = sin(radians(head.yaw))
    return [(0.1, -0.02 * turn), (0.4, 0.0), (0.6, 0.03 * turn), (head.chin_v, 0.15 * turn)]


def face_outline(head: Head) -> Outline:
    """Skull and jaw as one shape."""
    _, chin_v = head.project(0, head.chin_v, 0.17)
    drop = chin_v - 0.928
    cheek, jaw = head.cheek, head.jaw
    points = dome(0.075, 0.36, head.forehead + 0.01)
    points += [(0.46, cheek), (0.56, cheek - 0.004), (0.64, cheek * 0.55 + (jaw + 0.036) * 0.45), (0.70, jaw + 0.020)]
    points += [(0.76 + drop * 0.5, jaw + 0.002)]
    start, end, half = 0.80 + drop * 0.8, 0.928 + drop, jaw * 0.90
    points += [(start + t * (end - start), half * float(np.sqrt(1 - t**head.chin))) for t in np.linspace(0, 1, 9).tolist()]
    return Outline.of(points, head_axis(head))


def dome(top_v: float, base_v: float, half: float) -> list[tuple[float, float]]:
    """Points of a round top from (top_v, 0) to (base_v, half)."""
    steps = (0.0, 0.03, 0.10, 0.2, 0.35, 0.5, 0.75, 1.0)
    return [(top_v + t * (base_v - top_v), half * (1 - (1 - t) ** 2.3) ** (1 / 2.3)) for t in steps]
