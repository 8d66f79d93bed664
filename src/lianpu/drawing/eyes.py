"""Eyes and brows of a drawn face, and the curves that their landmarks lie on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lianpu.drawing.canvas import Canvas, Color, Field, Noise, bell, ramp
from lianpu.drawing.head import Head, Places
from lianpu.drawing.skin import Skin

IRIS_COLORS = (
    (0.20, 0.11, 0.06),
    (0.33, 0.20, 0.10),
    (0.46, 0.33, 0.16),
    (0.38, 0.43, 0.25),
    (0.40, 0.55, 0.66),
    (0.30, 0.45, 0.64),
    (0.50, 0.55, 0.57),
)


@dataclass(frozen=True)
class Gaze:
    """Iris colour, where the eyes look (in half eye widths), and make-up (0..1; none on men)."""

    iris: tuple[float, float, float]
    look_x: float
    look_y: float
    lashes: float
    shadow: float
    shadow_color: tuple[float, float, float]
    noise: Noise


def sample_gaze(stream: np.random.Generator, attributes: Mapping[str, bool]) -> Gaze:
    """Eyes for these attributes; colour and gaze do not depend on them, make-up does."""
    color, look_x, look_y, made_up, hue = stream.uniform(0, 1, 5).tolist()
    female = not attributes["Male"]
    shadow_colors = ((0.42, 0.26, 0.22), (0.45, 0.22, 0.34), (0.27, 0.28, 0.38), (0.36, 0.27, 0.18))
    return Gaze(
        iris=IRIS_COLORS[int(color * len(IRIS_COLORS))],
        look_x=0.16 * (look_x - 0.5),
        look_y=0.06 * (look_y - 0.5),
        lashes=0.7 + 0.3 * made_up if female else 0.12,
        shadow=(0.25 + 0.6 * made_up) * female * (1.0 if attributes["Young"] else 0.6),
        shadow_color=shadow_colors[int(hue * len(shadow_colors))],
        noise=Noise.of(stream),
    )


def eye_center(head: Head, side: int) -> tuple[float, float]:
    """Where an eye is seen, (u, v); side -1 is the left of the picture."""
    return head.project(side * head.eye_x, head.eye_v, 0.16)


def upper_lid(head: Head, x: Field) -> Field:
    """Height of the upper lid above the line of the corners, in half eye widths, at x from -1 (inner corner) to 1."""
    return (head.eye_height * (1 - np.abs(x) ** 2.3) * (1 - 0.16 * x)).astype(np.float32)


def lower_lid(head: Head, x: Field) -> Field:
    """Depth of the lower lid below that line."""
    return (0.52 * head.eye_height * (1 - x * x) * (1 + 0.22 * x)).astype(np.float32)


def eye_point(head: Head, side: int, x: float, above: float) -> tuple[float, float]:
    """(u, v) of a place given in half eye widths from the eye's middle, slanted like the eye."""
    middle_u, middle_v = eye_center(head, side)
    half = head.eye_width
    return middle_u + side * x * half * head.narrowing(side), middle_v - (above + head.eye_slant * x) * half


def paint_eye(canvas: Canvas, places: Places, head: Head, gaze: Gaze, skin: Skin, side: int) -> None:
    """One eye with its lids, lashes and make-up."""
    half = head.eye_width
    window, near = places.around(head, *eye_center(head, side), 1.75 * half, 1.5 * half)
    middle_u, middle_v = eye_center(head, side)
    x = (near.u - np.float32(middle_u)) * np.float32(side / (half * head.narrowing(side)))
    y = (near.v - np.float32(middle_v)) * np.float32(1 / half) + np.float32(head.eye_slant) * x
    upper, lower = upper_lid(head, np.clip(x, -1.4, 1.4)), lower_lid(head, np.clip(x, -1.4, 1.4))
    opening = near.cover(np.minimum(y + upper, lower - y) * np.float32(half * 0.9))
    _paint_lids(canvas, window, x, y, upper, lower, head, gaze, skin)
    name = "r_eye" if side < 0 else "l_eye"
    canvas.paint(opening, _eyeball(near, x, y, upper, head, gaze, side), name, window)
    _paint_lashes(canvas, window, near, x, y, upper, lower, half, gaze, skin)


def _eyeball(near: Places, x: Field, y: Field, upper: Field, head: Head, gaze: Gaze, side: int) -> Field:
    soft = max(0.05, 0.7 * near.pixel / head.eye_width)
    from_x, from_y = (
        x - np.float32(side * gaze.look_x - 0.02),
        y - np.float32(gaze.look_y - 0.07 + 0.1 * (0.41 - head.eye_height)),
    )
    radius = np.sqrt(from_x * from_x + from_y * from_y)
    roundness = 0.97 - 0.20 * np.abs(x) ** 2.2 - 0.42 * bell(y + upper, 0.20)
    color = np.stack(
        [
            roundness * 0.96,
            roundness * 0.935 - 0.05 * ramp(np.abs(x), 0.65, 1.0),
            roundness * 0.925 - 0.05 * ramp(np.abs(x), 0.65, 1.0),
        ]
    )
    iris_radius, pupil_radius = 0.46, 0.20
    iris = ramp(radius, iris_radius + soft, iris_radius - soft)
    rays = gaze.noise.at(np.arctan2(from_y, from_x) * 9 + 60)
    glow = (
        0.62
        + 0.55 * ramp(from_y, -0.15, 0.38)
        + 0.40 * (rays - 0.5)
        - 0.55 * ramp(radius, 0.32, 0.47)
        - 0.40 * bell(y + upper, 0.22)
    )
    for channel in range(3):
        color[channel] += iris * (np.clip(glow * 1.25 * gaze.iris[channel], 0.015, 1) - color[channel])
    color *= 1 - 0.93 * ramp(radius, pupil_radius + soft, pupil_radius - soft)
    glint_x, glint_y = 0.16 * np.sign(head.light[0] or 1.0), -0.17
    spark_x = from_x - np.float32(glint_x * side)
    spark = ramp(np.sqrt(spark_x**2 + (from_y - np.float32(glint_y)) ** 2), 0.115 + soft, 0.115 - soft)
    faint = 0.35 * ramp(np.sqrt((spark_x + 2 * glint_x * side) ** 2 + (from_y - 0.17) ** 2), 0.12, 0.0)
    return np.clip(color + 0.95 * spark + faint, 0, 1).astype(np.float32)


