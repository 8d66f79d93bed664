"""Wrinkles along the known folds of a face: valleys with a lit ridge beside them, drawn from the mesh, never taken from a photo.

Paths are named by points of MediaPipe's mesh. How deep a line is follows from the wanted age and from how much detail people gain there
with age; how it wanders, thins and breaks off follows from its number alone, so that the same face gets the same lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.imaging.compositing import Field
from lianpu.imaging.masks import smoothstep, wide_blur
from lianpu.transforms.surface import FRAME, MAP_PX, Coordinates

Mix = tuple[int, int, float]
"""A place between two points of the mesh: the first, the second, and the second's share."""


@dataclass(frozen=True)
class Fold:
    """A kind of wrinkle on the person's right side; the left one is its mirror image.

    Args:
        paths: each a line through places of the mesh.
        depth: by how much its valley darkens, in log light, for 25 years more.
        width: sigma of the valley, in units of the frame.
        lit: which way from the valley its lit ridge lies: outwards from the face's middle line, and downwards.
        both: whether the path crosses the middle line, so that it has no mirror image.
        after: age from which on it is seen at all.
        crease: how sharp its bottom is, relative to a crow's foot: soft cheeks have none.
    """

    paths: tuple[tuple[Mix, ...], ...]
    depth: float
    width: float
    lit: tuple[float, float]
    both: bool = False
    after: float = 30.0
    crease: float = 1.0


def _at(*words: tuple[int, int, float]) -> tuple[Mix, ...]:
    return words


_BROWS, _MIDDLE, _TOP = (63, 105, 66, 107, 9), (68, 104, 69, 108, 151), (54, 103, 67, 109, 10)


def _across(height: float, columns: tuple[int, ...] = (0, 1, 2, 3, 4)) -> tuple[Mix, ...]:
    """A line across one half of the forehead: 0 at the brows, 1 at its middle, 2 at the top of the mesh."""
    low, high, share = (_BROWS, _MIDDLE, height) if height < 1 else (_MIDDLE, _TOP, height - 1)
    return tuple((low[column], high[column], share) for column in columns)


FOLDS: Mapping[str, Fold] = {
    "forehead": Fold(
        (_across(0.62), _across(1.02), _across(1.42, (1, 2, 3, 4)), _across(0.84, (1, 2, 3))),
        0.062,
        1.4,
        (0.0, 1.0),
        both=True,
        after=43,
        crease=0.5,
    ),
    "glabella": Fold((_at((107, 9, 0.5), (55, 8, 0.5), (189, 168, 0.5)),), 0.05, 1.8, (1.0, 0.0), after=42, crease=0.5),
    "crows_feet": Fold(
        (
            _at((226, 113, 0.35), (113, 124, 0.7), (156, 139, 0.2)),
            _at((226, 35, 0.25), (35, 143, 0.2), (143, 34, 0.35)),
            _at((226, 31, 0.55), (35, 111, 0.42), (143, 116, 0.4)),
            _at((31, 228, 0.2), (111, 117, 0.35), (116, 111, 0.35)),
        ),
        0.105,
        1.0,
        (0.0, 1.0),
        after=32,
    ),
    "under_eyes": Fold(
        (
            _at((233, 232, 0.4), (232, 121, 0.3), (231, 120, 0.3), (230, 119, 0.28), (229, 118, 0.3), (228, 117, 0.3)),
            _at((232, 121, 0.7), (231, 120, 0.62), (230, 119, 0.6), (229, 118, 0.7)),
        ),
        0.06,
        1.0,
        (0.0, -1.0),
    ),
    "tear_trough": Fold(
        (_at((232, 121, 0.6), (121, 120, 0.5), (120, 100, 0.3), (119, 101, 0.25), (118, 117, 0.5)),),
        0.06,
        4.2,
        (0.0, -1.0),
        after=34,
        crease=0.0,
    ),
    "nasolabial": Fold(
        (_at((129, 203, 0.4), (203, 206, 0.42), (206, 186, 0.3), (216, 57, 0.45)),), 0.125, 2.6, (0.8, -0.5), after=31, crease=0.3
    ),
    "marionette": Fold(
        (_at((61, 43, 0.8), (43, 202, 0.45), (202, 204, 0.3), (210, 211, 0.5)),), 0.075, 2.6, (0.9, -0.2), after=42, crease=0.15
    ),
}
"""The folds of an ageing face, by name."""

