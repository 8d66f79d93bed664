"""Stickers: a PNG with transparency, and anchors that map its points to points of a face."""

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

from lianpu.effects.face_masks import face_unit
from lianpu.errors import PictureError, SettingsError, nearest_name
from lianpu.faces.live import LiveFace
from lianpu.faces.results import Subject
from lianpu.imaging.geometry import (
    Matrix,
    Window,
    compose,
    scale_between,
    scale_of,
    scale_points,
    scaled_size,
    scaling,
    similarity,
    warp_values,
)
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import opened_image

FOLDER = Path(__file__).parent / "stickers"

STICKER_FILES: Mapping[str, tuple[str, ...]] = {
    "glasses": ("glasses",),
    "sunglasses": ("sunglasses",),
    "moustache": ("moustache",),
    "hat": ("hat",),
    "crown": ("crown",),
    "dog": ("dog_ears", "dog_nose"),
}
"""The bundled stickers (stickers/README.md) and their files."""

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
"""Points of a face that anchors can name; left and right as in the picture of an upright face."""

SPREAD: Mapping[str, tuple[str, float]] = {
    "eyes": ("between_eyes", 2.25),
    "nose": ("nose", 0.8),
    "mouth": ("mouth", 1.0),
    "forehead": ("forehead", 1.8),
    "face": ("nose", 3.0),
}
"""Placement of a picture without anchors: the point of its centre, and its width in units (the distance of the eyes)."""

_MOST_PX = 4096

_WORKED_PX = 1024


@dataclass(frozen=True, eq=False)
class Sticker:
    """A sticker, ready to be composited.

    Args:
        pixels: (h, w, 4) float32, 0 to 1: RGB times alpha, and alpha.
        anchors: points (x, y) of the sticker by the name of the face's point; empty if only centre and width are used.
    """

    pixels: np.ndarray[Any, np.dtype[np.float32]]
    anchors: Mapping[str, tuple[float, float]]


def bundled_sticker(name: str) -> tuple[Sticker, ...]:
    """The layers of a sticker of `STICKER_FILES`."""
    return tuple(read_sticker(FOLDER / f"{file}.png") for file in STICKER_FILES[name])


def read_sticker(file: Path | str) -> Sticker:
    """A sticker from a picture with transparency (PNG, WebP) and the anchors of the JSON file of the same name, if it exists.

    The JSON file: {"anchors": {"left_eye": [265, 205], "right_eye": [635, 205]}}, in pixels of the picture.

    Raises:
        PictureError: the picture is missing, broken, or has more than 4096 pixels on a side.
        SettingsError: the anchors are invalid: an unknown point, not numbers, fewer than two.
    """
    picture = Path(file)
    anchors = picture.with_suffix(".json")
    stamp = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in (picture, anchors))
    return _read(picture, anchors, stamp)


@lru_cache(maxsize=16)
def _read(picture: Path, anchors: Path, stamp: tuple[int, ...]) -> Sticker:
    """`stamp` (size and time of the files) is part of the cache key, so that a changed file is read again."""
    with opened_image(picture) as image:
        if max(image.size) > _MOST_PX:
            raise PictureError(
                "{file} is {width} x {height} pixels; stickers have at most {most} on a side.",
                key="photo.sticker_too_large",
                file=picture,
                width=image.width,
                height=image.height,
                most=_MOST_PX,
            )
        rgba = image.convert("RGBA")
        shrink = min(1.0, _WORKED_PX / max(rgba.size))
        values = np.asarray(rgba, dtype=np.float32) / np.float32(255)
    pixels = np.dstack([values[:, :, :3] * values[:, :, 3:], values[:, :, 3]])
    places = read_anchors(anchors) if anchors.is_file() else {}
    if shrink < 1:
        size = scaled_size(pixels, shrink)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
        by = scale_between(values, pixels)
        places = {name: tuple(scale_points(place, by).tolist()) for name, place in places.items()}
    pixels.setflags(write=False)
    return Sticker(pixels, places)


