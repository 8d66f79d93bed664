"""Stickers: drawn ones (`sticker_art`), which turn with the head in three dimensions, and pictures of one's own.

A picture of one's own is a PNG with transparency, and anchors that map its points to points of a face.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.effects.sticker_art import ART, LARGEST_PX, LAYER_RADIUS, Layer, drawn_layer, shadow_of
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


Shown = Callable[[slice, slice], np.ndarray | None]
"""How much of a layer is seen at rows and columns of the photo: (n, m), 0 to 1, or None for all of it."""


@dataclass(frozen=True, eq=False)
class _Head:
    """A head in a photo: a point (x, y, z) in units from between the eyes, z pointing away from us, is seen at `at(x, y, z)`.

    Args:
        origin: (2,), between the eyes.
        unit: pixels of a unit.
        axes: (2, 3): a unit across, down and inwards as seen in the photo, times the unit.
        roll: radians that the head leans clockwise.
        yaw: degrees; positive where it looks to the right of the picture.
        face_half: half the width of the face at the temples, in units.
        places: points (2,) of the face by name.
    """

    origin: np.ndarray
    unit: float
    axes: np.ndarray
    roll: float
    yaw: float
    face_half: float
    places: Mapping[str, np.ndarray]

    def at(self, x: float, y: float, z: float = 0.0) -> np.ndarray:
        return np.asarray(self.origin + self.axes @ np.array([x, y, z]))

    def seen_at(self, x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray:
        """(K, 2): where points in the plane of the eyes are seen."""
        return np.asarray(self.origin + np.column_stack(np.broadcast_arrays(x, y)) @ self.axes[:, :2].T)


_FLAT_FROM = 35.0
"""Degrees of yaw from which on a head is turned farther than its mesh says."""

_USUAL_FACE = 1.12
"""Half the width of a face at its temples, in units."""


def _head_of(subject: Subject) -> _Head:
    """The head by its mesh, or, without one, by its points: then it only turns aside and leans."""
    five = np.asarray(subject.face.points, dtype=np.float64)
    points = np.asarray(subject.landmarks.points, dtype=np.float64)
    origin = five[:2].mean(axis=0)
    face_half = _USUAL_FACE
    if subject.mesh is None:
        across = five[1] - five[0]
        unit = face_unit(subject)
        roll = math.atan2(across[1], across[0])
        aside = float((five[2] - (origin + five[3:].mean(axis=0)) / 2) @ (np.cos(roll), np.sin(roll)))
        yaw = math.copysign(math.acos(float(np.clip(np.linalg.norm(across) / unit, _NARROWEST, 1.0))), aside)
        pitch = 0.0
        places = {"nose": five[2], "muzzle": 0.6 * five[2] + 0.4 * points[33], "moustache": (points[33] + points[51]) / 2}
    else:
        mesh = subject.mesh.points.astype(np.float64)
        pose = head_pose(subject.mesh)
        beyond = max(0.0, abs(pose.yaw) - _FLAT_FROM)  # the mesh is too flat in profile
        turned = math.copysign(min(80.0, abs(pose.yaw) + 0.8 * beyond), pose.yaw)
        roll, yaw, pitch = (math.radians(angle) for angle in (pose.roll, turned, pose.pitch))
        unit = max(1.0, float(np.linalg.norm(mesh[[33, 133]].mean(axis=0) - mesh[[263, 362]].mean(axis=0))))
        face_half = float(np.clip(np.linalg.norm(mesh[_TEMPLES[0]] - mesh[_TEMPLES[1]]) / (2 * unit), 1.0, 1.3))
        places = {"nose": mesh[4, :2], "muzzle": mesh[[4, 1, 2], :2].mean(axis=0), "moustache": mesh[[164, 2], :2].mean(axis=0)}
        places |= {"left_cheek": mesh[50, :2], "right_cheek": mesh[280, :2]}
        places |= {"left_ear": mesh[_TEMPLES[0], :2], "right_ear": mesh[_TEMPLES[1], :2]}
        places |= {"left_side": mesh[93, :2], "right_side": mesh[323, :2], "left_jaw": mesh[172, :2], "right_jaw": mesh[397, :2]}
        places |= {"chin": mesh[152, :2], "left_chin": mesh[149, :2], "right_chin": mesh[378, :2]}
    places |= {"left_muzzle": places["muzzle"], "right_muzzle": places["muzzle"]}
    sine, cosine = math.sin(yaw), math.cos(yaw)
    across3 = (cosine, 0.0)
    down3 = (math.sin(pitch) * sine, math.cos(pitch))
    inward3 = (-math.cos(pitch) * sine, math.sin(pitch))
    lean = np.array([[math.cos(roll), -math.sin(roll)], [math.sin(roll), math.cos(roll)]])
    axes = lean @ np.array([across3, down3, inward3]).T * unit
    return _Head(origin, unit, axes, roll, math.degrees(yaw), face_half, places)


_TEMPLES = (127, 356)
"""Points of the mesh where the arms of glasses reach the ears: on the picture's left and right."""


