"""Stickers: drawn ones (`sticker_art`), which turn with the head in three dimensions, and pictures of one's own.

A picture of one's own is a PNG with transparency, and anchors that map its points to points of a face.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.effects.sticker_art import ART, LARGEST_PX, Layer, drawn_layer, shadow_of
from lianpu.errors import PictureError, SettingsError, nearest_name
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import head_pose
from lianpu.faces.results import Subject
from lianpu.imaging.geometry import (
    Matrix,
    Window,
    compose,
    map_points,
    scale_between,
    scale_of,
    scale_points,
    scaled_size,
    scaling,
    similarity,
    warp_values,
)
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index
from lianpu.photo.reading import opened_image

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


def read_sticker(file: Path | str) -> Sticker:
    """A sticker from a picture with transparency (PNG, WebP) and the anchors of the JSON file of the same name, if it exists.

    The JSON file: {"anchors": {"left_eye": [265, 205], "right_eye": [635, 205]}}, in pixels of the picture.

    Raises:
        PictureError: the picture is missing, broken, or has more than 4096 pixels on a side.
        SettingsError: the anchors are invalid: an unknown point, not numbers, fewer than two.
    """
    picture = Path(file)
    if not picture.name or picture.is_dir():
        raise PictureError("{file} is a folder. Give a picture.", key="photo.folder", file=picture)
    anchors = picture.with_suffix(".json")
    stamp = tuple(one.stat().st_mtime_ns if one.is_file() else 0 for one in (picture, anchors))
    return _read(picture, anchors, stamp)


@lru_cache(maxsize=4)  # of up to 16 MiB
def _read(picture: Path, anchors: Path, stamp: tuple[int, ...]) -> Sticker:
    """`stamp` (times of the files) is part of the cache key, so that a changed file is read again."""
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
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
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
    if picture:
        layer = read_sticker(picture)
        composite_layer(photo, layer.pixels, sticker_matrix(layer, subject, place), min(1.0, strength))
    else:
        _draw(photo, _head_of(subject), which, min(1.0, strength), _Covers(subject=subject))
    return photo


def live_sticker(frame: Picture, face: LiveFace, strength: float, which: str, picture: str, place: str) -> None:
    """`sticker` in a live frame (H, W, 3), in place."""
    nowhere = (slice(0, 1), slice(0, 1))  # stickers follow points; parts only hide them
    subject = face.subject_in(np.eye(2, 3), nowhere)
    if picture:
        layer = read_sticker(picture)
        composite_layer(frame, layer.pixels, sticker_matrix(layer, subject, place), min(1.0, strength))
    else:
        _draw(frame, _head_of(subject), which, min(1.0, strength), _Covers(live=face))


@dataclass(frozen=True, eq=False)
class _Head:
    """A head in a photo: a point (x, y, z) in units from between the eyes, z pointing away from us, is seen at `at(x, y, z)`.

    Args:
        origin: (2,), between the eyes.
        unit: pixels of a unit.
        axes: (2, 3): a unit across, down and inwards as seen in the photo, times the unit.
        roll: radians that the head leans clockwise.
        yaw: degrees; positive where it looks to the right of the picture.
        places: points (2,) of the face by name.
    """

    origin: np.ndarray
    unit: float
    axes: np.ndarray
    roll: float
    yaw: float
    places: Mapping[str, np.ndarray]

    def at(self, x: float, y: float, z: float = 0.0) -> np.ndarray:
        return np.asarray(self.origin + self.axes @ np.array([x, y, z]))


_FLAT_FROM = 35.0
"""Degrees of yaw from which on a head is turned farther than its mesh says."""


def _head_of(subject: Subject) -> _Head:
    """The head by its mesh, or, without one, by its points: then it only turns aside and leans."""
    five = np.asarray(subject.face.points, dtype=np.float64)
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    origin = five[:2].mean(axis=0)
    if subject.mesh is None:
        across = five[1] - five[0]
        unit = face_unit(subject)
        roll = math.atan2(across[1], across[0])
        aside = float((five[2] - (origin + five[3:].mean(axis=0)) / 2) @ (np.cos(roll), np.sin(roll)))
        yaw = math.copysign(math.acos(float(np.clip(np.linalg.norm(across) / unit, _NARROWEST, 1.0))), aside)
        pitch = 0.0
        places = {"nose": five[2], "moustache": (points[33] + points[51]) / 2}
    else:
        mesh = subject.mesh.points.astype(np.float64)
        pose = head_pose(subject.mesh)
        beyond = max(0.0, abs(pose.yaw) - _FLAT_FROM)  # the mesh is too flat in profile
        turned = math.copysign(min(80.0, abs(pose.yaw) + 0.8 * beyond), pose.yaw)
        roll, yaw, pitch = (math.radians(angle) for angle in (pose.roll, turned, pose.pitch))
        unit = max(1.0, float(np.linalg.norm(mesh[[33, 133]].mean(axis=0) - mesh[[263, 362]].mean(axis=0))))
        places = {"nose": mesh[4, :2], "moustache": mesh[[164, 2], :2].mean(axis=0)}
        places |= {"left_cheek": mesh[50, :2], "right_cheek": mesh[280, :2]}
    sine, cosine = math.sin(yaw), math.cos(yaw)
    across3 = (cosine, 0.0)
    down3 = (math.sin(pitch) * sine, math.cos(pitch))
    inward3 = (-math.cos(pitch) * sine, math.sin(pitch))
    lean = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    axes = lean @ np.array([across3, down3, inward3]).T * unit
    return _Head(origin, unit, axes, roll, math.degrees(yaw), places)


@dataclass(frozen=True, eq=False)
class _Covers:
    """Where parts of a face are, in a photo (`subject`) or in a live frame (`live`)."""

    subject: Subject | None = None
    live: LiveFace | None = None

    def over(self, names: tuple[str, ...], rows: slice, columns: slice, soft_px: float) -> np.ndarray | None:
        """Coverage (n, m) float32, 0 to 1, of some parts over rows and columns of the picture; None where no parts are known."""
        size = (columns.stop - columns.start, rows.stop - rows.start)
        if self.live is not None:
            if not self.live.shares:
                return None
            share = self.live.share_over(names, np.array([[1.0, 0, -columns.start], [0, 1.0, -rows.start]]), size)
            return smoothstep(share.astype(np.float32) / np.float32(255), 0.3, 0.7)
        assert self.subject is not None
        cover = np.zeros(size[::-1], dtype=np.float32)
        whole_rows, whole_columns = self.subject.window
        top, bottom = max(rows.start, whole_rows.start), min(rows.stop, whole_rows.stop)
        left, right = max(columns.start, whole_columns.start), min(columns.stop, whole_columns.stop)
        if top < bottom and left < right:
            table = np.zeros(256, dtype=np.float32)
            table[[part_index(name) for name in names]] = 1.0
            part = self.subject.parts.mask[
                top - whole_rows.start : bottom - whole_rows.start, left - whole_columns.start : right - whole_columns.start
            ]
            cover[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start] = table[part]
        return np.asarray(cv2.GaussianBlur(cover, (0, 0), max(0.6, soft_px)), dtype=np.float32)

    def at(self, names: tuple[str, ...], points: np.ndarray) -> np.ndarray | None:
        """Coverage (K,) of some parts at points (K, 2) of the picture, 0 outside of what was parsed; None where no parts are known."""
        if self.live is not None:
            if not self.live.shares:
                return None
            known = [self.live.shares[name] for name in names if name in self.live.shares]
            side = self.live.side_px
            at = np.rint(map_points(self.live.matrix, points)).astype(int)
            inside = ((at >= 0) & (at < side)).all(axis=1)
            at = np.clip(at, 0, side - 1)
            values = sum((share[at[:, 1], at[:, 0]].astype(np.float32) for share in known), np.zeros(len(at), np.float32))
            return np.asarray(inside * np.clip(values / 255, 0, 1))
        assert self.subject is not None
        wide = self.subject.wide()
        rows, columns = wide.window
        at = np.rint(points).astype(int) - (columns.start, rows.start)
        inside = ((at >= 0) & (at < wide.parts.mask.shape[::-1])).all(axis=1)
        at = np.clip(at, 0, np.array(wide.parts.mask.shape[::-1]) - 1)
        table = np.zeros(256, dtype=np.float32)
        table[[part_index(name) for name in names]] = 1.0
        return np.asarray(inside * table[wide.parts.mask[at[:, 1], at[:, 0]]])


_OF_HEAD = ("skin", "hair", "hat", "l_brow", "r_brow")
_FACE = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow")
_OWN = (
    "skin",
    "nose",
    "hair",
    "hat",
    "l_ear",
    "r_ear",
    "l_eye",
    "r_eye",
    "l_brow",
    "r_brow",
    "u_lip",
    "l_lip",
    "mouth",
    "eye_g",
    "neck",
)

_USUAL_TOP, _LOWEST_TOP, _HIGHEST_TOP = 1.45, 1.05, 1.9
"""How far above the eyes heads end, with their hair, in units."""


def _top_of(head: _Head, covers: _Covers) -> float:
    """How far above the eyes the head ends, in units, by its hair in three columns."""
    heights = np.arange(0.5, 2.21, 0.05)
    tops = []
    for x in (-0.3, 0.0, 0.3):
        seen = covers.at(_OF_HEAD, np.array([head.at(x, -height) for height in heights]))
        if seen is None:
            return _USUAL_TOP
        gap = np.minimum.accumulate(np.where(np.convolve(seen, np.ones(3), "same") > 0.5, 1.0, 0.0))
        tops.append(0.5 + 0.05 * float(gap.sum()))
    return float(np.clip(np.median(tops), _LOWEST_TOP, _HIGHEST_TOP)) if max(tops) > 0.7 else _USUAL_TOP


def bundled_places(head: _Head, top: float) -> dict[str, np.ndarray]:
    """Where layers of `sticker_art.ART` lie, as points (2,) of the photo; left and right as in the picture of an upright face."""
    return {
        "between_eyes": head.origin,
        "left_hinge": head.at(-1.02, -0.1, 0.08),
        "right_hinge": head.at(1.02, -0.1, 0.08),
        "left_cheek": head.at(-0.7, 0.6, 0.1),
        "right_cheek": head.at(0.7, 0.6, 0.1),
        "brim": head.at(0.0, -min(0.8, top - 0.55), 0.85),
        "hairline": head.at(0.0, -min(0.95, top - 0.4), 0.75),
        "top": head.at(0.0, -(top - 0.22), 0.9),
        "above": head.at(0.0, -(top + 0.28), 0.9),
    } | dict(head.places)


_DOWN, _SCALES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6), (1.0, 0.9, 0.8, 0.7, 0.6)
"""How far a layer may move down the head, in units, and its scales, to lie within the photo."""

_PRICE_DOWN, _PRICE_SMALLER = 0.25, 0.45
"""What a unit down, and a scale of 0, cost in shares of the layer that the photo's border may cut off instead.

