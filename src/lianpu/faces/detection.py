"""Every face of a picture: searched small where it is large, with a border where a face may fill it, and turned where people lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np
from PIL import Image

from lianpu.errors import Message
from lianpu.faces.results import TURNS, Face
from lianpu.imaging.geometry import Scale, scale_between, scale_box, scale_points, scaled_size, shrink
from lianpu.imaging.picture import Picture, check_picture

BORDER = 0.5
"""Border that is added on each side, as a share of the longer side of the picture."""

_TOUCHES = 0.01

_FILLS = 0.6

_BORDERED_SIDE_PX = 1280
"""A picture is scaled down to this before it gets a border: the face in question is large."""


class Detector(Protocol):
    """Finds the faces that stand about upright in a picture; it need not care for borders."""

    name: str
    second_search_score: float
    """Least score of a face that is found only with a border or only in a turned picture: every further search finds more that is no
    face. 0 takes all."""
    multiscale: bool
    """Whether it searches a picture of any size at all its scales, also for a face that fills it: no smaller copies or borders are made."""

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) uint8 RGB, in any order."""
        ...


SMALL_PX = 1280
"""Longest side at which a much larger photo is searched first (after half of this side, for a face that fills the photo)."""

_WORTH_WHILE = 0.75
"""A photo whose longest side is less than `SMALL_PX` over this is searched as it is: a smaller copy would save nothing."""