_STEP = 2.0
"""Distance of the points that a line is drawn through, in units of the frame."""

_RIDGE, _SOFT, _VALLEY, _CREASE = 1.5, np.float32(1.0), np.float32(0.62), np.float32(0.2)
"""Weights of a fold's lit side, the shade around it, its valley, and the crease in it: each narrower than the one before."""

_OCCLUDED, _RELIEF = 0.75, 2.0
"""How much of a fold's shading is there in light from all sides, and how high its relief is, by its depth, in light from one."""

_DEPTH = 2.0
"""Depth of all folds: what reads as 25 years."""

_LEARNED_USUAL = 0.45
"""Gain of log energy in 25 years at which a fold has its usual depth."""


def wrinkle_field(
    flat: Coordinates,
    scale: float,
    axes: tuple[np.ndarray, np.ndarray],
    light: tuple[float, float],
    mirror: np.ndarray,
    gained: Field,
    canonical: Coordinates,
    amount: float,
    age: float,
    seen: np.ndarray,
    shape: tuple[int, int],
) -> Field:
    """(h, w) float32: what wrinkles add to the log light, before any mask.

    Args:
        flat: (K, 2) the mesh in pixels of the field.
        scale: pixels of the field per unit of the frame.
        axes: unit vectors across (to the picture's right) and down the face, in the picture.
        light: by how much log light grows for a unit of the skin's normal to the right and down, in the picture: where light comes from.
        mirror: (K,) mirror images of the points.
        gained: (M, M) what log energy of detail people gain in 25 years.
        canonical: (K, 3) where the points lie in the canonical frame.
        amount: 25 years are 1.
        age: the wanted age, in years.
        seen: (K,) 0 to 1: how far points of the surface look at us; lines on cheeks that turn away are fainter.
        shape: height and width of the field.
    """
    field, relief = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float32)
    if amount <= 0:
        return field
    for number, fold in enumerate(FOLDS.values()):
        late = float(np.clip(0.5 + (age - fold.after) / 30, 0.0, 1.2))
        if late <= 0:
            continue
        for side in (1,) if fold.both else (1, -1):
            canvas = np.zeros(shape, dtype=np.uint8)
            for index, path in enumerate(fold.paths):
                _draw(canvas, _whole(path, mirror) if fold.both else _sided(path, mirror, side), flat, canonical, gained, seen, scale,
                      seed=1000 * number + 10 * index + (side < 0), thinner=0.82**index)  # fmt: skip
            _add_fold(field, relief, canvas, fold, side, axes, scale, _DEPTH * fold.depth * late * min(amount, 1.6) ** 0.8)
    down, right = np.gradient(relief)
    return np.asarray(np.clip(field - np.float32(light[0]) * right - np.float32(light[1]) * down, -0.5, 0.2), dtype=np.float32)


def _sided(path: tuple[Mix, ...], mirror: np.ndarray, side: int) -> list[Mix]:
    return [
        (first, second, share) if side > 0 else (int(mirror[first]), int(mirror[second]), share) for first, second, share in path
    ]


def _whole(path: tuple[Mix, ...], mirror: np.ndarray) -> list[Mix]:
    right = _sided(path, mirror, 1)
    left = [step for step in _sided(path, mirror, -1)[::-1] if step[0] != right[-1][0]]
    return [*right, *left]