Ears that are whole but as small as a thumb, or on the forehead, look worse than ears that the border cuts.
"""

_HIDDEN_YAW = (28.0, 45.0)
"""Degrees that a head is turned aside at which what lies on its far cheek begins to vanish, and is gone."""

_DIM = 0.55
"""Brightness of stickers in a dark photo."""


def _draw(picture: Picture, head: _Head, which: str, opacity: float, covers: _Covers) -> None:
    """Draw the layers of a bundled sticker into a picture (H, W, 3), in place."""
    places = bundled_places(head, _top_of(head, covers) if any(layer.movable for layer in ART[which]) else _USUAL_TOP)
    px = 16
    while px < min(LARGEST_PX, 0.8 * head.unit):
        px *= 2
    light = _light_at(picture, head)
    for index, layer in enumerate(ART[which]):
        share = opacity * _seen(layer, head)
        to_photo = _plane(layer, head)
        if share <= 0 or to_photo is None:
            continue
        place = places[layer.place]
        scale, down = _fitted(layer, to_photo, place, picture.shape) if layer.movable else (1.0, 0.0)
        to_photo = to_photo * (scale * layer.scale)
        place = place + down * head.axes[:, 1]

        def matrix(left: float, top: float, to_photo: np.ndarray = to_photo, place: np.ndarray = place) -> Matrix:
            first = np.array([left, top]) + 0.5 / px
            return np.column_stack([to_photo / px, place + to_photo @ first])

        hidden = ("hair", "hat") if layer.under_hair else ()
        only = _FACE if layer.plane.endswith("side") else ()  # what reaches to an ear ends behind it
        if layer.shadow:
            pixels, reach = shadow_of(which, index, px)
            dropped = matrix(layer.box[0] - reach, layer.box[1] - reach + 0.05)
            composite_layer(picture, pixels, dropped, share, _shown(covers, hidden, only or _OWN, 0.015 * head.unit))
        pixels = drawn_layer(which, index, px)
        composite_layer(picture, pixels, matrix(*layer.box[:2]), share, _shown(covers, hidden, only, 0.012 * head.unit), light)


def _shown(covers: _Covers, hidden: tuple[str, ...], only: tuple[str, ...], soft_px: float) -> Shown | None:
    """How much of a layer is seen at each pixel: nothing behind the parts `hidden`, and only before the parts `only`, if any."""
    if not hidden and not only:
        return None

    def shown(rows: slice, columns: slice) -> np.ndarray | None:
        away = covers.over(hidden, rows, columns, soft_px) if hidden else None
        own = covers.over(only, rows, columns, soft_px) if only else None
        if own is None:
            return None if away is None else 1 - away
        return own if away is None else own * (1 - away)

    return shown


def _seen(layer: Layer, head: _Head) -> float:
    """How much of a layer is seen on a head that is turned aside, 0 to 1."""
    side = {"left_cheek": -head.yaw, "right_cheek": head.yaw}.get(layer.place)
    return 1.0 if side is None else 1 - float(smoothstep(np.array(side), *_HIDDEN_YAW))


def _plane(layer: Layer, head: _Head) -> np.ndarray | None:
    """(2, 2): a unit along x and y of a layer's plane in pixels of the photo; None where the plane is turned away from us."""
    if layer.plane == "head":
        cosine, sine = math.cos(head.roll), math.sin(head.roll)
        return head.unit * np.array([[cosine, -sine], [sine, cosine]])
    if layer.plane == "face":
        return np.asarray(head.axes[:, :2])
    inward = head.axes[:, 2]
    across = np.array([math.cos(head.roll), math.sin(head.roll)])
    outward = -1.0 if layer.plane == "left_side" else 1.0
    if float(inward @ across) * outward < 0.02 * head.unit:
        return None
    return np.column_stack([inward, head.axes[:, 1]])


