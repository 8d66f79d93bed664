"""Moving faces between a picture and its scaled, bordered or turned copies, and merging what was found twice."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from lianpu.perception.results import Face

SAME_FACE_IOU = 0.4
"""Two boxes that overlap more than this are one face (what InsightFace's non-maximum suppression takes)."""

_WITHIN = 0.5


def moved(face: Face, scale: float = 1.0, left: float = 0.0, top: float = 0.0) -> Face:
    """The face in a picture whose pixel (x, y) is (x * scale + left, y * scale + top) of where it was found, undone.

    So a copy that was made `scale` times as large and then shifted by (left, top) pixels gives its faces back.
    """
    offset = np.array([left, top], dtype=np.float64)
    corners = (np.array(face.box_xyxy, dtype=np.float64).reshape(2, 2) - offset) / scale
    x1, y1, x2, y2 = corners.ravel().tolist()
    return replace(face, box_xyxy=(x1, y1, x2, y2), points=((face.points - offset) / scale).astype(np.float32))


def turned_back(face: Face, turn: int, width: int, height: int) -> Face:
    """A face found in `np.rot90(picture, turn // 90)` as it lies in the picture of `width` x `height` pixels; `turned` is set."""
    corners = _points_turned_back(np.array(face.box_xyxy, dtype=np.float64).reshape(2, 2), turn, width, height)
    (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    points = _points_turned_back(face.points.astype(np.float64), turn, width, height)
    return replace(face, box_xyxy=(x1, y1, x2, y2), points=points.astype(np.float32), turned=turn)


def _points_turned_back(points: np.ndarray, turn: int, width: int, height: int) -> np.ndarray:
    x, y = points[:, 0], points[:, 1]
    if turn == 90:
        return np.stack([width - 1 - y, x], axis=1)
    if turn == 180:
        return np.stack([width - 1 - x, height - 1 - y], axis=1)
    if turn == 270:
        return np.stack([y, height - 1 - x], axis=1)
    return points


def overlap(first: Face, second: Face) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    shared = _shared_area(first, second)
    return shared / (first.area + second.area - shared)


def is_same_face(first: Face, second: Face) -> bool:
    """Whether two findings are of one face: their boxes overlap much, or, found at different turns, one lies in the other.

    A detector that looks at a face the wrong way up may see a smaller one within it.
    """
    if first.turned != second.turned and _shared_area(first, second) > _WITHIN * min(first.area, second.area):
        return True
    return overlap(first, second) > SAME_FACE_IOU


def _shared_area(first: Face, second: Face) -> float:
    ax1, ay1, ax2, ay2 = first.box_xyxy
    bx1, by1, bx2, by2 = second.box_xyxy
    return max(0.0, min(ax2, bx2) - max(ax1, bx1)) * max(0.0, min(ay2, by2) - max(ay1, by1))


def roll_degrees(face: Face) -> float:
    """How far the face leans clockwise, -180 to 180, in the picture as it was turned when the face was found; by its points."""
    points = face.points.astype(np.float64)
    x, y = (points[0] + points[1] - points[3] - points[4]).tolist()  # from the mouth to the eyes
    return (math.degrees(math.atan2(x, -y)) - face.turned + 180.0) % 360.0 - 180.0


def sureness(face: Face) -> float:
    """The score, less for a face that leans where it was found: lying it has 3/4 of it, upside down half.

    SCRFD finds some upright faces also in the turned picture, and a little surer, with points that say that they lie.
    """
    return face.score * (3.0 + math.cos(math.radians(roll_degrees(face)))) / 4.0


def merged(faces: Iterable[Face]) -> tuple[Face, ...]:
    """The faces, each counted once: its surest finding, surest first (equal ones: in the order given)."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: -sureness(face)):
        if not any(is_same_face(face, other) for other in kept):
            kept.append(face)
    return tuple(kept)


def largest_first(faces: Iterable[Face]) -> tuple[Face, ...]:
    """The faces by the area of their boxes, largest first."""
    return tuple(sorted(faces, key=lambda face: -face.area))
