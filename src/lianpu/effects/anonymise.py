"""Anonymising a face: blur, pixelation or a solid cover over the whole head, from chin to above the forehead, ears included."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.face_masks import FACE_PARTS, face_unit, part_cover
from lianpu.effects.live import live_view, mix_in_place, to_view
from lianpu.faces.live import LiveFace
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_of_color
from lianpu.imaging.compositing import Field, View, blend, upsample, view_of
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture

CELL_SHARE = 0.5
"""Side of a cell as a share of the distance of the eyes: a face is about five cells wide and seven high."""
_MARGIN, _FEATHER = 0.14, 0.14
_AROUND_A_FACE = np.array(
    [(-1.2, 0.1), (1.2, 0.1), (-1.0, -0.9), (1.0, -0.9), (-0.5, -1.3), (0.5, -1.3), (0, 1.95), (-0.75, 1.65), (0.75, 1.65)]
)
"""Outline around a face, in eye distances from the point between the eyes (x, y): always covered, even if parsing and landmarks fail."""


_COVERED = (*FACE_PARTS, "l_ear", "r_ear")
_COVER_PX = 32.0
"""Most pixels of the face's unit that the live form computes at."""


def anonymise(photo: Picture, subject: Subject, strength: float, way: str, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's face blurred, pixelated or covered with a colour (#rrggbb).

    From a strength of 1 on, only the mean colours of cells of half the eyes' distance remain, also under the blur: a plain blur could be
    undone. Below 1 the face shows through.
    """
    view = view_of(photo, subject.window)
    weight = face_cover(subject, view) * np.float32(min(1.0, strength))
    squares = _squares(view, CELL_SHARE * face_unit(subject) * view.scale)
    blurred = _smooth(squares, view) if way == "blur" else squares

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        if way == "solid":
            pixels[:] = rgb_of_color(color)
            return pixels
        if way == "blur":
            return upsample(blurred, view.window, rows, columns)
        return squares[np.ix_(_cells(rows, view.window[0], len(squares)), _cells(columns, view.window[1], squares.shape[1]))]

    return blend(photo, view, weight, paint)


def live_anonymise(frame: Picture, face: LiveFace, strength: float, way: str, color: str) -> None:
    """`anonymise` in a live frame (H, W, 3), in place: at least what the photo form covers."""
    unit = face.face.unit_px
    view = live_view(frame, face.window(frame), unit, _COVER_PX)
    seen = face.share_over(_COVERED, to_view(view), view.shape[::-1]) > 76
    cover = _cover(view, seen, face.mesh.points[:, :2], face.face.points, unit)
    part = frame[view.window]
    size = part.shape[1::-1]
    weight = np.rint(cover * np.float32(255 * min(1.0, strength))).astype(np.uint8)
    weight = np.asarray(cv2.resize(weight, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    squares = _squares(view, CELL_SHARE * unit * view.scale)
    new: np.ndarray
    if way == "solid":
        new = np.empty_like(part)
        new[:] = np.rint(rgb_of_color(color) * 255)
    elif way == "blur":
        new = cv2.resize(_levels(_smooth(squares, view)), size, interpolation=cv2.INTER_LINEAR)
    else:
        new = cv2.resize(_levels(squares), size, interpolation=cv2.INTER_NEAREST)
    mix_in_place(part, np.asarray(new, dtype=np.uint8), weight)


def _levels(picture: Field) -> Picture:
    return np.rint(np.clip(picture * 255, 0, 255)).astype(np.uint8)


def face_cover(subject: Subject, view: View) -> Field:
    """(h, w): 1 over the whole face with ears, forehead and a margin, falling to 0 outside."""
    seen = part_cover(subject, view, *_COVERED) > 0.3
    return _cover(view, seen, subject.landmarks.points, subject.face.points, face_unit(subject))


def _cover(view: View, found: np.ndarray, landmarks: np.ndarray, five: np.ndarray, unit: float) -> Field:
    """`face_cover` from where a parser found a face (h, w), its landmarks (K, 2) and five points in the photo, and its unit."""
    seen = np.argwhere(found)[:, ::-1].astype(np.float64)
    left, right, _, mouth_left, mouth_right = np.asarray(five, dtype=np.float64)
    eyes = (left + right) / 2
    down = (mouth_left + mouth_right) / 2 - eyes
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    across = np.array([down[1], -down[0]])
    around = eyes + unit * (_AROUND_A_FACE[:, :1] * across + _AROUND_A_FACE[:, 1:] * down)
    points = np.concatenate([seen, view.to_view(around), view.to_view(landmarks)])
    hull = cv2.convexHull(np.rint(points).astype(np.int32))
    covered = cv2.fillConvexPoly(np.zeros(view.shape, dtype=np.uint8), hull, 1)
    distance = cv2.distanceTransform(1 - covered, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) if covered.any() else covered + 1e6
    first, last = _MARGIN * unit * view.scale + 1, (_MARGIN + _FEATHER) * unit * view.scale + 2
    return np.asarray(1 - smoothstep(distance, first, last), dtype=np.float32)


def _squares(view: View, side: float) -> Field:
    """Mean colours (rows, columns, 3) of square cells of about `side` pixels of the view."""
    size = tuple(max(1, round(length / max(side, 1.0))) for length in view.shape)
    return np.asarray(cv2.resize(view.picture, size[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32).reshape(*size, 3)


def _smooth(squares: Field, view: View) -> Field:
    """The cells upsampled smoothly to the view (h, w, 3)."""
    wide = enlarge(squares, view.shape[::-1])
    return np.asarray(cv2.GaussianBlur(wide, (0, 0), max(0.5, 0.4 * view.shape[0] / len(squares))), dtype=np.float32)


def _cells(part: slice, whole: slice, count: int) -> np.ndarray:
    """Index of the cell, of `count` over `whole`, for each row or column of `part`."""
    return (np.arange(part.start, part.stop) - whole.start) * count // (whole.stop - whole.start)