def _fitted(layer: Layer, to_photo: np.ndarray, place: np.ndarray, shape: tuple[int, ...]) -> tuple[float, float]:
    """Scale and way down (in units) with which a layer on a head lies within the photo, as far as that can be."""
    left, top, right, bottom = layer.box
    inner = np.array([(x, y) for x in np.linspace(0.9 * left, 0.9 * right, 7) for y in np.linspace(0.92 * top, 0.5 * bottom, 7)])
    best, best_score = (1.0, 0.0), -1.0
    for down in _DOWN:
        for scale in _SCALES:
            at = (inner * (scale * layer.scale) + (0.0, down)) @ to_photo.T + place
            share = float(((at > -0.5) & (at < np.array(shape[1::-1]) - 0.5)).all(axis=1).mean())
            score = share - _PRICE_DOWN * down - _PRICE_SMALLER * (1 - scale)
            if score > best_score + 1e-6:
                best, best_score = (scale, down), score
    return best


def _light_at(picture: Picture, head: _Head) -> float:
    """Brightness of a sticker, `_DIM` to 1, by the light parts of the face."""
    reach = 1.2 * head.unit
    columns, rows = (slice(max(0, int(middle - reach)), max(1, int(middle + reach))) for middle in head.origin)
    part = picture[rows, columns]
    if not part.size:
        return 1.0
    steps = tuple(max(1, size // 48) for size in part.shape[:2])
    light = np.percentile(part[:: steps[0], :: steps[1]].max(axis=2), 95)
    return _DIM + (1 - _DIM) * float(smoothstep(np.array(light), 40, 200))


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


Shown = Callable[[slice, slice], np.ndarray | None]
"""How much of a layer is seen at rows and columns of the photo: (n, m), 0 to 1, or None for all of it."""


def composite_layer(
    photo: Picture, pixels: np.ndarray, matrix: Matrix, opacity: float, shown: Shown | None = None, light: float = 1.0
) -> None:
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
        seen = None if shown is None else shown(rows, columns)
        if seen is not None:
            layer *= seen[:, :, None].astype(np.float32)
        old = photo[rows, columns].astype(np.float32)
        new = old * (1 - layer[:, :, 3:]) + np.float32(255 * light) * layer[:, :, :3]
        photo[rows, columns] = np.rint(np.clip(new, 0, 255)).astype(np.uint8)


def _reached(matrix: Matrix, pixels: np.ndarray, photo: Picture) -> Window | None:
    """Rows and columns of the photo that pixels (h, w, 4) placed by a matrix reach; None if none."""
    high, wide = pixels.shape[:2]
    corners = np.array([(-1, -1), (wide, -1), (-1, high), (wide, high)]) @ matrix[:, :2].T + matrix[:, 2]
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, photo.shape[1::-1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, 0, photo.shape[1::-1]).astype(int).tolist()
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))