_SURE_PX = {SMALL_PX // 2: 200, SMALL_PX: 80}
"""Longest side of the copy: least width there of its smallest face. Where all are as wide, no other face was missed."""


_SMALL_PICTURE_PX = 1000
"""A picture with a shorter longest side is searched again enlarged when nobody is found."""

_ENLARGED = 2.0


def find_faces(
    picture: Picture, detector: Detector, *, upright: bool = False, min_score: float | None = None, again: bool = True
) -> tuple[Face, ...]:
    """The faces of a picture (H, W, 3) uint8 RGB, largest first; an empty tuple when there is none.

    A large photo is searched in a smaller copy first (see `SMALL_PX`), and as it is only when no face is found there, or one so small
    that others may have been missed.

    Detectors miss a face that fills the picture: when nothing is found, or a face touches the edge, the picture is searched again with
    a border. A face that is found twice counts once, as the more confident finding. Where nobody is found at all, a small picture is
    searched enlarged (`Face.enlarged`), and then any picture turned (`Face.turned`); `second_look` says it. A face that only a further
    search finds needs a higher score: see `Detector`.

    Args:
        picture: the picture.
        detector: finds the faces.
        upright: also search the picture turned by 90, 180 and 270 degrees where faces were found (four times the work). A face's
            `turned` says how far the picture had to be turned.
        min_score: leave out faces below this score; None leaves it to the detector.
        again: search again where nobody is found.
    """
    found = _at_all_sizes(check_picture(picture), detector, upright, min_score)
    if found or not again:
        return found
    longest = max(picture.shape[:2])
    if longest < _SMALL_PICTURE_PX:
        image = Image.fromarray(picture).resize(scaled_size(picture, _ENLARGED), Image.Resampling.BICUBIC)
        large = np.asarray(image, dtype=np.uint8)
        found = _sure(_search(large, detector, TURNS[:1], min_score), detector)
        if found:
            return tuple(replace(scale_face(face, scale_between(large, picture)), enlarged=True) for face in found)
    if upright:
        return ()
    small = shrink(picture, SMALL_PX)
    found = _search(small, detector, TURNS[1:], min_score)
    return tuple(scale_face(face, scale_between(small, picture)) for face in found)


def second_look(faces: Iterable[Face], *, upright: bool = False) -> Message | None:
    """One line on faces that only a second search found, enlarged or turned; None where there is none.

    Args:
        faces: of `find_faces`.
        upright: whether turned faces were asked for, and need no word.
    """
    found = tuple(faces)
    enlarged = sum(face.enlarged for face in found)
    turned = 0 if upright else sum(face.turned != 0 and not face.enlarged for face in found)
    if not enlarged + turned:
        return None
    if enlarged:
        return Message("faces found in the picture enlarged: {count}", key="faces.found_enlarged", count=enlarged)
    degrees = ", ".join(str(turn) for turn in TURNS[1:] if any(face.turned == turn for face in found))
    return Message(
        "faces found in the picture turned by {degrees} degrees: {count}", key="faces.found_turned", degrees=degrees, count=turned
    )


def _at_all_sizes(picture: Picture, detector: Detector, upright: bool, min_score: float | None) -> tuple[Face, ...]:
    """The faces of a picture, searched small first where it is large and the detector does not do so by itself."""
    longest = max(picture.shape[:2])
    turns = TURNS if upright else TURNS[:1]
    is_large = _WORTH_WHILE * longest >= SMALL_PX and not detector.multiscale
    for side, sure_px in _SURE_PX.items() if is_large else ():
        size = scaled_size(picture, side / longest)
        small = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
        found = _search(small, detector, turns, min_score)
        if found and min(face.width_px for face in found) >= sure_px:
            return tuple(scale_face(face, scale_between(small, picture)) for face in found)
    return _search(picture, detector, turns, min_score)


def _search(picture: Picture, detector: Detector, turns: Sequence[int], min_score: float | None) -> tuple[Face, ...]:
    """The faces of a picture, largest first, searched at its own size, turned by each of some angles."""
    height, width = picture.shape[:2]
    found: list[Face] = []
    for turn in turns:
        turned = np.ascontiguousarray(np.rot90(picture, turn // 90)) if turn else picture
        found += [turned_back(face, turn, width, height) for face in _with_border(turned, detector, first=not turn)]
    least = 0.0 if min_score is None else min_score
    return largest_first(face for face in merged(found) if face.score >= least)


def _with_border(picture: Picture, detector: Detector, *, first: bool) -> tuple[Face, ...]:
    """What is found in the picture and, if a face may fill it, in a copy with a border."""
    height, width = picture.shape[:2]
    found = detector.detect(picture) if first else _sure(detector.detect(picture), detector)
    if detector.multiscale or (found and not any(may_fill(face, width, height) for face in found)):
        return found
    bordered, scale, border = add_border(picture)
    again = [face_before(face, scale, border, border) for face in _sure(detector.detect(bordered), detector)]
    return (*found, *(face for face in again if _is_inside(face, width, height)))


def _sure(faces: tuple[Face, ...], detector: Detector) -> tuple[Face, ...]:
    return tuple(face for face in faces if face.score >= detector.second_search_score)


def may_fill(face: Face, width: int, height: int) -> bool:
    """Whether a face touches the edge of its picture, or takes more than 60 % of its width or height."""
    x1, y1, x2, y2 = face.box_xyxy
    near = _TOUCHES * max(width, height)
    touches = x1 <= near or y1 <= near or x2 >= width - 1 - near or y2 >= height - 1 - near
    return touches or face.width_px > _FILLS * width or face.height_px > _FILLS * height


def add_border(picture: Picture) -> tuple[Picture, tuple[float, float], int]:
    """The picture, scaled down when it is large, in the middle of a black border; the scale across and down; the border in pixels."""
    small, scale = picture, _BORDERED_SIDE_PX / max(picture.shape[:2])
    if scale < 1.0:
        image = Image.fromarray(picture).resize(scaled_size(picture, scale), Image.Resampling.BILINEAR, reducing_gap=2.0)
        small = np.asarray(image, dtype=np.uint8)
    border = max(1, round(BORDER * max(small.shape[:2])))
    return np.pad(small, ((border, border), (border, border), (0, 0))), scale_between(picture, small), border


def _is_inside(face: Face, width: int, height: int) -> bool:
    x, y = (face.box_xyxy[0] + face.box_xyxy[2]) / 2, (face.box_xyxy[1] + face.box_xyxy[3]) / 2
    return 0 <= x < width and 0 <= y < height


SAME_FACE_IOU = 0.4
"""Two boxes that overlap more than this are one face (what InsightFace's non-maximum suppression takes)."""

_WITHIN = 0.5


def scale_face(face: Face, by: Scale) -> Face:
    """The face of a picture in a copy of it that is `by` times as large."""
    points = scale_points(face.points, by).astype(np.float32)
    return replace(face, box_xyxy=scale_box(face.box_xyxy, by), points=points)


def face_before(face: Face, scale: Scale = 1.0, left: float = 0.0, top: float = 0.0) -> Face:
    """The face in the picture itself that was found in a copy: one `scale` times as large, then shifted by (left, top) pixels."""
    across, down = np.broadcast_to(scale, 2).tolist()
    x1, y1, x2, y2 = face.box_xyxy
    points = np.asarray(face.points - (left, top), dtype=np.float32)
    unshifted = replace(face, box_xyxy=(x1 - left, y1 - top, x2 - left, y2 - top), points=points)
    return scale_face(unshifted, (1 / across, 1 / down))


def turned_back(face: Face, turn: int, width: int, height: int) -> Face:
    """A face found in `np.rot90(picture, turn // 90)` as it lies in the picture of `width` x `height` pixels; `turned` is set."""
    corners = _points_turned_back(np.array(face.box_xyxy, dtype=np.float64).reshape(2, 2), turn, width, height)
    (x1, y1), (x2, y2) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    points = _points_turned_back(face.points.astype(np.float64), turn, width, height)
    return replace(face, box_xyxy=(x1, y1, x2, y2), points=points.astype(np.float32), turned=(face.turned + turn) % 360)


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

    A detector may find a smaller face within one that is upside down.
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