def _paint_lids(
    canvas: Canvas,
    window: tuple[slice, slice],
    x: Field,
    y: Field,
    upper: Field,
    lower: Field,
    head: Head,
    gaze: Gaze,
    skin: Skin,
) -> None:
    above = -y - np.maximum(upper, 0)
    beside = ramp(np.abs(x - 0.1), 1.45, 0.75)
    canvas.paint(gaze.shadow * 0.65 * ramp(above, 0.62, 0.05) * beside * (y < 0.1), gaze.shadow_color, window=window)
    tint = skin.shade / skin.light
    droop = 0.30 - 0.05 * skin.age
    crease = bell(above - np.float32(droop) + 0.06 * x * x, 0.075) * beside
    canvas.multiply(crease * np.float32(0.62 + 0.25 * skin.age), tint, window)
    canvas.add(bell(above - np.float32(droop * 0.45), 0.10) * beside, 0.05 * skin.light, window)
    below = y - np.maximum(lower, 0)
    canvas.multiply(bell(below - 0.04, 0.10) * ramp(np.abs(x), 1.15, 0.7) * np.float32(0.40), tint, window)
    canvas.multiply(bell(below - 0.34, 0.16) * ramp(np.abs(x), 1.2, 0.5) * np.float32(0.10 + 0.35 * skin.age), tint, window)
    canvas.paint(bell(np.hypot(x + 1.02, y - 0.03), 0.11) * np.float32(0.55), (0.62, 0.34, 0.32), window=window)


def _paint_lashes(
    canvas: Canvas,
    window: tuple[slice, slice],
    near: Places,
    x: Field,
    y: Field,
    upper: Field,
    lower: Field,
    half: float,
    gaze: Gaze,
    skin: Skin,
) -> None:
    lashes = gaze.lashes
    wing = np.where(x > 0.85, (x - 0.85) * 0.62 * lashes, 0)
    line = y + np.where(np.abs(x) < 1, upper, 0) + wing
    teeth = ramp(np.abs((x * 6.5 + 0.6 * x * x) % 1 - 0.5), 0.5, 0.1) * ramp(x, -0.3, 0.9)
    thickness = 0.055 + (0.055 + 0.045 * x + 0.13 * teeth) * lashes
    thickness = thickness * ramp(x, -1.08, -0.7) * ramp(x, 1.08 + 0.25 * lashes, 0.92)
    inside = np.where(line < 0, thickness + line, 0.055 - line)
    dark: Color = (0.085, 0.055, 0.05)
    canvas.paint(
        near.cover(inside * np.float32(half)) * (thickness > 0.004) * np.float32(0.72 + 0.25 * gaze.lashes), dark, window=window
    )
    under = bell(y - lower - 0.02, 0.055 + 0.02 * gaze.lashes) * ramp(x, -0.5, 0.6) * ramp(x, 1.12, 0.95)
    canvas.paint(under * np.float32(0.22 + 0.38 * gaze.lashes), dark, window=window)


def brow_point(head: Head, side: int, along: float) -> tuple[float, float]:
    """(u, v) on the middle line of a brow, from 0 at its inner end to 1 at its outer end."""
    x = 0.045 + 0.182 * along
    arch = head.brow_arch * float(np.sin(np.pi * min(along, 1.0) ** 1.25)) + 0.004 * along
    return head.project(side * x, head.brow_v + 0.003 + 0.010 * along - arch, 0.185 - 0.06 * along)


def paint_brow(canvas: Canvas, places: Places, head: Head, color: np.ndarray, noise: Noise, side: int) -> None:
    """One brow, of strokes that lean outwards."""
    along_points = np.linspace(-0.05, 1.05, 12)
    line = np.array([brow_point(head, side, max(float(k), 0.0)) for k in along_points])
    start, end = brow_point(head, side, 0.0), brow_point(head, side, 1.0)
    window, near = places.around(head, (start[0] + end[0]) / 2, line[:, 1].mean(), 0.13, 0.06)
    along = (near.u - np.float32(start[0])) * np.float32(1 / (end[0] - start[0]))
    order = np.argsort(line[:, 0])
    middle = np.interp(near.u, line[order, 0], line[order, 1]).astype(np.float32)
    away = near.v - middle
    thickness = head.brow_thickness * ramp(along, -0.10, 0.18) * ramp(along, 1.06, 0.35)
    hairs = noise.at(along * 46 + away * 900 * (0.4 + along))
    edge = thickness * (0.86 + 0.5 * (hairs - 0.5)) - np.abs(away + 0.002)
    alpha = np.clip(edge * np.float32(1 / max(near.pixel, 0.0035)) + 0.5, 0, 1) * (0.74 + 0.26 * hairs)
    alpha = alpha * ramp(thickness, 0.0004, 0.0030)
    canvas.paint(alpha.astype(np.float32), color, "r_brow" if side < 0 else "l_brow", window)
