"""Which attributes a drawn person has, and the streams of chance that everything else about the person comes from."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np

from lianpu.attributes import HAIR_COLORS
from lianpu.errors import SettingsError, nearest_name

DRAWN_ATTRIBUTES = (
    "Black_Hair",
    "Blond_Hair",
    "Brown_Hair",
    "Eyeglasses",
    "Gray_Hair",
    "Male",
    "Mouth_Slightly_Open",
    "Smiling",
    "Wearing_Hat",
    "Young",
)
"""What is known of every drawn face, in CelebA's spelling, sorted as CelebA sorts."""

CHANCE_OF = {"Male": 0.5, "Young": 0.6, "Eyeglasses": 0.15, "Wearing_Hat": 0.08, "Mouth_Slightly_Open": 0.4, "Smiling": 0.5}
"""How often each attribute that stands alone is true; they are drawn independently of each other."""

HAIR_CHANCES_YOUNG = {"Black_Hair": 0.25, "Blond_Hair": 0.25, "Brown_Hair": 0.25, "Gray_Hair": 0.04}
HAIR_CHANCES_OLD = {"Black_Hair": 0.13, "Blond_Hair": 0.13, "Brown_Hair": 0.13, "Gray_Hair": 0.44}
"""Hair colours by age: each is about one face in five overall, grey mostly not Young; the rest is red-haired or bald."""


def chance(seed: int, index: int, topic: str) -> np.random.Generator:
    """The stream of random numbers for one topic (`pose`, `hair`, ...) of one person.

    One stream per topic is what keeps everything else equal when an attribute is overridden.
    """
    return np.random.default_rng([seed, index, zlib.crc32(topic.encode())])


def sample_attributes(seed: int, index: int, wanted: Mapping[str, bool] | None = None) -> dict[str, bool]:
    """The attributes of one person, with those in `wanted` put in their place.

    A hair colour set to true makes the others false; the colour of a person's hair and age stay as drawn unless wanted.

    Raises:
        SettingsError: an unknown name, or two hair colours wanted at once.
    """
    stream = chance(seed, index, "attributes")
    drawn = {name: bool(stream.random() < share) for name, share in CHANCE_OF.items()}
    drawn.update(_sample_hair_color(stream.random(), drawn["Young"]))
    wanted = dict(wanted or {})
    _check_wanted(wanted)
    if any(wanted.get(name) for name in HAIR_COLORS):
        drawn.update(dict.fromkeys(HAIR_COLORS, False))
    drawn.update({name: bool(value) for name, value in wanted.items()})
    return {name: drawn[name] for name in DRAWN_ATTRIBUTES}


def hair_color_of(attributes: Mapping[str, bool]) -> str | None:
    """The hair colour that is true, or None (red-haired, bald)."""
    return next((name for name in HAIR_COLORS if attributes[name]), None)


def _sample_hair_color(position: float, young: bool) -> dict[str, bool]:
    values = dict.fromkeys(HAIR_COLORS, False)
    for name, share in (HAIR_CHANCES_YOUNG if young else HAIR_CHANCES_OLD).items():
        if 0 <= position < share:
            values[name] = True
        position -= share
    return values


def _check_wanted(wanted: Mapping[str, bool]) -> None:
    for name in wanted:
        if name not in DRAWN_ATTRIBUTES:
            raise SettingsError(
                f"Drawn faces have no attribute '{name}'{nearest_name(name, DRAWN_ATTRIBUTES)}. "
                f"Known: {', '.join(DRAWN_ATTRIBUTES)}."
            )
    colors = [name for name in HAIR_COLORS if wanted.get(name)]
    if len(colors) > 1:
        raise SettingsError(f"{' and '.join(colors)} exclude each other. Set one of them.")
