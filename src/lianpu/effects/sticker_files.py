"""Stickers as files: a PNG with transparency, and anchors that say which of its places belong to which places of a face."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.errors import PictureError, SettingsError, nearest_name
from lianpu.image import opened_image

FOLDER = Path(__file__).parent / "stickers"
STICKERS: Mapping[str, tuple[str, ...]] = {
    "glasses": ("glasses",),
    "sunglasses": ("sunglasses",),
    "moustache": ("moustache",),
    "hat": ("hat",),
    "crown": ("crown",),
    "dog": ("dog_ears", "dog_nose"),
}
"""The stickers that the package carries, drawn for it (stickers/README.md), and the files that each is made of."""

PLACES = (
    *(
        "left_eye",
        "right_eye",
        "between_eyes",
        "left_brow",
        "right_brow",
        "nose",
        "under_nose",
        "mouth",
        "mouth_left",
        "mouth_right",
    ),
    *("chin", "left_cheek", "right_cheek", "forehead", "left_temple", "right_temple"),
)
"""The places of a face that anchors can name; left and right are those of the picture of an upright face."""

SPREAD: Mapping[str, tuple[str, float]] = {
    "eyes": ("between_eyes", 2.25),
    "nose": ("nose", 0.8),
    "mouth": ("mouth", 1.0),
    "forehead": ("forehead", 1.8),
    "face": ("nose", 3.0),
}
"""Where a picture without anchors goes: the place of its middle, and its width in units (the distance of the eyes)."""

_MOST_PX = 4096
_WORKED_PX = 1024


@dataclass(frozen=True, eq=False)
class Sticker:
    """A sticker, ready to be laid on.

    Args:
        pixels: (h, w, 4) float32, 0 to 1: RGB times alpha, and alpha.
        anchors: places (x, y) of the sticker, by the name of the face's place; empty when only its middle and width are to be used.
    """

    pixels: np.ndarray[Any, np.dtype[np.float32]]
    anchors: Mapping[str, tuple[float, float]]


def carried_sticker(name: str) -> tuple[Sticker, ...]:
    """A sticker of `STICKERS`, in layers."""
    return tuple(read_sticker(FOLDER / f"{file}.png") for file in STICKERS[name])


def read_sticker(file: Path | str) -> Sticker:
    """A sticker out of a picture with transparency (PNG, WebP) and, if there is one, the JSON file of the same name with its anchors.

    The JSON file: {"anchors": {"left_eye": [265, 205], "right_eye": [635, 205]}}, in pixels of the picture.

    Raises:
        PictureError: the picture is missing, broken, or has more than 4096 pixels on a side.
        SettingsError: the anchors are none: an unknown place, no numbers, fewer than two.
    """
    picture = Path(file)
    anchors = picture.with_suffix(".json")
    stamp = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in (picture, anchors))
    return _read(picture, anchors, stamp)


@lru_cache(maxsize=16)
def _read(picture: Path, anchors: Path, stamp: tuple[int, ...]) -> Sticker:
    """`stamp` makes a changed file another key."""
    with opened_image(picture) as image:
        if max(image.size) > _MOST_PX:
            raise PictureError(f"{picture} is {image.width} x {image.height} pixels; stickers have at most {_MOST_PX} on a side.")
        rgba = image.convert("RGBA")
        shrink = min(1.0, _WORKED_PX / max(rgba.size))
        values = np.asarray(rgba, dtype=np.float32) / np.float32(255)
    pixels = np.dstack([values[:, :, :3] * values[:, :, 3:], values[:, :, 3]])
    places = read_anchors(anchors) if anchors.is_file() else {}
    if shrink < 1:
        size = (max(1, round(pixels.shape[1] * shrink)), max(1, round(pixels.shape[0] * shrink)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        places = {name: (x * shrink, y * shrink) for name, (x, y) in places.items()}
    pixels.setflags(write=False)
    return Sticker(pixels, places)


def read_anchors(file: Path) -> dict[str, tuple[float, float]]:
    """The anchors of a JSON file. Raises SettingsError as `read_sticker` says."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))["anchors"]
        anchors = {str(name): (float(x), float(y)) for name, (x, y) in found.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise SettingsError(
            f'{file}: no anchors ({type(problem).__name__}: {problem}). Write {{"anchors": {{"left_eye": [x, y], "right_eye": [x, y]}}}}, '
            "in pixels of the picture."
        ) from None
    for name, place in anchors.items():
        if name not in PLACES:
            raise SettingsError(
                f"{file}: '{name}' is no place of a face{nearest_name(name, PLACES)}. Known: {', '.join(PLACES)}."
            )
        if not all(map(math.isfinite, place)):
            raise SettingsError(f"{file}: anchor {name} {place} is not finite.")
    if len(set(anchors.values())) < 2:
        raise SettingsError(f"{file}: {len(anchors)} anchor(s). Two at different places are needed to turn and scale a sticker.")
    return anchors
