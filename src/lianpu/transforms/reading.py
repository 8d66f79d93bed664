"""What a transform reads of a face: its colours and detail over a small view, and the same in the canonical frame."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, View, view_of
from lianpu.imaging.geometry import Window
from lianpu.imaging.masks import wide_blur
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index
from lianpu.transforms.surface import (
    FRAME,
    MAP_PX,
    SURFACE,
    Coordinates,
    Placement,
    at_places,
    facing,
    place,
    places_in_frame,
    places_in_picture,
)

BLACK = 16.0
"""In dimmer light, L + 16, a and b of CIE Lab of a surface fall by about the same factor: so light is log(L + 16) and chroma relative."""

BANDS = (1.0, 2.0, 4.0, 8.0)
"""Scales that part the bands of detail, in units of the canonical frame: band k lies between the k-th and the one before."""

_SKIN_SIGMA = 4.0

_AROUND = 0.16
"""How far the view reaches beyond the mesh, as a share of its size."""

_CHIN, _BROWS, _NECK = 152, 9, 0.16
"""The view reaches below the chin, where beards hang: by a share of the way from between the brows to the chin."""

_ERODED = 2.5


@dataclass(frozen=True, eq=False)
class Template:
    """What reading needs of a model: the canonical mesh.

    Args:
        canonical: (468, 3), x to the right, y down, z away from us, in units of the frame.
        normals: (468, 3) unit vectors, z negative towards us.
        controls: indices of the points that carry smooth maps.
    """

    canonical: Coordinates
    normals: Coordinates
    controls: np.ndarray


@dataclass(frozen=True, eq=False)
class Reading:
    """A face, read over a view (h, w) and in the canonical frame (M = `MAP_PX` pixels a side).

    Args:
        view: of a window around the mesh.
        classes: (h, w) uint8, the parts there.
        flat: (468, 2) the mesh in pixels of the view.
        place: the canonical mesh's placement in the view.
        seen: (468,) bool, the points of the surface that look at us.
        to_frame: (h, w, 2) the pixel of a canonical map that each pixel of the view shows.
        to_view: (M, M, 2) the pixel of the view that each canonical pixel shows.
        lab: (h, w, 3) CIE Lab.
        tone: (h, w, 3): log(L + 16), a / (L + 16), b / (L + 16).
        levels: L and its blurs by `BANDS`, each (h, w).
        skin: (h, w) 0 to 1, skin and nose.
        low: (M, M, 3) tone of the skin alone, smoothed.
        known: (M, M) 0 to 1, how much skin that is from.
        energy: (M, M, 4) log energy of each band of detail, relative to the light.
        residual: (468, 3) the mesh's difference from the canonical one, in its frame.
    """

    view: View
    classes: np.ndarray
    flat: Coordinates
    place: Placement
    seen: np.ndarray
    to_frame: Field
    to_view: Field
    lab: Field
    tone: Field
    levels: tuple[Field, ...]
    skin: Field
    low: Field
    known: Field
    energy: Field
    residual: Coordinates

    @property
    def scale(self) -> float:
        """Pixels of the view per unit of the canonical frame."""
        return self.place.scale

    def cover(self, *names: str, soft: float = 0.0, grown: float = 0.0) -> Field:
        """(h, w) 0 to 1: where the named parts are, dilated (eroded if negative) and softened by units of the frame."""
        return _soft(where(self.classes, names), soft * self.scale, grown * self.scale)

    def sampled(self, canonical_map: Field) -> Field:
        """A canonical map (M, M, ...) over the view (h, w, ...)."""
        return at_places(canonical_map, self.to_frame)

    def in_frame(self, values: Field) -> Field:
        """Values over the view (h, w, ...) as a canonical map (M, M, ...)."""
        return at_places(values, self.to_view)


def read_face(picture: Picture, subject: Subject, template: Template, px_per_unit: float = 1.0) -> Reading | None:
    """The reading of a subject with a mesh; None where it has none, or too little of it lies in the picture.

    Args:
        picture: (H, W, 3) uint8 RGB.
        subject: a face of it, with parts of its window.
        template: the model's canonical mesh.
        px_per_unit: most pixels of the view per unit of the canonical frame: fewer take less time and lose fine detail.
    """
    if subject.mesh is None:
        return None
    points = subject.mesh.points[:SURFACE].astype(np.float64)
    window = _window(points, subject.window)
    if window is None:
        return None
    units = place(points, template.canonical).scale
    longest = max(window[0].stop - window[0].start, window[1].stop - window[1].start)
    view = view_of(picture, window, max(32, round(px_per_unit * longest / max(units, 1e-6))))
    flat = view.to_view(points[:, :2])
    placed = place(np.column_stack([flat, points[:, 2] * view.scale]), template.canonical)
    seen = facing(placed, template.normals)
    controls = template.controls[seen[template.controls]]
    if placed.scale < 0.08 or len(controls) < 24:
        return None
    classes = _classes(subject, window, view.shape)
    lab = rgb_to_lab(view.picture)
    light = lab[..., 0] + np.float32(BLACK)
    tone = merged(np.log(light), lab[..., 1] / light, lab[..., 2] / light)
    levels = (lab[..., 0].copy(), *(blurred(lab[..., 0], sigma * placed.scale) for sigma in BANDS))
    skin = where(classes, ("skin", "nose"))
    to_view = places_in_picture(flat, template.canonical, controls)
    to_frame = places_in_frame(flat, template.canonical, controls, view.shape)
    low, known = _skin_tone(tone, skin, placed.scale, to_view)
    frame = Placement(placed.scale, placed.rotation, placed.shift)
    residual = frame.into_frame(np.column_stack([flat, points[:, 2] * view.scale])) - template.canonical
    energy = _energy(levels, placed.scale, to_view)
    return Reading(view, classes, flat, placed, seen, to_frame, to_view, lab, tone, levels, skin, low, known, energy, residual)


def where(classes: np.ndarray, names: tuple[str, ...]) -> Field:
    """(h, w) float32: 1 where the class is one of the named parts."""
    table = np.zeros(256, dtype=np.float32)
    table[[part_index(name) for name in names]] = 1
    return np.asarray(cv2.LUT(classes, table), dtype=np.float32)


def merged(*planes: np.ndarray) -> Field:
    """(h, w, C) float32 of C planes (h, w). Work on planes takes a tenth of the time of sums and bounds along the last axis."""
    return np.asarray(cv2.merge([np.asarray(plane, dtype=np.float32) for plane in planes]), dtype=np.float32)


def split_planes(values: Field) -> list[Field]:
    """The C planes (h, w) of a field (h, w, C) float32: `merged` puts them together again."""
    return [np.asarray(plane, dtype=np.float32) for plane in cv2.split(values)]


def weighted(values: Field, weight: Field) -> Field:
    """Values (h, w, C) times a weight (h, w), and that weight as the last channel (h, w, C + 1): their blur is a weighted mean."""
    return merged(*(plane * weight for plane in cv2.split(values)), weight)


def blurred(values: Field, sigma: float) -> Field:
    """Values (h, w) or (h, w, C) after a Gaussian blur; unchanged for a negligible sigma (below a quarter)."""
    return values if sigma < 0.25 else wide_blur(values, sigma)


def _soft(mask: Field, sigma: float, grown: float) -> Field:
    radius = round(abs(grown))
    if radius:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
        mask = np.asarray((cv2.dilate if grown > 0 else cv2.erode)(mask, kernel), dtype=np.float32)
    return blurred(mask, sigma)


def _window(points: Coordinates, within: Window) -> Window | None:
    down = points[_CHIN, :2] + _NECK * (points[_CHIN, :2] - points[_BROWS, :2])
    outline = np.vstack([points[:, :2], down])
    low, high = outline.min(axis=0), outline.max(axis=0)
    margin = _AROUND * float((high - low).max())
    rows, columns = within
    left, top = np.floor(low - margin).astype(int)
    right, bottom = np.ceil(high + margin).astype(int) + 1
    top, bottom = max(rows.start, int(top)), min(rows.stop, int(bottom))
    left, right = max(columns.start, int(left)), min(columns.stop, int(right))
    return (slice(top, bottom), slice(left, right)) if bottom - top > 8 and right - left > 8 else None


def _classes(subject: Subject, window: Window, shape: tuple[int, int]) -> np.ndarray:
    rows, columns = subject.window
    part = subject.parts.mask[
        window[0].start - rows.start : window[0].stop - rows.start,
        window[1].start - columns.start : window[1].stop - columns.start,
    ]
    return part if part.shape == shape else cv2.resize(part, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)


def _skin_tone(tone: Field, skin: Field, scale: float, to_view: Field) -> tuple[Field, Field]:
    """The skin's smoothed tone (M, M, 3) and how much skin it is from (M, M); lips, hair and shadows beside it do not bleed in."""
    inner = _soft(skin, 0.0, -_ERODED * scale)
    total = blurred(weighted(tone, inner), _SKIN_SIGMA * scale)
    found = at_places(total, to_view)
    known = np.clip((found[..., 3] - 0.15) / 0.5, 0, 1)
    high, wide = skin.shape
    inside = (to_view[..., 0] >= 0) & (to_view[..., 0] <= wide - 1) & (to_view[..., 1] >= 0) & (to_view[..., 1] <= high - 1)
    tone_there = np.asarray(found[..., :3] / np.maximum(found[..., 3:], 1e-3), dtype=np.float32)
    return tone_there, np.asarray(known * inside, dtype=np.float32)


def _energy(levels: tuple[Field, ...], scale: float, to_view: Field) -> Field:
    relative = 1 / (levels[-1] + np.float32(BLACK))
    squares = [np.asarray(((levels[k] - levels[k + 1]) * relative) ** 2, dtype=np.float32) for k in range(len(BANDS))]
    bands = [blurred(square, (3.0 + k) * scale) for k, square in enumerate(squares)]
    return np.asarray(np.log(np.maximum(at_places(np.dstack(bands), to_view), 0) + 1e-7), dtype=np.float32)


def outline_map(canonical: Coordinates, indices: tuple[int, ...]) -> np.ndarray:
    """(M, M) uint8: 1 inside an outline of points of the canonical mesh."""
    mask = np.zeros((MAP_PX, MAP_PX), dtype=np.uint8)
    points = (canonical[list(indices), :2] + 0.5) * (MAP_PX / FRAME) - 0.5
    cv2.fillPoly(mask, [np.rint(points * 16).astype(np.int32)], 1, shift=4)
    return mask