def _draw(
    canvas: np.ndarray,
    path: list[Mix],
    flat: Coordinates,
    canonical: Coordinates,
    gained: Field,
    seen: np.ndarray,
    scale: float,
    seed: int,
    thinner: float,
) -> None:
    first, second, share = (np.array(column) for column in zip(*path, strict=True))
    visible = np.minimum(seen[first], seen[second])
    points = flat[first] + (flat[second] - flat[first]) * share[:, None]
    places = canonical[first, :2] + (canonical[second, :2] - canonical[first, :2]) * share[:, None]
    length = float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
    count = max(8, round(length / _STEP))
    along = np.linspace(0, 1, count)
    knots = np.linspace(0, 1, len(points))
    curve, on_map, shown = (
        _smooth(knots, points, along),
        _smooth(knots, places, along),
        np.interp(along, knots, visible),
    )
    wander = _waves(along * length, seed, (61.0, 29.0), (1.0, 0.4))
    tangent = np.gradient(curve, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / (np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-6)
    curve = curve + normal * (wander * 1.4 * scale)[:, None]
    pixel = np.clip((on_map + 0.5) * (MAP_PX / FRAME), 0, MAP_PX - 1).astype(int)
    learned = np.clip(gained[pixel[:, 1], pixel[:, 0]] / _LEARNED_USUAL, 0.45, 1.5)
    uneven = np.clip(0.68 + 0.85 * _waves(along * length, seed + 7, (53.0, 23.0, 9.0), (1.0, 0.8, 0.5)), 0.0, 1.3)
    ends = smoothstep(np.minimum(along, 1 - along), 0.0, 0.38)
    strength = np.clip(150 * learned * uneven * ends * shown * thinner, 0, 255)
    at = np.rint((curve + 0.0) * 16).astype(int)
    for step in range(count - 1):
        value = int((strength[step] + strength[step + 1]) / 2)
        if value > 2:
            cv2.line(canvas, tuple(at[step].tolist()), tuple(at[step + 1].tolist()), value, 1, cv2.LINE_AA, 4)


def _smooth(knots: np.ndarray, points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """A curve through the points (K, 2) at shares of its length: cubic where there are points enough."""
    if len(knots) < 3:
        return np.stack([np.interp(along, knots, points[:, axis]) for axis in (0, 1)], axis=1)
    slopes = np.gradient(points, knots, axis=0)
    index = np.clip(np.searchsorted(knots, along, side="right") - 1, 0, len(knots) - 2)
    gap = knots[index + 1] - knots[index]
    t = ((along - knots[index]) / gap)[:, None]
    start, end = points[index], points[index + 1]
    leave, arrive = slopes[index] * gap[:, None], slopes[index + 1] * gap[:, None]
    return np.asarray(
        (2 * t**3 - 3 * t**2 + 1) * start + (t**3 - 2 * t**2 + t) * leave + (3 * t**2 - 2 * t**3) * end + (t**3 - t**2) * arrive
    )


def _waves(places: np.ndarray, seed: int, periods: tuple[float, ...], heights: tuple[float, ...]) -> np.ndarray:
    """A smooth irregular curve, about -1 to 1, that depends on the seed alone."""
    chance = np.random.default_rng(seed)
    total = np.zeros_like(places)
    for period, height in zip(periods, heights, strict=True):
        total += height * np.sin(2 * np.pi * (places / (period * chance.uniform(0.8, 1.25)) + chance.uniform()))
    return np.asarray(total / sum(heights))


def _add_fold(
    field: Field,
    relief: Field,
    canvas: np.ndarray,
    fold: Fold,
    side: int,
    axes: tuple[np.ndarray, np.ndarray],
    scale: float,
    depth: float,
) -> None:
    """Add a fold's valley, and the ridge beside it, to the field and to the relief: in the rows and columns around its lines alone."""
    rows, columns = np.flatnonzero(canvas.any(axis=1)), np.flatnonzero(canvas.any(axis=0))
    if not len(rows):
        return
    sigma = max(0.55, fold.width * scale)
    margin = int(np.ceil(8 * sigma))
    part = (slice(max(0, rows[0] - margin), rows[-1] + margin + 1), slice(max(0, columns[0] - margin), columns[-1] + margin + 1))
    line = canvas[part].astype(np.float32) * np.float32(sigma * np.sqrt(2 * np.pi) / 150)
    valley = wide_blur(line, sigma)
    across, down = axes
    move = (across * (-side * fold.lit[0]) + down * fold.lit[1]) * (2.1 * sigma)
    shift = np.array([[1, 0, move[0]], [0, 1, move[1]]], dtype=np.float64)
    soft = wide_blur(line, 2.6 * sigma)
    ridge = cv2.warpAffine(soft, 1.25 * shift - 0.25 * np.eye(2, 3), line.shape[::-1], flags=cv2.INTER_LINEAR)
    crease = wide_blur(line, max(0.5, 0.5 * sigma))
    field[part] += np.float32(_OCCLUDED * depth) * (
        np.float32(_RIDGE) * ridge - _SOFT * soft - _VALLEY * valley - np.float32(_CREASE * fold.crease) * crease
    )
    relief[part] += np.float32(_RELIEF * depth * sigma) * (np.float32(_RIDGE) * ridge - _SOFT * soft - _VALLEY * valley)