_FACE_ENDS = (1.35, 1.6)
"""Distances from the middle of another face, in its units, up to which nothing falls, and from which on it does."""


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

    def off_others(self, rows: slice, columns: slice) -> np.ndarray | None:
        """(n, m): 1, and 0 on the photo's other faces, over rows and columns of the picture; None where there are none."""
        others = self.live.others if self.live is not None else self.subject.others if self.subject is not None else ()
        if not others:
            return None
        y, x = np.arange(rows.start, rows.stop, dtype=np.float32), np.arange(columns.start, columns.stop, dtype=np.float32)
        off = np.ones((len(y), len(x)), dtype=np.float32)
        for left, top, unit in others:
            far = np.hypot((x[None] - np.float32(left)) / np.float32(unit), (y[:, None] - np.float32(top)) / np.float32(unit))
            off *= smoothstep(far, *_FACE_ENDS)
        return off

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


@dataclass(frozen=True)
class _Skull:
    """The outline of a head with its hair, in units from between the eyes.

    Args:
        top: how far above the eyes it ends.
        half: half its width above the ears.
        crown: half its width where a crown sits, as a factor of what such a head has there.
        hairline: how far above the eyes hair begins; of a bald head, where it would.
    """

    top: float = 1.45
    half: float = 1.22
    hairline: float = 0.95
    crown: float = 1.0

    @property
    def headband(self) -> float:
        """How far above the eyes a crown begins."""
        return min(self.hairline + 0.12, self.top - 0.4)

    @property
    def band(self) -> float:
        """How far above the eyes a headband lies."""
        return max(self.top - 0.3, self.headband)

    def half_at(self, height: float) -> float:
        """Half the width at a height above the eyes."""
        share = (height - 0.5) / max(self.top - 0.5, 0.1)
        return self.half * math.sqrt(1 - 0.55 * float(np.clip(share, 0, 1)) ** 2)


_TOPS, _HALVES, _HAIRLINES = (1.05, 1.9), (1.1, 1.45), (0.85, 1.05)
"""Least and greatest `_Skull.top`, `half` and `hairline` that are believed."""


def _skull_of(head: _Head, covers: _Covers) -> _Skull:
    """The outline of a head by its parts, along three columns and three rows."""
    heights = np.arange(0.5, 2.21, 0.05)
    tops, lines = [], []
    for x in (-0.3, 0.0, 0.3):
        column = head.seen_at(x, -heights)
        seen, hair = covers.at(_OF_HEAD, column), covers.at(("hair", "hat"), column)
        if seen is None or hair is None:
            return _Skull()
        gap = np.minimum.accumulate(np.where(np.convolve(seen, np.ones(3), "same") > 0.5, 1.0, 0.0))
        tops.append(0.5 + 0.05 * float(gap.sum()))
        lines.append(float(heights[int(np.argmax(hair > 0.5))]) if (hair > 0.5).any() else 1.0)
    if max(tops) <= 0.7:
        return _Skull()
    top = float(np.clip(np.median(tops), *_TOPS))
    hairline = float(np.clip(np.median(lines), _HAIRLINES[0], min(_HAIRLINES[1], top - 0.2)))
    halves = _half_widths(head, covers, (0.5, 0.7, 0.9))
    skull = _Skull(top, float(np.clip(np.median(halves), *_HALVES)) if halves else _Skull.half, hairline)
    above = _half_widths(head, covers, (skull.headband,))
    return replace(skull, crown=float(np.clip(np.mean(above) / skull.half_at(skull.headband), *_CROWNS))) if above else skull


