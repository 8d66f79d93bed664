"""Hats on drawn heads."""

from __future__ import annotations

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, bell, ramp
from lianpu.drawing.head import Head, Places
from lianpu.drawing.outline import Outline, head_axis
from lianpu.drawing.wear import Wear, shaded


def hat_line(wear: Wear, head: Head, u: Field) -> Field:
    """v of the lower edge of the hat on the forehead."""
    turned = np.float32(0.13 * np.sin(np.radians(head.yaw)))
    bend = {"beanie": 0.25, "cap": 0.5, "fedora": 0.55, "sun hat": 0.45}[wear.hat]
    return (0.300 - bend * (u - turned) ** 2).astype(np.float32)


def paint_hat(canvas: Canvas, places: Places, head: Head, wear: Wear, room: float) -> None:
    """A hat over hair that stands `room` off the skull."""
    u, v = places.u, places.v
    line = hat_line(wear, head, u)
    wide, top = 0.015 + 0.75 * room, 0.035 - 0.35 * room
    points = [
        (top, 0.0),
        (top + 0.02, 0.13),
        (0.12, 0.225 + wide),
        (0.2, 0.262 + wide),
        (0.3, 0.275 + wide),
        (0.42, 0.275 + wide),
        (0.46, 0.0),
    ]
    if wear.hat in ("fedora", "sun hat"):
        points = [
            (top - 0.03, 0.0),
            (top - 0.02, 0.17),
            (0.10, 0.238 + wide * 0.8),
            (0.25, 0.268 + wide),
            (0.42, 0.272 + wide),
            (0.46, 0.0),
        ]
    dome = Outline.of(points, [(0.0, 0.0), *[(at_v, 0.35 * at_u) for at_v, at_u in head_axis(head)]])
    across = np.clip(dome.across(u, v), -1, 1)
    light = 0.86 + 0.30 * across * np.float32(head.light[0]) - 0.30 * across * across + 0.12 * ramp(v, 0.25, 0.05)
    if wear.hat == "beanie":
        ribs = np.sin(across * 34 + 2 * across**3) * 0.09 + 0.10 * (wear.noise.at(v * 60 + across * 20 + 40) - 0.5)
        light = light + ribs
    else:
        light = light + 0.06 * (wear.noise.at(across * 9 + 4 * v + 40) - 0.5)
    canvas.paint(places.cover(np.minimum(dome.distance(u, v), line - v)), shaded(wear.hat_color, light), "hat")
    _paint_brim(canvas, places, head, wear, dome, line, light, wide)


def _paint_brim(
    canvas: Canvas, places: Places, head: Head, wear: Wear, dome: Outline, line: Field, light: Field, wide: float
) -> None:
    u, v = places.u, places.v
    turned = np.float32(0.16 * np.sin(np.radians(head.yaw)))
    aside = u - turned
    if wear.hat == "beanie":
        cuff = np.minimum(dome.distance(u * 0.97, v), np.minimum(line + 0.012 - v, v - line + 0.085))
        canvas.paint(
            places.cover(cuff), shaded(wear.hat_color * 0.9 + 0.06, light * (1.02 - 0.3 * ramp(v - line, -0.015, 0.01))), "hat"
        )
        canvas.multiply(bell(v - line + 0.088, 0.008) * places.cover(cuff + 0.02) * np.float32(0.5), (0.6, 0.6, 0.62))
        return
    if wear.hat == "cap":
        half = 0.235
        top = line - 0.012
        bottom = 0.330 + 0.052 * np.maximum(1 - (aside / half) ** 2, 0) ** 0.7 - 0.5 * aside * aside
        brim = np.minimum(np.minimum(bottom - v, v - top + 0.02), half - np.abs(aside))
        shade = 0.78 - 0.30 * ramp(v - top, 0.0, 0.06) + 0.22 * bell(bottom - v - 0.004, 0.006)
        canvas.paint(places.cover(brim), shaded(wear.hat_color * 0.85, shade.astype(np.float32)), "hat")
        return
    reach = (0.40 if wear.hat == "fedora" else 0.47) + wide
    droop = 0.02 if wear.hat == "fedora" else -0.05
    middle = 0.280 - droop * (aside / 0.3) ** 2
    thick = (0.045 if wear.hat == "fedora" else 0.055) * np.maximum(1 - (aside / reach) ** 2, 0) ** 0.5
    brim = np.minimum(thick - np.abs(v - middle), (reach - 0.01 - np.abs(aside)) * 0.5)
    shade = 0.95 - 0.42 * ramp(v - middle, -0.01, 0.045) + 0.14 * aside / 0.4 * np.float32(head.light[0])
    band = np.minimum(dome.distance(u, v), np.minimum(v - (line - 0.135), line - 0.02 - v))
    canvas.paint(places.cover(band), shaded(wear.band_color, light * 0.95), "hat")
    canvas.paint(places.cover(brim), shaded(wear.hat_color, shade.astype(np.float32)), "hat")
