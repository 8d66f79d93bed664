"""The box that dlib's own detector would draw around a face: what its predictors were trained on, and go wrong without."""

from __future__ import annotations

import math

import numpy as np

from lianpu.perception.alignment import TEMPLATES, Matrix, alignment_matrix, inverse, map_points, scale_of
from lianpu.perception.results import Face

BoxXyxy = tuple[float, float, float, float]

UPRIGHT = TEMPLATES["celebamask-hq"]
"""Where a face is brought before its box is drawn, or before it is read when it lies too far on its side."""

BOX_CENTRE = (252.4, 303.9)
"""Middle of dlib's box in the upright crop of 512 px: the mean over 886 faces of CelebAMask-HQ found by `HogFinder()`, +-8 and 11 px.

Against the points from dlib's own box, 68 points from SCRFD's box as it is are off by 4.7 % of the distance of the outer eye corners
(mean of 176 faces; up to 82 %), from YuNet's by 4.2 %; from the box mapped by each detector's mean shift and size by 2.4 and 2.3 %;
from the square that is drawn here by 1.1 %, with either. dlib's own box moves its points by 1.2 % when its picture is not enlarged.
"""

BOX_SIDE = 288.8
"""Side of dlib's box there, +-23 px: dlib searches sizes in steps of 6 to 5."""

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