_CROWNS = (0.86, 1.08)
"""Least and greatest `_Skull.crown` that is believed."""


def _half_widths(head: _Head, covers: _Covers, heights: tuple[float, ...]) -> list[float]:
    """Half widths of a head, with its hair, at heights above the eyes, to both sides; empty where no parts are known."""
    reach = np.arange(0.6, 1.71, 0.05)
    across = np.array([math.cos(head.roll), math.sin(head.roll)]) * head.unit
    halves = []
    for height in heights:
        for side in (-1.0, 1.0):
            seen = covers.at(_OF_HEAD, head.at(0.0, -height, 0.9) + side * reach[:, None] * across)
            if seen is not None:
                gap = np.minimum.accumulate(np.where(np.convolve(seen, np.ones(3), "same") > 0.5, 1.0, 0.0))
                halves.append(0.6 + 0.05 * float(gap.sum()))
    return halves


_BELOW_TOP = 0.22
"""How far below the end of the head what sits on it begins, in units."""


def bundled_places(head: _Head, skull: _Skull) -> dict[str, np.ndarray]:
    """Where layers of `sticker_art.ART` lie, as points (2,) of the photo; left and right as in the picture of an upright face."""
    brim = max(0.7, min(0.88, skull.top - 0.55))
    return {
        "between_eyes": head.origin,
        "left_hinge": head.at(-0.95 * head.face_half, 0.0, 0.17),
        "right_hinge": head.at(0.95 * head.face_half, 0.0, 0.17),
        "left_ear": head.at(-head.face_half, 0.0, 1.1),
        "right_ear": head.at(head.face_half, 0.0, 1.1),
        "left_cheek": head.at(-0.7, 0.6, 0.1),
        "right_cheek": head.at(0.7, 0.6, 0.1),
        "brim": head.at(0.0, -brim, 0.25),
        "hairline": head.at(0.0, -skull.hairline, _RING_FRONT),
        "headband": head.at(0.0, -skull.headband, _RING_FRONT),
        "top": head.at(0.0, -(skull.top - _BELOW_TOP), 0.9),
        "band": head.at(0.0, -skull.band, 0.35),
        "above": head.at(0.0, -(skull.top + 0.28), 0.9),
    } | dict(head.places)


_RING_FRONT = -0.1
"""How far behind the eyes the front of a ring around the head lies, in units."""

_LENS_RADIUS = 2.8
"""Radius of the front of glasses, in units: it follows the face to the sides a little."""

_DOWN, _SCALES, _HEIGHTS = (
    (0.0, 0.12, 0.24, 0.36, 0.48, 0.6, 0.75, 0.9),
    (1.0, 0.92, 0.84, 0.76, 0.68, 0.6),
    (1.0, 0.85, 0.7, 0.6, 0.55),
)
"""How far a layer may move down the head, in units, its scales, and factors of its height, to lie within the photo."""

_LEANS = (8.0, 16.0, 24.0, 30.0)
"""Degrees by which a layer that leans may lean, to either side of the head."""

_PRICE_DOWN, _PRICE_SMALLER, _PRICE_LOWER, _PRICE_LEAN, _PRICE_LEFT = 0.3, 0.5, 0.35, 0.011, 0.02
"""What a unit down, a scale of 0, a height of 0, a degree and leaning to the left cost."""

_PRICE_CUT = 3.0
"""What a layer costs that the photo's border cuts off wholly."""

