"""Skin: tones over the whole human range, the painted face, ears and neck, and what age leaves on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, bell, cloud, ramp
from lianpu.drawing.head import Head, Outline, Places
from lianpu.drawing.relief import Lighting, stroke

SKIN_TONES = (
    (0.972, 0.858, 0.788),
    (0.945, 0.790, 0.688),
    (0.892, 0.702, 0.566),
    (0.788, 0.570, 0.420),
    (0.635, 0.425, 0.295),
    (0.470, 0.300, 0.212),
    (0.335, 0.210, 0.155),
)
"""From light to dark, as they look in full light."""


@dataclass(frozen=True)
class Skin:
    """Skin of one person: colour in full light and shadow, and its marks (each 0..1)."""

    light: np.ndarray
    shade: np.ndarray
    redness: float
    oil: float
    freckles: float
    age: float
    seed: int


def sample_skin(stream: np.random.Generator, attributes: Mapping[str, bool]) -> Skin:
    """Skin for these attributes; tone and marks do not depend on them, age does."""
    melanin, red, oil, freckled, age, tint = stream.uniform(0, 1, 6).tolist()
    place = melanin * (len(SKIN_TONES) - 1)
    light = np.array([np.interp(place, range(len(SKIN_TONES)), column) for column in zip(*SKIN_TONES, strict=True)])
    light = light * (1 + (tint - 0.5) * np.array([0.02, 0.0, -0.08]))
    old = not attributes["Young"]
    if old:
        light = light * 0.95 + 0.05 * light.mean() - np.array([0.004, 0.014, 0.004])
    shade = light * (np.array([0.60, 0.46, 0.43]) * (1 - melanin) + np.array([0.46, 0.41, 0.42]) * melanin)
    return Skin(
        light=light,
        shade=shade,
        redness=0.4 + 0.6 * red,
        oil=0.5 + 0.5 * oil,
        freckles=max(0.0, freckled - 0.75) * 4 * (1 - melanin),
        age=(0.62 + 0.38 * age) if old else 0.0,
        seed=int(stream.integers(2**31)),
    )


def skin_color(skin: Skin, lighting: Lighting, spots: Field) -> Field:
    """Skin (3, R, R) under this lighting; `spots` (R, R) darken it a little."""
    color = np.empty((3, *lighting.diffuse.shape), np.float32)
    red, brown = (-0.012, -0.075, -0.060), (-0.13, -0.27, -0.29)
    for channel in range(3):
        low, high = np.float32(skin.shade[channel]), np.float32(skin.light[channel])
        base = low + (high - low) * lighting.diffuse
        base = base * (1 + np.float32(1.4 * red[channel] * skin.redness) * lighting.flush + spots * brown[channel])
        color[channel] = base + lighting.shine * np.float32(0.13 * skin.oil + 0.02)
    return color


def paint_face(canvas: Canvas, places: Places, outline: Outline, skin: Skin, lighting: Lighting) -> Field:
    """Paint the face without its features; where it covers, (R, R), 0..1."""
    side_px = places.u.shape[0]
    stream = np.random.default_rng(skin.seed)
    fine, blotches = cloud(stream, 110, side_px), cloud(stream, 22, side_px)
    spots = 0.05 * blotches + skin.age * (0.10 * blotches + 0.30 * ramp(blotches + fine * 0.5, 0.85, 1.3))
    if skin.freckles:
        spots = spots + 0.7 * skin.freckles * ramp(fine, 0.35, 0.7) * lighting.flush
    face = places.cover(outline.distance(places.u, places.v))
    canvas.paint(face, skin_color(skin, lighting, spots), "skin")
    return face


def paint_age(canvas: Canvas, places: Places, head: Head, skin: Skin, face: Field) -> None:
    """Fine lines at the eyes, mouth and forehead; nothing on the young."""
    if not skin.age:
        return
    tint, wide = skin.shade / skin.light, max(1.0, skin.age)
    for side in (-1, 1):
        outer = head.eye_x + head.eye_width
        for rise in (-0.026, -0.004, 0.018, 0.038):
            start = head.project(side * (outer + 0.010), head.eye_v + rise * 0.3, 0.13)
            end = head.project(side * (outer + 0.052), head.eye_v + rise * 1.1 + 0.004, 0.10)
            _line(canvas, places, head, (start, end), 0.0032 * wide, 0.34 * skin.age, tint, face)
        for drop, reach in ((0.052, 0.040), (0.070, 0.046)):
            points = [
                head.project(side * (head.eye_x + k * reach), head.eye_v + drop - 0.012 * k * k + 0.004 * k, 0.15)
                for k in (-1.0, -0.4, 0.3, 1.0)
            ]
            _line(canvas, places, head, points, 0.0052 * wide, 0.27 * skin.age, tint, face)
        fold = [
            head.project(side * (head.nose_width + 0.014), head.nose_v - 0.030, 0.22),
            head.project(side * (head.mouth_width - 0.004), head.mouth_v - 0.050, 0.20),
            head.project(side * (head.mouth_width + 0.020), head.mouth_v + 0.004, 0.18),
        ]
        _line(canvas, places, head, fold, 0.0060 * wide, 0.42 * skin.age, tint, face)
        marionette = [
            head.project(side * (head.mouth_width + 0.010), head.mouth_v + 0.022, 0.19),
            head.project(side * (head.mouth_width + 0.014), head.mouth_v + 0.078, 0.17),
        ]
        _line(canvas, places, head, marionette, 0.0050 * wide, 0.36 * skin.age, tint, face)
    for number, line_v in enumerate((0.268, 0.303, 0.340)):
        points = [
            head.project(x, line_v + 0.10 * x * x + 0.004 * np.cos(x * 22 + number), 0.19)
            for x in np.linspace(-0.14 + 0.01 * number, 0.14 - 0.01 * number, 5)
        ]
        _line(canvas, places, head, points, 0.0044 * wide, 0.30 * skin.age, tint, face)


def _line(
    canvas: Canvas,
    places: Places,
    head: Head,
    points: Sequence[tuple[float, float]],
    width: float,
    depth: float,
    tint: np.ndarray,
    face: Field,
) -> None:
    u, v = np.array(points).T
    middle = ((u.min() + u.max()) / 2, (v.min() + v.max()) / 2)
    reach = 3 * width
    window, near = places.around(head, *middle, (u.max() - u.min()) / 2 + reach, (v.max() - v.min()) / 2 + reach)
    line = stroke(near, points, max(width, 0.55 * places.pixel))
    canvas.multiply(line * face[window] * np.float32(depth), tint, window)


def paint_neck(canvas: Canvas, places: Places, head: Head, outline: Outline, skin: Skin) -> None:
    """Neck and shoulders, with the shadow that the chin casts on them."""
    window, places = places.below(0.6)
    x, y = places.x, places.y
    chin_u, _ = head.project(0, head.chin_v, 0.1)
    middle = np.float32(0.35 * chin_u)
    flare = head.neck + 0.42 * np.maximum(y - 0.955, 0) + 0.05 * ramp(y, 0.93, 1.05)
    aside = x - middle
    shoulders = y - (0.985 + 0.16 * np.abs(aside))
    inside = np.maximum(flare - np.abs(aside), shoulders * 0.8)
    turn = np.clip(aside / flare, -1, 1)
    lit = 0.80 + 0.30 * turn * head.light[0] - 0.30 * turn * turn
    below_jaw = outline.distance(places.u + np.float32(0.05 * head.light[0]), places.v - 0.035)
    lit = lit - 0.52 * ramp(below_jaw, -0.07, 0.02) + 0.10 * ramp(y, 0.97, 1.06)
    tendons = bell(np.abs(aside) - 0.5 * head.neck * (1.15 - y) / 0.2, 0.016) * ramp(y, 0.9, 0.98)
    lit = lit - tendons * (0.04 + 0.14 * skin.age)
    lit = np.clip(lit, 0, 1.1).astype(np.float32)
    zero = np.zeros_like(lit)
    canvas.paint(places.cover(inside), skin_color(skin, Lighting(lit, zero, zero), zero), "neck", window)


def paint_ears(canvas: Canvas, places: Places, head: Head, outline: Outline, skin: Skin) -> None:
    """The visible parts of both ears."""
    for side, name in ((-1, "r_ear"), (1, "l_ear")):
        edge = outline.edge(0.545, side)
        turned = -side * np.sin(np.radians(head.yaw))
        at_u = edge + side * (0.012 + 0.04 * max(-0.3, turned))
        window, near = places.around(head, at_u, 0.55, 0.07, 0.11)
        aside, down = (near.u - np.float32(at_u)) * side, near.v - np.float32(0.548)
        aside = aside - 0.10 * np.abs(down) ** 1.0 * np.sign(-down) * 0.8
        half = 0.036 - 0.010 * ramp(down, 0.0, 0.09)
        round_ = 1 - (aside / half) ** 2 - (down / 0.078) ** 2
        inside = round_ * 0.018
        lit = (
            0.66
            + 0.22 * side * head.light[0]
            - 0.35 * bell(np.sqrt(np.maximum(1 - round_, 0)) - 0.60, 0.16) * ramp(aside, -0.03, 0.01)
        )
        lit = lit.astype(np.float32)
        flush = np.full_like(lit, 0.9)
        canvas.paint(
            near.cover(inside), skin_color(skin, Lighting(lit, np.zeros_like(lit), flush), np.zeros_like(lit)), name, window
        )