def read_anchors(file: Path) -> dict[str, tuple[float, float]]:
    """The anchors of a JSON file. Raises SettingsError as documented at `read_sticker`."""
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


_NARROWEST = 0.6
"""Smallest width factor of a sticker on a turned face."""

_BEHIND_BY_NOSE = 1.5
"""The nose protrudes by about a third of the distance from the eyes to the ears and the head's centre."""

_BAND_PX = 256

ON_TOP = {"forehead": (0.0, -0.95), "left_temple": (-1.0, -0.95), "right_temple": (1.0, -0.95)}
"""Anchor points on top of the head, in units across and down from the point between the eyes."""

ON_THE_HEAD = frozenset(ON_TOP)


def sticker(photo: Picture, subject: Subject, strength: float, which: str, picture: str, place: str) -> Picture:
    """The photo (H, W, 3) with a sticker on the subject's face.

    Args:
        photo: (H, W, 3).
        subject: the face.
        strength: opacity; 1 and more is opaque.
        which: the name of a bundled sticker.
        picture: the path of another picture, with its anchors next to it (`read_sticker`); empty for `which`.
        place: where a picture without anchors goes, a key of `SPREAD`.

    Raises:
        PictureError: the picture cannot be read.
        SettingsError: its anchors cannot be used.
    """
    photo = photo.copy()
    _stick(photo, subject, strength, which, picture, place)
    return photo


def live_sticker(frame: Picture, face: LiveFace, strength: float, which: str, picture: str, place: str) -> None:
    """`sticker` in a live frame (H, W, 3), in place."""
    nowhere = (slice(0, 1), slice(0, 1))  # stickers follow points, no parts
    subject = face.subject_in(np.eye(2, 3), nowhere)
    for layer in (read_sticker(picture),) if picture else bundled_sticker(which):
        matrix = sticker_matrix(layer, subject, place)
        times = 0
        while scale_of(matrix) * 2 ** (times + 1) < 1:
            times += 1
        small = _halved(layer, times)
        matrix = compose(matrix, scaling(scale_between(small, layer.pixels)))
        window = _reached(matrix, small, frame)
        if window is None:
            continue
        rows, columns = window
        part = frame[rows, columns]
        moved = matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        put = cv2.warpAffine(small, moved, part.shape[1::-1], flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0, 0))
        opacity = min(1.0, strength)
        red, green, blue, alpha = cv2.split(put if opacity == 1.0 else cv2.convertScaleAbs(put, alpha=opacity))
        behind = cv2.multiply(part, cv2.bitwise_not(cv2.merge([alpha, alpha, alpha])), scale=1 / 255)
        cv2.add(behind, cv2.merge([red, green, blue]), dst=part)


@lru_cache(maxsize=16)
def _halved(layer: Sticker, times: int) -> np.ndarray:
    """The pixels (h, w, 4) of a layer as uint8, premultiplied, halved some times."""
    small = np.asarray(layer.pixels)
    for _ in range(times):
        small = cv2.resize(small, scaled_size(small, 0.5), interpolation=cv2.INTER_AREA)
    return np.rint(255 * small).astype(np.uint8)


def _stick(photo: Picture, subject: Subject, strength: float, which: str, picture: str, place: str) -> None:
    for layer in (read_sticker(picture),) if picture else bundled_sticker(which):
        composite_layer(photo, layer.pixels, sticker_matrix(layer, subject, place), min(1.0, strength))


def sticker_matrix(layer: Sticker, subject: Subject, place: str) -> Matrix:
    """The matrix (2, 3) from the sticker to the photo."""
    to_photo = face_frame(subject, turned=not ON_THE_HEAD & {*layer.anchors, *(() if layer.anchors else (place,))})
    straight = np.linalg.inv(np.vstack([to_photo, (0, 0, 1)]))[:2]
    places = {name: straight[:, :2] @ at + straight[:, 2] for name, at in face_places(subject).items()}
    if layer.anchors:
        names = list(layer.anchors)
        to_face = similarity(np.array([layer.anchors[name] for name in names]), np.array([places[name] for name in names]))
    else:
        name, width = SPREAD[place]
        scale = width / layer.pixels.shape[1]
        middle = (np.array(layer.pixels.shape[1::-1]) - 1) / 2
        to_face = np.column_stack([np.eye(2) * scale, places[name] - scale * middle])
    return np.column_stack([to_photo[:, :2] @ to_face[:, :2], to_photo[:, :2] @ to_face[:, 2] + to_photo[:, 2]])