_HIDDEN_YAW = (28.0, 45.0)
"""Degrees that a head is turned aside at which what lies on its far cheek begins to vanish, and is gone."""

_DIM = 0.55
"""Brightness of stickers in a dark photo."""

_LIGHT_SKIN = np.array([1.0, 0.84, 0.74])
"""Red, green and blue of the lightest skin in neutral light, the red as 1."""


@dataclass(frozen=True, eq=False)
class _Plane:
    """Where a flat layer lies: its point p is seen at `place + to_photo @ p`."""

    to_photo: np.ndarray
    place: np.ndarray

    def seen_at(self, points: np.ndarray) -> np.ndarray:
        return np.asarray(points @ self.to_photo.T + self.place)

    def put(self, photo: Picture, pixels: np.ndarray, box: tuple[float, float], px: int, put: _Put) -> None:
        matrix = np.column_stack([self.to_photo / px, self.seen_at(np.array(box) + 0.5 / px)])
        composite_layer(photo, pixels, matrix, put.opacity, put.shown, put.light)


@dataclass(frozen=True, eq=False)
class _Ring:
    """Where a layer lies that goes around the head: x is the angle around it times `radius`, 0 in front; y points down.

    Args:
        axes: (2, 3) of the head.
        place: (2,), the front of the ring at y = 0.
        half: its radius to the sides, in units.
        drop: how much lower the ring is at the sides than in front, in units.
        deep: its radius along the line of sight, in units.
        high: factor of heights.
        bulk: radius of its thickness, in units (`Layer.bulk`).
        sunk: how much of its left and right end hair covers, 0 to 1.
        radius: the one that x is drawn for.
    """

    axes: np.ndarray
    place: np.ndarray
    half: float
    drop: float
    deep: float
    high: float
    bulk: float = 0.0
    sunk: tuple[float, float] = (0.0, 0.0)
    radius: float = LAYER_RADIUS

    def seen_at(self, points: np.ndarray) -> np.ndarray:
        angle = points[:, 0] / self.radius
        back = 1 - np.cos(angle)
        at = np.column_stack([self.half * np.sin(angle), self.high * points[:, 1] + self.drop * back, self.deep * back])
        return np.asarray(at @ self.axes.T + self.place)

    def put(self, photo: Picture, pixels: np.ndarray, box: tuple[float, float], px: int, put: _Put) -> None:
        """Composite what of the ring is turned to us: for each pixel of the photo, the point of the layer that is seen there."""
        down = self.axes[:, 1]
        across = np.array([down[1], -down[0]]) / max(float(down @ down), 1e-6)
        a, b = self.half * float(across @ self.axes[:, 0]), self.deep * float(across @ self.axes[:, 2])
        far, turn = max(math.hypot(a, b), 1e-6), math.atan2(b, a)
        most = (1 + self.bulk / far) * math.sin(_BULK_ANGLE) if self.bulk else 1.0
        angles = np.linspace(turn - math.pi / 2, turn + math.pi / 2, 61)
        ends = (box[1], box[1] + pixels.shape[0] / px)
        reach = self.seen_at(np.array([(angle * self.radius, y) for angle in angles for y in ends]))
        window = _window_of((reach - reach.mean(axis=0)) * (1 + self.bulk) + reach.mean(axis=0), photo)
        if window is None:
            return
        unit_px = math.sqrt(float(down @ down))
        down = down / max(float(down @ down), 1e-6)
        slope = down @ self.axes

        def layer(rows: slice, columns: slice) -> np.ndarray:
            x = np.arange(columns.start, columns.stop, dtype=np.float32)[None] - np.float32(self.place[0])
            y = np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] - np.float32(self.place[1])
            value = x * float(across[0] / far) + (y * float(across[1] / far) - np.float32(b / far))
            angle = turn + np.arcsin(np.clip(value * float(math.sin(_BULK_ANGLE) / most if self.bulk else 1.0), -1, 1))
            back = 1 - np.cos(angle)
            along = x * float(down[0]) + y * float(down[1]) - float(slope[0] * self.half) * np.sin(angle)
            along -= float(slope[2] * self.deep + self.drop) * back
            u = (angle - box[0] / self.radius) * (self.radius * px) - 0.5
            v = (along - box[1] * self.high) * (px / self.high) - 0.5
            drawn = cv2.remap(pixels, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
            shade = np.float32(0.55) + np.float32(0.45) * np.sqrt(
                np.clip(1 - value * value, 0, 1)
            )  # the sides turn from the light
            drawn[:, :, :3] *= shade[:, :, None]
            edge = np.clip((most - np.abs(value)) * (far * unit_px), 0, 1)
            if self.bulk:  # round ends
                end = np.clip((np.abs(value) - (most - self.bulk / far)) * (far / self.bulk), 0, 1)
                edge *= np.clip((np.sqrt(1 - end * end) * (1.5 * self.bulk) - np.abs(along)) * (unit_px / 4) + 1, 0, 1)
            for side, sunk in zip((-1.0, 1.0), self.sunk, strict=True):
                if sunk > 0:
                    edge *= 1 - np.float32(sunk) * smoothstep(side * value / most, 0.74, 0.98)
            return np.asarray(drawn * edge[:, :, None], dtype=np.float32)

        _composite(photo, window, layer, put)


_BULK_ANGLE = math.radians(66)
"""How far around a thick ring is seen at its ends: beyond it flowers would be squeezed to slivers."""


@dataclass(frozen=True)
class _Put:
    """How a layer is composited: its opacity, what of it is seen (None: all), and its light (3,)."""

    opacity: float
    shown: Shown | None = None
    light: np.ndarray | float = 1.0


def _draw(picture: Picture, head: _Head, which: str, opacity: float, covers: _Covers) -> None:
    """Draw the layers of a bundled sticker into a picture (H, W, 3), in place."""
    on_head = any(layer.movable or layer.plane == "ring" for layer in ART[which])
    skull = _skull_of(head, covers) if on_head else _Skull()
    places = bundled_places(head, skull)
    px = 16
    while px < min(LARGEST_PX, 0.8 * head.unit):
        px *= 2
    light = _light_at(picture, head)
    if any(layer.lens for layer in ART[which]):
        larger = _over_worn(head, covers, ART[which][-1])
        if larger is None:
            return
        head = replace(head, face_half=larger * head.face_half)
    fitted = {id(layer): _fitted(layer, head, skull, places, covers, picture.shape) for layer in ART[which] if layer.on is None}
    rings = [plane for plane in fitted.values() if isinstance(plane, _Ring)]
    for index, layer in enumerate(ART[which]):
        share = opacity * _seen(layer, head)
        plane = fitted[id(layer)] if layer.on is None else _standing(layer, head, rings[0])
        if share <= 0 or plane is None:
            continue
        hidden = ("hair", "hat") if layer.under_hair else ()
        only = _FACE if layer.plane.endswith("side") else ()  # what reaches to an ear ends behind it
        if layer.shadow:
            pixels, reach = shadow_of(which, index, px)
            box = (layer.box[0] - reach, layer.box[1] - reach + 0.05)
            plane.put(picture, pixels, box, px, _Put(share, _shown(covers, hidden, only or _OWN, 0.015 * head.unit)))
        pixels = drawn_layer(which, index, px)
        shown = _shown(covers, (*_FACE, "u_lip", "l_lip", "mouth") if layer.falls else hidden, only, 0.012 * head.unit)
        if layer.falls:
            shown = _both(shown, covers.off_others)
        plane.put(picture, pixels, layer.box[:2], px, _Put(share, shown, light))


def _standing(layer: Layer, head: _Head, ring: _Ring) -> _Plane:
    """Where a layer lies that stands on a ring: in the picture's plane, as wide and high as the ring has room for."""
    assert layer.on is not None
    (place,) = ring.seen_at(np.array([(math.radians(layer.on) * LAYER_RADIUS, 0.0)]))
    return _Plane(_upright(head, "ears") * np.array([(1 + ring.high) / 2, ring.high]), place)


_WORN, _LARGEST_GLASSES = 0.12, 1.35
"""Share of the area around the eyes from which on a face wears glasses; how much larger glasses get at the most that cover them."""


def _over_worn(head: _Head, covers: _Covers, front: Layer) -> float | None:
    """How much wider glasses must be to cover those that the face wears, 1 without any; None where they would be a second pair."""
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(-1.4, 1.4, 57), np.linspace(-0.6, 0.8, 29)))
    at = head.seen_at(x, y)
    worn, eyes = covers.at(("eye_g",), at), covers.at(("l_eye", "r_eye"), at)
    if worn is None or eyes is None or (worn > 0.5).mean() < _WORN:
        return 1.0
    if front.lens == "clear" or (eyes > 0.5).sum() < 4:
        return None
    reach = max(float(np.quantile(np.abs(x[worn > 0.5]), 0.96)) / 1.02, float(np.quantile(y[worn > 0.5], 0.96)) / 0.42)
    return float(np.clip(reach * _USUAL_FACE / (head.face_half * front.scale), 1.0, _LARGEST_GLASSES))


