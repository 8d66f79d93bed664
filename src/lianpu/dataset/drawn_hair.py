"""Hair of a drawn person: its colours, its cut, and where it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import radians, sin

import numpy as np

from lianpu.dataset.drawn_attributes import hair_color_of
from lianpu.dataset.drawn_canvas import Field, Noise, bell, ramp
from lianpu.dataset.drawn_head import Head, Outline, dome, head_axis

PALETTES: dict[str | None, tuple[tuple[float, float, float], ...]] = {
    "Black_Hair": ((0.030, 0.027, 0.030), (0.096, 0.086, 0.090), (0.190, 0.176, 0.186), (0.48, 0.47, 0.52)),
    "Brown_Hair": ((0.120, 0.066, 0.040), (0.330, 0.196, 0.118), (0.500, 0.320, 0.200), (0.82, 0.62, 0.44)),
    "Blond_Hair": ((0.400, 0.270, 0.120), (0.790, 0.620, 0.360), (0.930, 0.800, 0.550), (1.00, 0.96, 0.80)),
    "Gray_Hair": ((0.300, 0.300, 0.312), (0.590, 0.592, 0.604), (0.770, 0.772, 0.785), (0.97, 0.97, 0.98)),
    None: ((0.260, 0.070, 0.030), (0.580, 0.215, 0.085), (0.760, 0.350, 0.150), (0.98, 0.70, 0.40)),
}
"""Each colour from deep shadow over its own tone to light and shine; None is red hair."""


@dataclass(frozen=True)
class Cut:
    """How hair is cut and combed (head units).

    Args:
        top, side: how far it stands off the skull.
        length_v: where it ends behind the neck; front_v: where it ends beside the face.
        hairline: `round`, `curtain`, `bangs` or `swept`: the shape of its edge on the forehead.
        line_v: height of that edge at its highest place.
        flow: `parted` (falls from a parting), `back`, `arcs` (combed over) or `down` (from the crown into the forehead).
        part_u: where the parting is.
        open_half: half-width of the face that is left free.
        wave, curl: 0..1; flare: how much wider it gets downwards.
        bun: 0 or the radius of a bun on top.
    """

    name: str
    top: float
    side: float
    length_v: float
    front_v: float
    hairline: str
    line_v: float
    flow: str
    part_u: float = 0.0
    open_half: float = 0.243
    wave: float = 0.0
    curl: float = 0.0
    flare: float = 0.0
    bun: float = 0.0
    recede: float = 0.0


WOMENS_CUTS = (
    Cut("long middle parting", 0.030, 0.030, 1.25, 1.25, "curtain", 0.205, "parted", 0.0, 0.232, 0.1, flare=0.02),
    Cut("long side parting, wavy", 0.045, 0.045, 1.25, 1.25, "curtain", 0.225, "parted", 0.085, 0.236, 0.8, flare=0.05),
    Cut("long behind the shoulders", 0.032, 0.026, 1.25, 0.74, "curtain", 0.215, "parted", -0.06, 0.240, 0.25, flare=0.02),
    Cut("bob with fringe", 0.040, 0.042, 0.84, 0.84, "bangs", 0.372, "down", 0.0, 0.226, 0.0, flare=0.005),
    Cut("bob, side parting", 0.040, 0.040, 0.83, 0.83, "swept", 0.235, "parted", 0.10, 0.230, 0.3, flare=0.02),
    Cut("shoulder length, swept fringe", 0.044, 0.038, 1.02, 1.02, "swept", 0.250, "parted", -0.10, 0.230, 0.45, flare=0.02),
    Cut("long with fringe", 0.036, 0.032, 1.25, 1.25, "bangs", 0.376, "down", 0.0, 0.230, 0.05, flare=0.015),
    Cut("bun", 0.014, 0.008, 0.62, 0.55, "round", 0.215, "back", 0.0, 0.242, bun=0.10),
    Cut("ponytail", 0.018, 0.010, 0.62, 0.56, "round", 0.210, "back", 0.0, 0.240),
    Cut("long curls", 0.070, 0.075, 1.12, 1.00, "curtain", 0.235, "parted", 0.03, 0.228, 0.6, curl=1.0, flare=0.05),
    Cut("afro", 0.110, 0.120, 0.72, 0.70, "round", 0.235, "back", 0.0, 0.236, curl=1.0),
    Cut("pixie", 0.044, 0.018, 0.62, 0.58, "swept", 0.245, "arcs", -0.12, 0.240, 0.1),
)
MENS_CUTS = (
    Cut("side parting", 0.040, 0.010, 0.58, 0.50, "round", 0.222, "arcs", -0.13, 0.250),
    Cut("quiff", 0.068, 0.008, 0.58, 0.50, "round", 0.212, "back", 0.04, 0.252, 0.1),
    Cut("crew cut", 0.016, 0.004, 0.57, 0.49, "round", 0.220, "back", 0.0, 0.252),
    Cut("fringe", 0.042, 0.014, 0.58, 0.51, "bangs", 0.315, "down", 0.05, 0.248, 0.1),
    Cut("combed back", 0.034, 0.012, 0.60, 0.51, "round", 0.205, "back", 0.0, 0.248),
    Cut("short curls", 0.056, 0.024, 0.58, 0.52, "round", 0.245, "back", 0.0, 0.247, curl=0.9),
    Cut("swept", 0.050, 0.016, 0.60, 0.53, "swept", 0.235, "arcs", 0.12, 0.246, 0.15),
    Cut("curtains to the ear", 0.040, 0.030, 0.66, 0.64, "curtain", 0.225, "parted", 0.02, 0.240, 0.4),
    Cut("close crop", 0.007, 0.001, 0.56, 0.48, "round", 0.218, "back", 0.0, 0.254),
)


@dataclass(frozen=True)
class Hair:
    """Hair of one person.

    Args:
        cut: None for a bald head.
        colors: (256, 3) from deep shadow to shine.
        brow: (3,) colour of the brows.
        beard: `none`, `stubble`, `moustache`, `goatee` or `full`.
        graying: how grey the temples are, 0..1, where the hair itself is not.
    """

    cut: Cut | None
    colors: np.ndarray
    brow: np.ndarray
    beard: str
    graying: float
    mirrored: bool
    noise: Noise
    seed: int


def sample_hair(stream: np.random.Generator, attributes: Mapping[str, bool]) -> Hair:
    """Hair for these attributes: the cut depends on sex and age, the colour on the hair attributes alone."""
    woman, man, bald, beard, recede, gray, volume, height = stream.uniform(0, 1, 8).tolist()
    tone, warmth = stream.uniform(-1, 1, 2).tolist()
    mirrored = bool(stream.random() < 0.5)
    noise, seed = Noise.of(stream), int(stream.integers(2**31))
    color, young, male = hair_color_of(attributes), attributes["Young"], attributes["Male"]
    cuts = MENS_CUTS if male else WOMENS_CUTS
    chosen: Cut | None = cuts[int((man if male else woman) * len(cuts))]
    assert chosen is not None
    grown = 0.75 + 0.5 * volume
    chosen = replace(chosen, top=chosen.top * grown, side=chosen.side * grown, line_v=chosen.line_v + 0.02 * (height - 0.5))
    if male and not young and chosen.hairline == "round":
        chosen = replace(chosen, recede=0.02 + 0.09 * recede, line_v=chosen.line_v - 0.04 * recede, top=chosen.top * 0.8)
    if male and color is None and bald < (0.35 if young else 0.6):
        chosen = None
    shades = _toned(np.array(PALETTES[color]), tone, warmth)
    stops = np.interp(np.arange(256), (0, 85, 165, 255), range(4))
    colors = np.stack([np.interp(stops, range(4), column) for column in shades.T], axis=1).astype(np.float32)
    brow = shades[0] * 0.55 + shades[1] * 0.45 if color != "Black_Hair" else shades[0] * 0.4 + shades[1] * 0.6
    return Hair(
        chosen,
        colors,
        brow,
        _beard(beard, male, young),
        0.0 if young or color == "Gray_Hair" else 0.35 + 0.4 * gray,
        mirrored,
        noise,
        seed,
    )


def _toned(shades: np.ndarray, tone: float, warmth: float) -> np.ndarray:
    tinted = shades * (1 + 0.10 * tone)
    saturation = np.ptp(shades[1])
    return np.clip(tinted * (1 + warmth * saturation * np.array([0.06, -0.02, -0.14])), 0, 1)


def _beard(position: float, male: bool, young: bool) -> str:
    if not male:
        return "none"
    shares = (("none", 0.40), ("stubble", 0.28), ("moustache", 0.05), ("goatee", 0.09), ("full", 0.18))
    if not young:
        shares = (("none", 0.45), ("stubble", 0.14), ("moustache", 0.12), ("goatee", 0.08), ("full", 0.21))
    for name, share in shares:
        if position < share:
            return name
        position -= share
    return "full"


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