def face_frame(subject: Subject, turned: bool) -> Matrix:
    """The matrix (2, 3) to the photo from a frontal face with its eyes 1 apart and the point between them at (0, 0).

    A sticker on the face (`turned`) is foreshortened like a turned face; one on the head keeps its width.
    """
    left, right = np.asarray(subject.face.points[:2], dtype=np.float64)
    unit = face_unit(subject)
    across = right - left
    length = max(float(np.linalg.norm(across)), 1e-6)
    across = across / length if length > 1e-6 else np.array([1.0, 0.0])
    wide = float(np.clip(length, _NARROWEST * unit, unit)) if turned else unit
    return np.column_stack([across * wide, np.array([-across[1], across[0]]) * unit, (left + right) / 2])


def face_places(subject: Subject) -> dict[str, np.ndarray]:
    """Points of the face in the photo by name (`PLACES`)."""
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    left, right, nose, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    frame = face_frame(subject, turned=False)
    across = frame[:, 0] / np.linalg.norm(frame[:, 0])
    # the head's centre lies behind the eyes of a turned face: half of the offset is read from the ears, half from the nose
    to_ears = (points[0] + points[16]) / 2 - frame[:, 2]
    to_nose = nose - (frame[:, 2] + (mouth_left + mouth_right) / 2) / 2
    aside = across * float((to_ears - _BEHIND_BY_NOSE * to_nose) @ across)
    return {
        "left_eye": left,
        "right_eye": right,
        "between_eyes": (left + right) / 2,
        "left_brow": points[17:22].mean(axis=0),
        "right_brow": points[22:27].mean(axis=0),
        "nose": nose,
        "under_nose": points[33],
        "mouth": (mouth_left + mouth_right) / 2,
        "mouth_left": mouth_left,
        "mouth_right": mouth_right,
        "chin": points[8],
        "left_cheek": points[2],
        "right_cheek": points[14],
        **{name: frame[:, :2] @ at + frame[:, 2] + aside for name, at in ON_TOP.items()},
    }


def composite_layer(photo: Picture, pixels: np.ndarray, matrix: Matrix, opacity: float) -> None:
    """Composite premultiplied pixels (h, w, 4) into the photo (H, W, 3), in place, at the matrix (2, 3); other bytes stay the same."""
    shrink = scale_of(matrix)
    if shrink < 1:  # area averaging first, so that thin frames do not break up
        small = np.asarray(cv2.resize(pixels, scaled_size(pixels, shrink), interpolation=cv2.INTER_AREA))
        matrix = compose(matrix, scaling(scale_between(small, pixels)))
        pixels = small
    window = _reached(matrix, pixels, photo)
    if window is None:
        return
    columns = window[1]
    for top in range(window[0].start, window[0].stop, _BAND_PX):
        rows = slice(top, min(top + _BAND_PX, window[0].stop))
        moved = matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        layer = warp_values(pixels, moved, (columns.stop - columns.start, rows.stop - rows.start), outside=0)
        layer = layer * np.float32(opacity)
        old = photo[rows, columns].astype(np.float32)
        photo[rows, columns] = np.rint(np.clip(old * (1 - layer[:, :, 3:]) + 255 * layer[:, :, :3], 0, 255)).astype(np.uint8)


def _reached(matrix: Matrix, pixels: np.ndarray, photo: Picture) -> Window | None:
    """Rows and columns of the photo that pixels (h, w, 4) placed by a matrix reach; None if none."""
    high, wide = pixels.shape[:2]
    corners = np.array([(-1, -1), (wide, -1), (-1, high), (wide, high)]) @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, photo.shape[1::-1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, photo.shape[1::-1]).astype(int).tolist()
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))