def _both(one: Shown | None, other: Shown) -> Shown:
    """What is seen of a layer where two things hide it."""

    def shown(rows: slice, columns: slice) -> np.ndarray | None:
        parts = [part for part in (None if one is None else one(rows, columns), other(rows, columns)) if part is not None]
        return np.asarray(np.prod(parts, axis=0)) if parts else None

    return shown


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
    """How much of a layer is seen on a head that is turned aside, 0 to 1: what lies on its far cheek vanishes."""
    far = -head.yaw if layer.place.startswith("left_") else head.yaw
    side = far if layer.place.endswith(("_cheek", "_muzzle")) else None
    return 1.0 if side is None else 1 - float(smoothstep(np.array(side), *_HIDDEN_YAW))


def _upright(head: _Head, plane: str) -> np.ndarray:
    """(2, 2): a unit along x and y of the picture's plane, leaning with the head."""
    cosine, sine = math.cos(head.roll), math.sin(head.roll)
    aside = max(0.5, math.cos(math.radians(head.yaw))) if plane == "ears" else 1.0
    return head.unit * np.array([[aside * cosine, -sine], [aside * sine, cosine]])


def _plane(layer: Layer, head: _Head, places: Mapping[str, np.ndarray]) -> np.ndarray | None:
    """(2, 2): a unit along x and y of a layer's plane in pixels of the photo; None where the plane is turned away from us."""
    if layer.plane in ("head", "ears"):
        return _upright(head, layer.plane)
    if layer.plane in ("face", "front"):
        return np.asarray(head.axes[:, :2])
    side = layer.plane.partition("_")[0]
    to_ear = places[f"{side}_ear"] - places[f"{side}_hinge"]
    outward = (-1.0 if side == "left" else 1.0) * np.array([math.cos(head.roll), math.sin(head.roll)])
    return None if float(to_ear @ outward) < 0.06 * head.unit else np.column_stack([to_ear, head.axes[:, 1]])


