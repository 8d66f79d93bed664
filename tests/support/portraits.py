"""Drawn portraits that dlib finds and whose 68 points are known: what most tests take where a photo of a face is needed."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from lianpu.dataset.drawn import DrawnFace, draw_face
from lianpu.faces.dlib_models import five_of_68
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.photo.writing import write_image

PEOPLE = (1, 2, 4, 5, 6, 7, 9, 0)
"""Numbers of portraits without glasses and hat in which dlib's detector finds one face; the last has no hair."""


@lru_cache(maxsize=32)
def portrait(number: int = PEOPLE[0], side_px: int = 512) -> DrawnFace:
    """The drawn portrait of a number of PEOPLE. Do not write into it: all tests get the same one."""
    return draw_face(3, number, side_px, {"Eyeglasses": False, "Wearing_Hat": False})


def write_portrait(file: Path, number: int = PEOPLE[0], side_px: int = 512) -> Path:
    """The file, with the portrait in it."""
    return write_image(file, portrait(number, side_px).picture)


def portrait_face(number: int = PEOPLE[0], side_px: int = 512) -> Face:
    """The face of a portrait, from its own points, as a detector would give it."""
    return _face(portrait(number, side_px).points)


def group(people: tuple[int, ...] = PEOPLE[:6], side_px: int = 256, columns: int = 3) -> tuple[Picture, tuple[Face, ...]]:
    """A photo of several portraits in rows, and their faces in the same order."""
    rows, faces = [], []
    for top in range(0, len(people), columns):
        row = [portrait(number, side_px).picture for number in people[top : top + columns]]
        row += [np.full_like(row[0], 200)] * (columns - len(row))
        rows.append(np.concatenate(row, axis=1))
    for at, number in enumerate(people):
        corner = np.array((at % columns, at // columns)) * side_px
        faces.append(_face(portrait(number, side_px).points + corner))
    return np.concatenate(rows), tuple(faces)


def _face(points: np.ndarray) -> Face:
    (left, top), (right, bottom) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return Face((left, top, right, bottom), 0.9, five_of_68(points.astype(np.float32)), "drawn")
