"""Hair of a drawn person: its colours, its cut, and the beard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lianpu.drawing.attributes import hair_color_of
from lianpu.drawing.canvas import Noise

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
        stubble: opacity of stubble, 0..1.
    """

    cut: Cut | None
    colors: np.ndarray
    brow: np.ndarray
    beard: str
    graying: float
    mirrored: bool
    noise: Noise
    seed: int
    stubble: float = 0.34


def greyer(hair: Hair, share: float) -> Hair:
    """The same hair with brows and temples, `share` of the way to grey; what is darker or lighter stays so."""
    shades = np.array(PALETTES["Gray_Hair"])
    stops = np.interp(np.arange(256), (0, 85, 165, 255), range(4))
    grey = np.stack([np.interp(stops, range(4), column) for column in shades.T], axis=1).astype(np.float32)
    brow = shades[0] * 0.55 + shades[1] * 0.45
    return replace(
        hair, colors=hair.colors + np.float32(share) * (grey - hair.colors), brow=hair.brow + share * (brow - hair.brow)
    )


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
