"""Where the hair of a cut grows on a drawn head, and how its strands run."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians, sin

import numpy as np

from lianpu.drawing.canvas import Field, bell, ramp
from lianpu.drawing.hair import Cut, Hair
from lianpu.drawing.head import Head
from lianpu.drawing.outline import Outline, dome, head_axis


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