def _sunk(head: _Head, ring: _Ring, covers: _Covers) -> tuple[float, float]:
    """How much hair there is beyond the left and the right end of a ring, which it would cover, 0 to 1."""
    across = np.array([math.cos(head.roll), math.sin(head.roll)]) * head.unit
    found = []
    for side in (-1.0, 1.0):
        end = ring.seen_at(np.array([(side * math.radians(80) * LAYER_RADIUS, 0.0)]))
        hair = covers.at(("hair",), end + side * np.linspace(0.16, 0.4, 7)[:, None] * across)
        found.append(0.0 if hair is None else float(hair.mean()))
    return found[0], found[1]


def _fitted(
    layer: Layer, head: _Head, skull: _Skull, places: Mapping[str, np.ndarray], covers: _Covers, shape: tuple[int, ...]
) -> _Plane | _Ring | None:
    """Where a layer lies; one that may move lies within the photo as far as that can be. None where it is turned away from us."""
    place, ring = places[layer.place], layer.plane == "ring"
    to_photo = None if ring else _plane(layer, head, places)
    if to_photo is None and not ring:
        return None
    size = layer.scale
    if layer.wide == "face":
        size *= head.face_half / _USUAL_FACE
    elif layer.wide == "head":
        size *= skull.half / _Skull.half
    if layer.plane == "front":
        radius = _LENS_RADIUS
        return _Ring(head.axes, place, radius * size, 0.0, radius * size, size, radius=radius)
    if layer.place == "band":
        half = skull.half
    else:
        half = 1.02 * skull.crown * skull.half_at(skull.headband if layer.place == "headband" else skull.hairline)

    def lies(scale: float, high: float, down: float, lean: float) -> _Plane | _Ring:
        if to_photo is None:
            return _Ring(head.axes, place + down * head.axes[:, 1], half, layer.drop, layer.deep, size * scale * high, layer.bulk)
        at = place + _aside(head, skull, lean) + down * head.axes[:, 1]
        return _Plane(_turned(lean) @ to_photo * (size * scale * np.array([1.0, high])), at)

    usual = lies(1.0, 1.0, 0.0, 0.0)
    if not layer.movable:
        return usual
    to_hairline = {
        "top": skull.top - _BELOW_TOP - skull.hairline + (0.2 if layer.leans else 0.1),
        "band": skull.band - skull.hairline + 0.02,
    }.get(layer.place, 0.0)
    ways = _WAYS[np.abs(_WAYS[:, 4]) > 0 if layer.leans else _WAYS[:, 4] == 0]
    ways = ways[(ways[:, 2] >= layer.lowest) & (ways[:, 1] >= layer.smallest) & (ways[:, 3] <= max(layer.down, to_hairline))]
    price, scale, high, down, lean = ways.T
    left, top, right, bottom = layer.box
    y = np.linspace(0.94 * top, 0.5 * bottom, 7)  # the outermost rim does not count
    x = np.linspace(-0.8, 0.8, 7) if ring else np.linspace(0.9 * left, 0.9 * right, 7)
    origin = usual.seen_at(np.array([(0.0, 0.0)]))[0]
    across = usual.seen_at(np.column_stack([x, np.zeros(7)])) - origin
    along = usual.seen_at(np.column_stack([np.zeros(7), y])) - origin
    wide = np.ones_like(scale) if ring else scale
    at = wide[:, None, None, None] * across[:, None] + (scale * high)[:, None, None, None] * along[None]
    if layer.leans:
        at = np.einsum("wij,wklj->wkli", np.stack([_turned(one) for one in lean]), at)
        at = at + np.stack([_aside(head, skull, one) for one in lean])[:, None, None]
    at = at + origin + down[:, None, None, None] * head.axes[:, 1]
    cut = 1 - ((at > -0.5) & (at < np.array(shape[1::-1]) - 0.5)).all(axis=3).mean(axis=(1, 2))
    best = int(np.argmin(price + _PRICE_CUT * cut))
    found = lies(float(scale[best]), float(high[best]), float(down[best]), float(lean[best]))
    return replace(found, sunk=_sunk(head, found, covers)) if isinstance(found, _Ring) else found


