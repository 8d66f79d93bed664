"""Masks that several effects share: how far parts cover each pixel, polygons, what is nearer to other faces, and the fade at the crop's
border."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.results import Subject
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import Matrix, averaged
from lianpu.imaging.masks import smoothstep
from lianpu.part_names import part_index

FACE_PARTS = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
"""The parts within a face's outline, without the ears."""

_CROP = TEMPLATES["celebamask-hq"]

_FADE_SHARES = ((0.08, 0.08), (0.05, 0.14))
"""Width of the fade at the crop's border, as shares of its side: (left and right), (top and bottom). Long hair leaves at the bottom."""

_ENDS_WITH_PHOTO = 0.08
"""If the photo extends beyond the crop by less than this share of the crop, the fade on that side is narrower by as much."""


def face_unit(subject: Subject) -> float:
    """The distance of the eyes in pixels of the photo, corrected for the head's pose: the unit of all feather widths."""
    return subject.face.unit_px


def part_cover(subject: Subject, view: View, *names: str) -> Field:
    """Coverage (h, w), 0 to 1, of the named parts; `view` is of the subject's window."""
    table = np.zeros(256, dtype=np.uint8)
    table[[part_index(name) for name in names]] = 255
    mask = cv2.LUT(subject.parts.mask, table)
    size = (view.shape[1], view.shape[0])
    if mask.shape != view.shape:
        mask = averaged(mask, size)
    return mask.astype(np.float32) / np.float32(255)


def axes_of(subject: Subject) -> tuple[tuple[float, float], tuple[float, float]]:
    """Unit vectors (x, y) across and down a face."""
    five = np.asarray(subject.face.points, dtype=np.float64)
    way = five[3:].mean(axis=0) - five[:2].mean(axis=0)
    x, y = (way / max(float(np.linalg.norm(way)), 1e-6)).tolist()
    return (y, -x), (x, y)


def from_the_eyes(subject: Subject, view: View, shape: tuple[int, int]) -> tuple[Field, Field]:
    """How far pixels of a copy (h, w) of a view lie across and down the face from between its eyes, in units."""
    eyes = np.asarray(subject.face.points[:2], dtype=np.float64).mean(axis=0)
    _, down = axes_of(subject)
    (rows, columns), unit = view.window, face_unit(subject)
    y = (np.arange(shape[0]) + 0.5) * ((rows.stop - rows.start) / shape[0]) - 0.5 + rows.start - eyes[1]
    x = (np.arange(shape[1]) + 0.5) * ((columns.stop - columns.start) / shape[1]) - 0.5 + columns.start - eyes[0]
    x, y = (x / unit)[None], (y / unit)[:, None]
    return (x * down[1] - y * down[0]).astype(np.float32), (x * down[0] + y * down[1]).astype(np.float32)


def filled(view: View, points: np.ndarray) -> Field:
    """(h, w): 1 inside the polygon of points (K, 2) of the photo, with an edge as soft as a pixel of the view."""
    mask = np.zeros(view.shape, dtype=np.float32)
    cv2.fillPoly(mask, [np.rint(view.to_view(points) * 16).astype(np.int32)], 1.0, lineType=cv2.LINE_AA, shift=4)
    return mask


_SEAM = 0.2
"""Width of the seam between what is nearer to one face and to another, in units."""


def nearer_to_own(subject: Subject, view: View) -> Field:
    """(h, w): 1 where the subject's face is the nearest of the photo's, each distance in units of that face; 0 beyond a soft seam."""
    y, x = view.pixel_centres()

    def away(left: float, top: float, unit: float) -> Field:
        return np.asarray(np.hypot(x[None] - left, y[:, None] - top) / max(unit, 1e-3), dtype=np.float32)

    (left, top), own = subject.face.points.mean(axis=0).tolist(), np.ones(view.shape, dtype=np.float32)
    for other in subject.others:
        own = np.minimum(own, smoothstep(away(*other) - away(left, top, face_unit(subject)), -_SEAM / 2, _SEAM / 2))
    return own


def crop_fade(subject: Subject, view: View, photo_shape: tuple[int, ...]) -> Field:
    """(h, w): 1 inside the face's crop, falling to 0 where the crop ends inside the photo, so that long hair shows no cut.

    There is none on a side where the photo ends with the crop, and a narrow one where it nearly does.
    """
    middle = (_CROP.width - 1) / 2
    matrix = alignment_matrix(subject.face.points, _CROP, _CROP.width) / subject.parts_scale
    matrix[:, 2] += middle - middle / subject.parts_scale  # the part masks may cover more than the crop, around the same centre
    return fade_at_border(matrix, view, photo_shape)


def fade_at_border(matrix: Matrix, view: View, photo_shape: tuple[int, ...]) -> Field:
    """`crop_fade` of a crop of 512 pixels to which the matrix (2, 3) takes pixels of the photo."""
    y, x = view.pixel_centres()
    high, wide = photo_shape[:2]
    corners = np.array([(0, 0, 1), (wide - 1, 0, 1), (0, high - 1, 1), (wide - 1, high - 1, 1)]) @ matrix.T
    fade = np.ones(view.shape, dtype=np.float32)
    far = _CROP.width - 1
    for axis, (first, last) in enumerate(_FADE_SHARES):
        at = matrix[axis, 0] * x[None] + matrix[axis, 1] * y[:, None] + matrix[axis, 2]
        before, after = -float(corners[:, axis].min()), float(corners[:, axis].max()) - far
        for beyond, inside, share in ((before, at, first), (after, far - at, last)):
            if beyond > 0:
                fade *= smoothstep(inside, 0, share * min(far, beyond / _ENDS_WITH_PHOTO))
    return fade
