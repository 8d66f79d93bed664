"""A face that tests put where they want it: points of the template, and parts that are painted."""

import numpy as np

from lianpu.faces.alignment import TEMPLATES, align, window_of
from lianpu.faces.results import Face, FaceParts, Landmarks
from lianpu.faces.subject import Subject
from lianpu.part_names import part_index


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
