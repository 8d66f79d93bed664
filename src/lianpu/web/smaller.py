"""A photo and what was seen in it at a size that a page shows: edits are tried on it, and done on the whole photo at the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from lianpu.effects.subject import Around, Subject
from lianpu.image import Picture
from lianpu.perception.alignment import Window
from lianpu.perception.results import FaceParts, Landmarks

SHOWN_PX = 1280
"""The longer side of what the page shows."""


def made_smaller(photo: Picture, subjects: Sequence[Subject], longest_px: int = SHOWN_PX) -> tuple[Picture, tuple[Subject, ...]]:
    """The photo (H, W, 3) with a longer side of at most `longest_px`, and its faces there; both as they are where it is not longer."""
    height, width = photo.shape[:2]
    scale = longest_px / max(height, width)
    if scale >= 1.0:
        return photo, tuple(subjects)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small: Picture = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    by = np.array([size[0] / width, size[1] / height])
    return small, tuple(_smaller(subject, by, size) for subject in subjects)


def _smaller(subject: Subject, by: np.ndarray, size: tuple[int, int]) -> Subject:
    """A subject whose pixels (x, y) lie at pixel * by, in a picture of that size (width, height)."""
    box = np.array(subject.face.box_xyxy).reshape(2, 2) * by
    face = replace(subject.face, box_xyxy=tuple(box.ravel().tolist()), points=_moved(subject.face.points, by))
    points = Landmarks(_moved(subject.landmarks.points, by), subject.landmarks.scheme)
    around = None if subject.around is None else Around(*_parts(subject.around.window, subject.around.parts, by, size))
    return Subject(face, points, *_parts(subject.window, subject.parts, by, size), around)


def _parts(window: Window, parts: FaceParts, by: np.ndarray, size: tuple[int, int]) -> tuple[Window, FaceParts]:
    rows, columns = window
    smaller = (_span(rows, by[1], size[1]), _span(columns, by[0], size[0]))
    shape = (smaller[1].stop - smaller[1].start, smaller[0].stop - smaller[0].start)
    mask = np.asarray(cv2.resize(parts.mask, shape, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return smaller, FaceParts(mask, parts.parser)


def _moved(points: np.ndarray, by: np.ndarray) -> np.ndarray:
    return np.asarray((np.asarray(points, dtype=np.float64) + 0.5) * by - 0.5, dtype=np.float32)


def _span(part: slice, by: float, most: int) -> slice:
    start = min(most - 1, max(0, round(part.start * by)))
    return slice(start, max(start + 1, min(most, round(part.stop * by))))
