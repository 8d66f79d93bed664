"""The box that dlib's own detector would draw around a face: what its predictors were trained on, and go wrong without."""

from __future__ import annotations

import math

import numpy as np

from lianpu.perception.alignment import TEMPLATES, Matrix, alignment_matrix, inverse, map_points, scale_of
from lianpu.perception.results import Face

BoxXyxy = tuple[float, float, float, float]

UPRIGHT = TEMPLATES["celebamask-hq"]
"""Where a face is brought before its box is drawn, or before it is read when it lies too far on its side."""

BOX_CENTRE = (251.5, 313.0)
"""Middle of dlib's box in the upright crop of 512 px."""

BOX_SIDE = 300.0
"""Side of dlib's box there."""

LARGEST_ROLL_DEG = 30.0
"""dlib's predictors were trained on faces turned in the picture by less than about this."""


def roll_deg(face: Face) -> float:
    """How far the face is turned in the picture, -180 to 180 degrees; 0 is upright, positive is clockwise."""
    matrix = alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)
    return math.degrees(math.atan2(-matrix[1, 0], matrix[0, 0]))


def is_upright(face: Face) -> bool:
    """Whether dlib's predictors can read the face as it lies in the picture."""
    return abs(roll_deg(face)) <= LARGEST_ROLL_DEG


def dlib_box(face: Face) -> BoxXyxy:
    """The box dlib's detector would draw: its own if it found the face, else a square about the face's five points.

    The boxes of other detectors are taller, wider or tighter, each in its own way; the five points mean the same everywhere.
    """
    if face.detector == "dlib":
        return face.box_xyxy
    matrix = alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)
    x, y = map_points(inverse(matrix), np.array([BOX_CENTRE]))[0].tolist()
    half = BOX_SIDE / 2 / scale_of(matrix)
    return (x - half, y - half, x + half, y + half)


def upright_box() -> BoxXyxy:
    """dlib's box in the upright crop of 512 px."""
    (x, y), half = BOX_CENTRE, BOX_SIDE / 2
    return (x - half, y - half, x + half, y + half)


def upright_matrix(face: Face) -> Matrix:
    """The matrix (2, 3) that brings the face upright into the crop."""
    return alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)
