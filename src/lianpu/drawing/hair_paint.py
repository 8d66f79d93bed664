"""The hair of a drawn head: where a cut grows, how its strands run, and how they are painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import radians, sin

import numpy as np

from lianpu.drawing.canvas import Canvas, Field, bell, cloud, ramp
from lianpu.drawing.hair import Cut, Hair
from lianpu.drawing.head import Head, Outline, Places, dome, head_axis
from lianpu.drawing.relief import stroke


@dataclass(frozen=True)
class HairPlaces:
    """Where hair is and how it runs, per pixel.

    Args:
        front: distance inside the hair before the face; back: inside that behind it (head units, below zero outside).
        across: changes from one strand to the next, constant along a strand.
        along: distance from the crown.
        side: -1..1 across the whole head of hair.
        opening: distance inside the free face.
    """

    front: Field
    back: Field
    across: Field
    along: Field
    side: Field
    opening: Field


def hair_outline(head: Head, cut: Cut) -> Outline:
    """The outer edge of the hair."""
    top, side = 0.075 - cut.top, cut.side
    points = dome(top, 0.36, head.forehead + 0.018 + side)
    if cut.length_v < 0.7:
        end = cut.front_v
        points += [
            (0.44, head.cheek + 0.008 + side * 0.9),
            (end, head.cheek + 0.003 + 0.5 * side),
            (end + 0.04, head.cheek - 0.005),
        ]
        points += [(end + 0.07, head.cheek - 0.03), (end + 0.09, 0.0)]
    else:
        points += [(0.46, head.cheek + 0.014 + side), (0.62, head.cheek + 0.012 + side + 0.5 * cut.flare)]
        points += [
            (cut.length_v - 0.14, head.cheek + side + cut.flare),
            (cut.length_v - 0.02, head.cheek - 0.04 + side + cut.flare),
        ]
        points += [(cut.length_v + 0.02, 0.0)]
    return Outline.of(points, [(0.0, 0.0), *[(v, 0.35 * u) for v, u in head_axis(head)]])


def hair_places(head: Head, hair: Hair, cut: Cut, outline: Outline, u: Field, v: Field, curls: Field) -> HairPlaces:
    """Where the hair of this cut is at (u, v); `curls` is two-dimensional noise about -1..1 at the same places."""
    mirror = np.float32(-1 if hair.mirrored else 1)
    outer = outline.distance(u, v)
    across_all = outline.across(u, v)
    turned = np.float32(0.13 * sin(radians(head.yaw)))
    aside = (u - turned) * mirror
    low = ramp(v, 0.35, 0.72)
    swing = cut.wave * 0.020 * low * np.sin(v * 30 + hair.noise.at(u * 3 + 9) * 4) if cut.wave else np.float32(0)
    across, along = _flow(cut, aside + swing, v)
    across = across + np.float32(0.05 * cut.curl) * curls
    lock, fine = hair.noise.at(across * 26 + 100), hair.noise.at(across * 90 + 17)
    jag = (lock - 0.5) * 0.030 + (fine - 0.5) * 0.014
    if cut.curl:
        jag = jag * (1 - cut.curl) + curls * (0.028 * cut.curl)
    line = _hairline(cut, aside)
    opened = cut.open_half * head.cheek / 0.268 + (
        0.20 * ramp(v, cut.front_v - 0.10, cut.front_v + 0.02) if cut.front_v < 1 else np.float32(0)
    )
    edge = 0.25 if cut.hairline in ("bangs", "swept") or cut.wave else 0.12
    opening = np.minimum((v - line) * 0.85, opened - np.abs(aside)) + jag * np.float32(edge + 0.5 * (cut.hairline == "bangs"))
    rough = 0.22 if cut.length_v > 0.7 else 0.34
    outer = outer + jag * np.float32(rough + 0.9 * cut.curl) * ramp(v, 0.0, 0.2)
    ends = cut.front_v - v + jag * np.float32(1.8)
    front = np.minimum(np.minimum(outer, -opening), ends)
    back = np.minimum(outer, cut.length_v - v + jag * np.float32(1.8))
    return HairPlaces(front, back, across, along, across_all, opening)


def _flow(cut: Cut, aside: Field, v: Field) -> tuple[Field, Field]:
    top = np.float32(0.07 - cut.top)
    away = aside - np.float32(cut.part_u)
    along = np.sqrt(0.7 * away * away + (v - top) ** 2)
    if cut.flow == "parted":
        bend = np.clip((0.52 - v) / (0.52 - top), 0, 0.992)
        return away / np.sqrt(1 - bend * bend), along
    if cut.flow == "down":
        return away / np.maximum(v - top + 0.16, 0.04) * 0.45, along
    if cut.flow == "arcs":
        return np.sqrt(away * away + (v - 0.44) ** 2) * 0.9, np.abs(away) * 1.0
    return np.arctan2(aside - 0.3 * np.float32(cut.part_u), 0.50 - v) * 0.26, np.sqrt(aside * aside + (v - 0.42) ** 2)


def _hairline(cut: Cut, aside: Field) -> Field:
    away = aside - np.float32(cut.part_u)
    if cut.hairline == "curtain":
        return cut.line_v + 1.15 * np.abs(away) ** 1.25 + 1.5 * np.maximum(np.abs(aside) - 0.16, 0)
    if cut.hairline == "bangs":
        return cut.line_v + 0.012 - 0.35 * aside * aside + 0.012 * np.sin(aside * 31)
    if cut.hairline == "swept":
        toward = -away * np.float32(np.sign(cut.part_u))
        return cut.line_v + 0.62 * np.maximum(toward, 0) ** 1.05 + 1.9 * np.maximum(-toward, 0) ** 1.2
    corners = bell(np.abs(aside) - 0.145, 0.055)
    return cut.line_v + 0.35 * aside * aside + 4.5 * np.maximum(np.abs(aside) - 0.17, 0) ** 1.4 - np.float32(cut.recede) * corners


def paint_hair(
    canvas: Canvas, places: Places, head: Head, hair: Hair, cut: Cut, where: HairPlaces, curls: Field, back: bool
) -> None:
    """The hair behind the face, or the hair before it."""
    value = _value(head, hair, cut, where, curls, places.v)
    if back:
        value = value * 0.62 * (1 - 0.45 * ramp(np.abs(where.side), 0.85, 0.3))
    alpha = places.cover(where.back if back else where.front)
    color = hair.colors[np.clip(value * 255, 0, 255).astype(np.uint8)]
    if hair.graying and not back:
        temples = ramp(np.abs(where.side), 0.62, 0.95) * ramp(places.v, 0.24, 0.40) * ramp(places.v, 0.66, 0.50)
        share = 0.75 * hair.graying * temples * ramp(hair.noise.at(where.across * 120 + 50), 0.25, 0.6)
        color = color + share[..., None] * ((0.42 + 0.45 * value[..., None]) - color)
    canvas.paint(alpha, np.moveaxis(color, -1, 0), "hair")


def _value(head: Head, hair: Hair, cut: Cut, where: HairPlaces, curls: Field, v: Field) -> Field:
    """How light the hair is, 0..1."""
    at = hair.noise.at
    locks = at(where.across * 24 + 100)
    fine = 0.6 * at(where.across * 84 + 17) + 0.4 * at(where.across * 230 + 3)
    if cut.curl:
        rings = 0.5 + 0.5 * np.sin(curls * 5.5 + 9 * where.across + 0.8 * locks)
        fine = fine * (1 - 0.75 * cut.curl) + 0.75 * cut.curl * rings
        locks = locks * (1 - 0.6 * cut.curl) + 0.6 * cut.curl * (0.5 + 0.5 * curls)
    side = np.clip(where.side, -1, 1)
    lit = 0.70 + 0.34 * side * np.float32(head.light[0]) - 0.34 * side * side * np.abs(side)
    lit = lit + 0.16 * ramp(v, 0.45, 0.05) - 0.16 * ramp(v, 0.75, 1.1)
    band = 0.17 if cut.flow != "arcs" else 0.12
    shine = bell(where.along - np.float32(band + 0.02) - 0.10 * (locks - 0.5) - 0.03 * (fine - 0.5), 0.062)
    shine = shine * ramp(side * np.float32(head.light[0]), -0.75, 0.45) * (0.35 + 0.9 * fine) * (1 - 0.55 * cut.curl)
    second = bell(where.along - 0.52 - 0.12 * (locks - 0.5), 0.09) * (0.3 + 0.7 * fine) * (cut.length_v > 0.7)
    value = 0.04 + lit * (0.17 + 0.30 * fine + 0.26 * locks) + 0.44 * shine + 0.16 * second
    if cut.flow == "parted":
        value = value * (1 - 0.5 * bell(where.across * ramp(v, 0.6, 0.1), 0.012) * ramp(v, 0.30, 0.2))
    near_face = ramp(where.opening, -0.034, 0.0) * 0.34 * ramp(v, 0.2, 0.4)
    return (value * (1 - near_face)).astype(np.float32)


def paint_bun(canvas: Canvas, places: Places, head: Head, hair: Hair, cut: Cut) -> None:
    """A bun on top of the head."""
    at_u, at_v = 0.05 * head.yaw / 20, 0.055
    window, near = places.around(head, at_u, at_v, cut.bun * 1.4, cut.bun * 1.2)
    aside, down = (near.u - np.float32(at_u)) / np.float32(cut.bun), (near.v - np.float32(at_v)) / np.float32(cut.bun * 0.82)
    radius = np.sqrt(aside * aside + down * down)
    turns = hair.noise.at((radius * 0.8 + 0.35 * np.sin(aside * 2.2 + down)) * 9 + 40)
    fine = hair.noise.at((radius + 0.3 * aside) * 34 + 7)
    value = (0.30 + 0.25 * turns + 0.15 * fine) * (1.05 - 0.55 * radius**2) + 0.25 * bell(
        np.hypot(aside - 0.3 * head.light[0], down + 0.35), 0.4
    ) * fine
    color = hair.colors[np.clip(value * 255, 0, 255).astype(np.uint8)]
    canvas.paint(
        near.cover((1 - radius) * np.float32(cut.bun * 0.9) + (fine - 0.5) * 0.006), np.moveaxis(color, -1, 0), "hair", window
    )


def paint_beard(
    canvas: Canvas, places: Places, head: Head, outline: Outline, hair: Hair, lips: Sequence[tuple[float, float]]
) -> None:
    """The beard, of short strokes; `lips` are points along the mouth that stay free. It is skin to the class map."""
    if hair.beard == "none":
        return
    mouth_u, mouth_v = head.project(0, head.mouth_v, 0.23)
    window, near = places.around(head, mouth_u, 0.76, 0.34, 0.30)
    aside = near.u - np.float32(mouth_u) * ramp(near.v, 0.55, 0.72)
    far = np.abs(aside)
    edge = outline.distance(near.u, near.v)
    grain = 0.5 * hair.noise.at(aside * 80 + near.v * aside * 60 + 90) + 0.5 * hair.noise.at(
        aside * 210 - near.v * aside * 120 + 30
    )
    cheek_line = np.where(far > 0.19, 0.66 - 2.4 * (far - 0.19), 0.66 + 1.1 * (0.19 - far))
    jaw = ramp(near.v - cheek_line, -0.01, 0.035)
    nose_v = head.project(0, head.nose_v, 0.25)[1]
    corner = head.mouth_width
    top = nose_v + 0.012 + 3.2 * np.maximum(far - 0.02, 0) ** 2
    upper = (
        ramp(near.v - top, 0.0, 0.014)
        * ramp(near.v, mouth_v + 0.034, mouth_v + 0.004)
        * ramp(far, corner + 0.020, corner - 0.002)
    )
    around = ramp(far, corner + 0.026, corner + 0.004) * ramp(near.v, mouth_v - 0.012, mouth_v + 0.012)
    soul = ramp(far, 0.024, 0.010) * ramp(near.v, mouth_v + 0.03, mouth_v + 0.045)
    chin = ramp(far, 0.085, 0.060) * ramp(near.v - 1.2 * far * far, mouth_v + 0.066, mouth_v + 0.080)
    corners = around * ramp(far, corner - 0.022, corner - 0.004) * ramp(near.v, head.chin_v, head.chin_v - 0.03)
    shape = {
        "stubble": np.maximum(np.maximum(jaw, upper), around),
        "moustache": upper,
        "goatee": np.maximum(np.maximum(upper, chin), np.maximum(corners, soul)),
        "full": np.maximum(np.maximum(jaw, upper), around),
    }[hair.beard]
    free = stroke(near, list(lips), head.lip_lower * 0.78)
    below = ramp(edge, -0.035, -0.012) if hair.beard in ("full", "goatee") else ramp(edge, -0.004, 0.006)
    growth = shape * ramp(free, 0.75, 0.28) * below * (near.v > 0.45)
    strength = hair.stubble if hair.beard == "stubble" else 0.93
    if hair.beard == "stubble":
        alpha = growth * strength * (0.35 + 0.9 * grain)
    else:
        alpha = np.clip(growth * 2.0 - 0.55 + 0.55 * (grain - 0.35) * (growth < 0.98), 0, 1) * strength
    light = 0.15 + 0.42 * grain + 0.10 * np.clip(edge * 8, 0, 1) + 0.10 * head.light[0] * np.clip(aside / 0.2, -1, 1)
    color = hair.colors[np.clip(light * 190, 0, 255).astype(np.uint8)]
    kept = canvas.classes[window].copy()
    canvas.paint(alpha.astype(np.float32), np.moveaxis(color, -1, 0), "skin", window)
    lip_or_nose = np.isin(kept, (2, 10, 11, 12))
    canvas.classes[window][lip_or_nose] = kept[lip_or_nose]


def curl_noise(hair: Hair, side_px: int) -> Field:
    """Two-dimensional noise for curls, the same at every size."""
    stream = np.random.default_rng(hair.seed)
    return np.clip(0.75 * cloud(stream, 46, side_px) + 0.45 * cloud(stream, 92, side_px), -1, 1)
