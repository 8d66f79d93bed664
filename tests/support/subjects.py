"""Subjects without models: faces whose parts and points are known, in photos of any size, turned and cut off."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import cv2
import numpy as np

from lianpu.dataset.drawn import DrawnFace, draw_face
from lianpu.faces.alignment import TEMPLATES, align, window_of
from lianpu.faces.results import Face, FaceParts, Landmarks, Subject
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index

OPEN_MOUTH = {"Mouth_Slightly_Open": True, "Eyeglasses": False, "Wearing_Hat": False}
_SIDE = 384


@lru_cache(maxsize=8)
def _drawn(index: int) -> DrawnFace:
    return draw_face(3, index, _SIDE, OPEN_MOUTH)


def drawn_photo(
    width: int = 300,
    height: int = 260,
    side: float = 200.0,
    left: float = 50.0,
    top: float = 40.0,
    turn: float = 0.0,
    index: int = 1,
) -> tuple[Picture, Subject]:
    """A photo of a gradient with a drawn portrait of `side` pixels in it, its corner at (left, top) and turned by degrees."""
    face = _drawn(index)
    matrix = cv2.getRotationMatrix2D((_SIDE / 2, _SIDE / 2), turn, side / _SIDE)
    matrix = matrix + np.array([[0, 0, left + (side - _SIDE) / 2], [0, 0, top + (side - _SIDE) / 2]])
    y, x = np.mgrid[:height, :width]
    photo = np.dstack([60 + 120 * x / width, 200 - 90 * y / height, 90 + 0 * x]).astype(np.uint8)
    inside = cv2.warpAffine(np.ones((_SIDE, _SIDE), np.uint8), matrix, (width, height))
    photo = np.where(inside[:, :, None] > 0, cv2.warpAffine(face.picture, matrix, (width, height), flags=cv2.INTER_AREA), photo)
    mask = cv2.warpAffine(face.mask, matrix, (width, height), flags=cv2.INTER_NEAREST)
    return photo, subject_of(mask, face.points @ matrix[:, :2].T + matrix[:, 2])


def subject_of(mask: np.ndarray, points: np.ndarray) -> Subject:
    """The subject of a mask over a whole photo and 68 points; its window is the whole photo."""
    five = np.array(
        [points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[54]], dtype=np.float32
    )
    (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
    face = Face((left, top, right + 1, bottom + 1), 0.9, five, "drawn")
    window = (slice(0, mask.shape[0]), slice(0, mask.shape[1]))
    return Subject(face, Landmarks(points.astype(np.float32), "dlib-68"), window, FaceParts(mask.astype(np.uint8), "drawn"))


def windowed(subject: Subject, rows: slice, columns: slice) -> Subject:
    """The same subject, whose parts are known in a part of the photo only."""
    parts = FaceParts(np.ascontiguousarray(subject.parts.mask[rows, columns]), "drawn")
    return replace(subject, window=(rows, columns), parts=parts)


def face_at(x: float, y: float, eyes_px: float) -> Face:
    """An upright face whose eyes are `eyes_px` apart, the middle between them at (x, y)."""
    unit = eyes_px / 124.2
    points = np.array([(-62.1, 0), (62.1, 0), (-1.2, 71.7), (-55.9, 129.5), (56.3, 129.7)]) * unit + (x, y)
    return Face((x - eyes_px, y - eyes_px, x + eyes_px, y + 2 * eyes_px), 0.9, points.astype(np.float32), "test", 0)


def subject_at(photo: np.ndarray, x: float, y: float, eyes_px: float) -> Subject:
    """A face with skin in an ellipse, hair in the upper half of a larger one, and nothing else."""
    face = face_at(x, y, eyes_px)
    window = window_of(align(photo, face, TEMPLATES["celebamask-hq"], 64), photo.shape[1], photo.shape[0])
    assert window is not None
    rows, columns = window
    v, u = np.mgrid[rows.start : rows.stop, columns.start : columns.stop]
    u, v = (u - x) / eyes_px, (v - y - 0.5 * eyes_px) / eyes_px
    mask = np.zeros(u.shape, dtype=np.uint8)
    mask[((u / 1.3) ** 2 + (v / 1.7) ** 2 < 1) & (v < 0)] = part_index("hair")
    mask[(u / 0.95) ** 2 + (v / 1.2) ** 2 < 1] = part_index("skin")
    landmarks = np.tile(np.array([x, y + 0.5 * eyes_px], np.float32), (68, 1))
    for first, side in ((36, -0.5), (42, 0.5), (17, -0.5), (22, 0.5)):
        landmarks[first : first + 5] = (x + side * eyes_px, y - (0.3 * eyes_px if first < 30 else 0))
    landmarks[[41, 47]] = landmarks[[40, 46]]
    return Subject(face, Landmarks(landmarks, "dlib-68"), window, FaceParts(mask, "test"))


def cut_off() -> tuple[np.ndarray, Subject]:
    return drawn_photo(width=120, height=110, side=200, left=-90, top=-60)


def large() -> tuple[np.ndarray, Subject]:
    return drawn_photo(width=90, height=70, side=260, left=-85, top=-100)


def tiny() -> tuple[np.ndarray, Subject]:
    return drawn_photo(width=60, height=50, side=30, left=12, top=8)


def upside_down() -> tuple[np.ndarray, Subject]:
    return drawn_photo(turn=180)


def on_its_side() -> tuple[np.ndarray, Subject]:
    return drawn_photo(turn=90)


def one_pixel() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return photo[100:101, 100:101].copy(), subject_of(np.ones((1, 1), np.uint8), subject.landmarks.points - 100)


def thin() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return photo[:, 149:150].copy(), subject_of(subject.parts.mask[:, 149:150], subject.landmarks.points - (149, 0))


def without_parts() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return photo, replace(subject, parts=FaceParts(np.zeros_like(subject.parts.mask), "blind"))


def all_hair() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return photo, replace(subject, parts=FaceParts(np.full_like(subject.parts.mask, 13), "mistaken"))


def all_mouth() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return photo, replace(subject, parts=FaceParts(np.full_like(subject.parts.mask, 10), "mistaken"))


def black() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return np.zeros_like(photo), subject


def white() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    return np.full_like(photo, 255), subject


def points_in_one_line() -> tuple[np.ndarray, Subject]:
    photo, subject = drawn_photo()
    points = np.column_stack([np.linspace(100, 102, 68), np.linspace(60, 160, 68)])
    return photo, subject_of(subject.parts.mask, points)


HARD_CASES = {
    make.__name__: make
    for make in (
        cut_off,
        large,
        tiny,
        upside_down,
        on_its_side,
        one_pixel,
        thin,
        without_parts,
        all_hair,
        all_mouth,
        black,
        white,
        points_in_one_line,
    )
}
"""Photos and faces that nobody would have thought of, by name."""