def _turned(degrees: float) -> np.ndarray:
    """(2, 2): a turn of the picture, clockwise."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def _aside(head: _Head, skull: _Skull, lean: float) -> np.ndarray:
    """(2,) pixels from the top of a head to where what leans by degrees sits on it."""
    angle, high = math.radians(lean), skull.top - _BELOW_TOP - 0.35
    return _upright(head, "head") @ np.array([0.8 * skull.half * math.sin(angle), high * (1 - math.cos(angle))])


_WAYS = np.array(
    [
        (
            _PRICE_DOWN * down
            + _PRICE_SMALLER * (1 - scale)
            + _PRICE_LOWER * (1 - high)
            + _PRICE_LEAN * abs(lean)
            + _PRICE_LEFT * (lean < 0),
            *(scale, high, down, lean),
        )
        for lean in (0.0, *_LEANS, *(-one for one in _LEANS))
        for down in _DOWN
        for scale in _SCALES
        for high in _HEIGHTS
    ]
)
"""Ways (W, 5) to change a layer so that it fits: price, scale, factor of its height, units down, degrees of its lean."""


def _light_at(picture: Picture, head: _Head) -> np.ndarray:
    """The light on a sticker (3,), red, green and blue, by the light parts of the face: `_DIM` to 1, and a third of its colour."""
    reach = 1.2 * head.unit
    columns, rows = (slice(max(0, int(middle - reach)), max(1, int(middle + reach))) for middle in head.origin)
    part = picture[rows, columns]
    if not part.size:
        return np.ones(3)
    steps = tuple(max(1, size // 48) for size in part.shape[:2])
    some = part[:: steps[0], :: steps[1]].reshape(-1, 3)
    light = np.percentile(some.max(axis=1), 95)
    lit = some[some.max(axis=1) >= 0.8 * light].mean(axis=0) / _LIGHT_SKIN
    tone = np.clip((lit / max(float(lit.mean()), 1.0)) ** 0.3, 0.88, 1.1)
    return np.asarray((_DIM + (1 - _DIM) * float(smoothstep(np.array(light), 40, 200))) * np.minimum(tone, 1.0))


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


def composite_layer(
    photo: Picture,
    pixels: np.ndarray,
    matrix: Matrix,
    opacity: float,
    shown: Shown | None = None,
    light: np.ndarray | float = 1.0,
) -> None:
    """Composite premultiplied pixels (h, w, 4) into the photo (H, W, 3), in place, at the matrix (2, 3); other bytes stay the same."""
    shrink = scale_of(matrix)
    if shrink < 1:  # area averaging first, so that thin frames do not break up
        small = np.asarray(cv2.resize(pixels, scaled_size(pixels, shrink), interpolation=cv2.INTER_AREA))
        matrix = compose(matrix, scaling(scale_between(small, pixels)))
        pixels = small
    high, wide = pixels.shape[:2]
    window = _window_of(np.array([(-1, -1), (wide, -1), (-1, high), (wide, high)]) @ matrix[:, :2].T + matrix[:, 2], photo)

    def layer(rows: slice, columns: slice) -> np.ndarray:
        moved = matrix - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        return warp_values(pixels, moved, (columns.stop - columns.start, rows.stop - rows.start), outside=0)

    if window is not None:
        _composite(photo, window, layer, _Put(opacity, shown, light))


def _composite(photo: Picture, window: Window, layer: Callable[[slice, slice], np.ndarray], put: _Put) -> None:
    """Composite what `layer` gives for rows and columns, (n, m, 4) premultiplied, into a window of the photo, in place, band by band."""
    columns = window[1]
    light = np.asarray(255 * np.asarray(put.light), dtype=np.float32)
    for top in range(window[0].start, window[0].stop, _BAND_PX):
        rows = slice(top, min(top + _BAND_PX, window[0].stop))
        drawn = layer(rows, columns) * np.float32(put.opacity)
        seen = None if put.shown is None else put.shown(rows, columns)
        if seen is not None:
            drawn *= seen[:, :, None].astype(np.float32)
        old = photo[rows, columns].astype(np.float32)
        new = old * (1 - drawn[:, :, 3:]) + light * drawn[:, :, :3]
        photo[rows, columns] = np.rint(np.clip(new, 0, 255)).astype(np.uint8)


def _window_of(points: np.ndarray, photo: Picture) -> Window | None:
    """Rows and columns of the photo around points (K, 2); None if none."""
    left, top = np.clip(np.floor(points.min(axis=0)), 0, photo.shape[1::-1]).astype(int).tolist()
    right, bottom = np.clip(np.ceil(points.max(axis=0)) + 1, 0, photo.shape[1::-1]).astype(int).tolist()
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))
