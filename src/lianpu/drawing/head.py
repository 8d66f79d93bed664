"""The proportions and pose of a drawn head: where its features are seen, and where each pixel lies.

Head units: u to the right of the picture, v downwards; before pose the face looks straight ahead, its axis at u = 0, with v
as in the median of CelebA-HQ crops (eyes at 0.48, nose at 0.67, mouth at 0.74, chin at 0.93; cheeks at u = -0.27 and 0.27)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np

from lianpu.drawing.canvas import Field, Window, lookup

NECK_PIVOT_V = 0.75
"""The head tilts about this point of its axis."""


@dataclass(frozen=True)
class Head:
    """One head: pose and proportions (head units, degrees)."""

    yaw: float
    pitch: float
    tilt: float
    scale: float
    shift_x: float
    shift_y: float
    light: tuple[float, float, float]
    cheek: float
    jaw: float
    chin: float
    chin_v: float
    forehead: float
    eye_x: float
    eye_v: float
    eye_width: float
    eye_height: float
    eye_slant: float
    brow_v: float
    brow_arch: float
    brow_thickness: float
    nose_v: float
    nose_width: float
    nose_bridge: float
    mouth_v: float
    mouth_width: float
    lip_upper: float
    lip_lower: float
    neck: float

    def project(self, x: float, v: float, z: float) -> tuple[float, float]:
        """Where the point x from the axis, at height v and depth z towards us, is seen after yaw and pitch: (u, v)."""
        yaw, pitch = radians(self.yaw), radians(self.pitch)
        return x * cos(yaw) + z * sin(yaw), 0.55 + (v - 0.55) * cos(pitch) - (z - 0.1) * sin(pitch)

    def narrowing(self, side: float) -> float:
        """How much narrower features on one side (-1 left, 0 middle, 1 right of the picture) look because of the yaw."""
        return cos(radians(self.yaw + 26 * side)) / cos(radians(26 * side))


def sample_head(stream: np.random.Generator, attributes: Mapping[str, bool]) -> Head:
    """A head for these attributes; the same stream gives the same person as man or woman, young or old."""
    wide = iter(stream.normal(0, 1, 40).clip(-2, 2).tolist())
    even = iter(stream.uniform(-1, 1, 20).tolist())
    male, old, smile = float(attributes["Male"]), float(not attributes["Young"]), float(attributes["Smiling"])
    light_x, light_y = next(even) * 0.75, -0.45 + 0.25 * next(even)
    return Head(
        yaw=next(wide) * 9.5,
        pitch=next(wide) * 3,
        tilt=next(wide) * 4.5,
        scale=0.925 + 0.03 * next(even),
        shift_x=0.02 * next(even),
        shift_y=0.004 + 0.012 * next(even),
        light=(light_x, light_y, 0.8),
        cheek=0.263 + 0.008 * next(wide) + 0.003 * male,
        jaw=0.211 + 0.006 * next(wide) + 0.021 * male + 0.006 * old,
        chin=0.98 + 0.07 * next(wide) + 0.30 * male + 0.05 * old,
        chin_v=0.914 + 0.008 * next(wide) + 0.014 * male,
        forehead=0.253 + 0.005 * next(wide),
        eye_x=0.121 + 0.003 * next(wide),
        eye_v=0.481 + 0.004 * next(wide),
        eye_width=0.0630 + 0.002 * next(wide) - 0.0040 * male,
        eye_height=0.47 + 0.03 * next(wide) - 0.07 * male - 0.045 * old - 0.03 * smile,
        eye_slant=0.05 + 0.06 * next(wide) - 0.05 * male - 0.07 * old,
        brow_v=0.398 + 0.004 * next(wide) + 0.012 * male + 0.003 * old,
        brow_arch=0.021 + 0.005 * next(wide) - 0.011 * male,
        brow_thickness=0.0095 + 0.0015 * next(wide) + 0.0055 * male,
        nose_v=0.662 + 0.008 * next(wide) + 0.005 * male + 0.004 * old,
        nose_width=0.051 + 0.005 * next(wide) + 0.006 * male,
        nose_bridge=0.020 + 0.002 * next(wide) + 0.003 * male,
        mouth_v=0.748 + 0.006 * next(wide) + 0.006 * male,
        mouth_width=0.098 + 0.006 * next(wide) + 0.006 * male + 0.016 * smile,
        lip_upper=0.0255 + 0.0025 * next(wide) - 0.0085 * male - 0.004 * old - 0.002 * smile,
        lip_lower=0.0400 + 0.003 * next(wide) - 0.009 * male - 0.006 * old - 0.002 * smile,
        neck=0.136 + 0.007 * next(wide) + 0.042 * male,
    )


@dataclass(frozen=True)
class Places:
    """Where each pixel of a square of R pixels lies.

    Args:
        u, v: head units, turned and scaled with the head, (R, R) or a window of it.
        x, y: body units: scaled and shifted with the head but not tilted.
        pixel: the side of one pixel in head units.
    """

    u: Field
    v: Field
    x: Field
    y: Field
    pixel: float

    @classmethod
    def of(cls, head: Head, side_px: int) -> Places:
        middle = (np.arange(side_px, dtype=np.float32) + 0.5) / side_px - 0.5
        row, column = np.meshgrid(middle, middle, indexing="ij")
        x, y = (column - head.shift_x) / head.scale, (row - head.shift_y) / head.scale + 0.5
        x, y = x.astype(np.float32), y.astype(np.float32)
        turn_cos, turn_sin = np.float32(cos(radians(head.tilt))), np.float32(sin(radians(head.tilt)))
        below = y - np.float32(NECK_PIVOT_V)
        u = x * turn_cos + below * turn_sin
        v = below * turn_cos - x * turn_sin + np.float32(NECK_PIVOT_V)
        return cls(u, v, x, y, 1 / (side_px * head.scale))

    def cover(self, distance: Field) -> Field:
        """Opacity of a shape from the distance inside it, with an edge one pixel soft."""
        return np.clip(distance * np.float32(1 / self.pixel) + np.float32(0.5), 0, 1)

    def below(self, y: float) -> tuple[Window, Places]:
        """The rows from height y of the body downwards."""
        first = int(np.searchsorted(self.y[:, 0], y))
        window = (slice(min(first, len(self.y) - 1), None), slice(None))
        return window, Places(self.u[window], self.v[window], self.x[window], self.y[window], self.pixel)

    def around(self, head: Head, u: float, v: float, half_u: float, half_v: float) -> tuple[Window, Places]:
        """The window that holds a box of head units, and the places in it."""
        side = self.u.shape[0]
        corners = [(u + i * half_u, v + j * half_v) for i in (-1, 1) for j in (-1, 1)]
        pixels = np.array([to_picture(head, *corner) for corner in corners]) * side
        (left, top), (right, bottom) = np.floor(pixels.min(0)).astype(int), np.ceil(pixels.max(0)).astype(int)
        rows, columns = slice(max(top, 0), max(bottom, 1)), slice(max(left, 0), max(right, 1))
        window = (rows, columns)
        return window, Places(self.u[window], self.v[window], self.x[window], self.y[window], self.pixel)


def to_picture(head: Head, u: float, v: float) -> tuple[float, float]:
    """A place in head units as (x, y) in fractions of the picture."""
    turn_cos, turn_sin = cos(radians(head.tilt)), sin(radians(head.tilt))
    below = v - NECK_PIVOT_V
    x, y = u * turn_cos - below * turn_sin, u * turn_sin + below * turn_cos + NECK_PIVOT_V
    return x * head.scale + head.shift_x + 0.5, (y - 0.5) * head.scale + head.shift_y + 0.5


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
