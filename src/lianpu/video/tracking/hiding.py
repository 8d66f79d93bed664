"""Where faces that must stay hidden may be, also in frames in which no search found them: later frames, and earlier ones.

A search finds a face in one frame and misses it in the next: it turns away, moves fast, is half covered, or walks in from the edge. A
tracker that is made for looks drops it then; what hides faces must not. So a face that was found once is followed on by optical flow,
or by its own speed, for `KEPT_S`, and back to the frames before it was first found; its outline grows with the doubt about where it is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.faces.detection import scale_face
from lianpu.faces.results import LANDMARK_COUNTS, Face, FaceParts, Landmarks, Points, Subject
from lianpu.imaging.geometry import Matrix, map_points
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.motion import GreyFrame, motion_of
from lianpu.video.tracking.tracks import TRACKED, moved_face

KEPT_S = 1.0
"""A face is covered for so long after it was last found, and for so long before it was first found, up to the cut."""

MOST_DOUBT = 1.0
"""A face's outline grows by at most so many times its size."""

_DOUBT_A_FRAME = 0.05
"""Doubt that each frame without a finding adds, in sizes of the face."""

_DOUBT_OF_SPEED = 0.25
"""Doubt for each distance of the eyes that the face moves in a frame: it is blurred, and its place is less sure."""

_SURE_SCORE, _DOUBT_OF_SCORE = 0.8, 0.5
"""A face that was found with a lower score is in doubt, by so much for each point below."""

_BLURRED, _DOUBT_OF_BLUR = 0.35, 0.2
"""A face with so much of its former sharpness is blurred."""

_SAME_SIZE, _DOUBT_OF_SIZE = 1.35, 0.3
"""A face that is so many times larger or smaller from one finding to the next is in doubt."""

_SURE = 0.1
"""Least doubt at which a face is covered with a grown outline, though it was found."""

_NEAR = 0.8
"""A finding this near to where a face was expected, in distances of the eyes beside the doubt, is that face."""

_SAME = 0.3
"""A tracked face this near to a hidden one covers it."""

_FLOWING = 0.35
"""Least share of points whose flow is believed."""

_GRID = np.stack(np.meshgrid(np.linspace(-0.8, 0.8, 6), np.linspace(-0.6, 1.3, 7)), axis=-1).reshape(-1, 2)
"""Points of a face that are followed, in distances of the eyes from the point between the eyes."""


@dataclass(frozen=True, eq=False)
class HiddenFace:
    """A face that is to be hidden, as it is or may be in a frame.

    Args:
        number: unique.
        face: where it was found, or is expected.
        speed: (2,) of its middle, in pixels per second.
        doubt: how far it may reach beyond `face`, in sizes of the face; 0 where it is sure.
        unseen_s: seconds since it was last found; 0 in a frame in which it was.
        sightings: in how many frames it was found.
        sharpness: of its pixels when they were sharpest, lately.
    """

    number: int
    face: Face
    speed: np.ndarray
    doubt: float = 0.0
    unseen_s: float = 0.0
    sightings: int = 1
    sharpness: float = 0.0

    @property
    def outline(self) -> Face:
        """The face, grown by its doubt."""
        return grown(self.face, 1 + min(self.doubt, MOST_DOUBT))


@dataclass(frozen=True, eq=False)
class HidingState:
    """What is known before the next frame. `HidingState()` is the state before the first one."""

    faces: tuple[HiddenFace, ...] = ()
    grey: GreyFrame | None = None
    next_number: int = 0


def watch(before: HidingState, grey: GreyFrame, found: Sequence[Face], seconds: float, *, cut: bool) -> HidingState:
    """The state after the next frame.

    Args:
        before: the state after the frame before.
        grey: this frame.
        found: the faces that a search found in it, in its pixels.
        seconds: since the frame before.
        cut: whether it begins another scene: nobody is expected then.
    """
    known = () if cut or before.grey is None else before.faces
    expected = [_onward(one, before.grey, grey, seconds, found) for one in known if before.grey is not None]
    of_face = _matched(expected, found)
    faces = []
    for index, (was, now) in enumerate(zip(known, expected, strict=True)):
        if index in of_face:
            faces.append(_found_again(was, found[of_face[index]], grey, seconds))
        elif now.unseen_s <= KEPT_S and _is_in(now.outline, grey):
            faces.append(now)
    number = before.next_number
    for index, face in enumerate(found):
        if index not in of_face.values():
            sharpness = _sharpness(face, grey)
            faces.append(HiddenFace(number, face, np.zeros(2), _doubt_of(face), sharpness=sharpness))
            number += 1
    return HidingState(tuple(faces), grey, number)


def look_back(one: HiddenFace, frames: Iterable[tuple[GreyFrame, float]], grey: GreyFrame) -> Iterator[HiddenFace]:
    """Where a face that was found in a frame may have been in the frames before it, the nearest first; until it was out of the picture.

    Args:
        one: the face; its `speed` is what it moves with from the frame on.
        frames: the earlier frames, the nearest first, and the seconds from each to the frame after it; up to the cut.
        grey: the frame in which it was found.
    """
    now = replace(one, speed=-one.speed)
    for earlier, seconds in frames:
        now = _onward(now, grey, earlier, seconds, ())
        if now.unseen_s > KEPT_S or not _is_in(now.outline, earlier):
            return
        yield now
        grey = earlier


def uncovered(faces: Sequence[HiddenFace], tracked: Sequence[Face]) -> tuple[HiddenFace, ...]:
    """The faces that the tracked ones do not cover: not found in this frame, in doubt, or tracked elsewhere or smaller."""
    return tuple(
        one for one in faces if one.unseen_s or one.doubt > _SURE or not any(is_covered(one.face, other) for other in tracked)
    )


def grown(face: Face, by: float) -> Face:
    """The face with its box and points `by` times as large, about the middle of its box."""
    left, top, right, bottom = face.box_xyxy
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    matrix = np.column_stack([np.eye(2) * by, middle * (1 - by)])
    points = map_points(matrix, face.points)
    half = np.array([right - left, bottom - top]) / 2 * by
    box = (*(middle - half).tolist(), *(middle + half).tolist())
    return replace(face, box_xyxy=(box[0], box[1], box[2], box[3]), points=points, detector=TRACKED)


_COVER_UNITS = 2.8
"""How far a window around a face that is covered reaches, in distances of the eyes from the middle of its five points."""


def covering(face: Face, picture: Picture) -> Subject | None:
    """A face that may be somewhere, as a subject whose parts nobody saw: it covers what its box and five points say. None outside of the picture."""
    height, width = picture.shape[:2]
    left, top, right, bottom = face.box_xyxy
    x, y = face.points.mean(axis=0).tolist()
    reach = _COVER_UNITS * face.unit_px
    rows = slice(max(0, math.floor(min(top, y - reach))), min(height, math.ceil(max(bottom, y + reach))))
    columns = slice(max(0, math.floor(min(left, x - reach))), min(width, math.ceil(max(right, x + reach))))
    if rows.stop - rows.start < 2 or columns.stop - columns.start < 2:
        return None
    angles = np.linspace(0, 2 * np.pi, LANDMARK_COUNTS["dlib-68"], endpoint=False)
    middle, half = np.array([(left + right) / 2, (top + bottom) / 2]), np.array([(right - left) / 2, (bottom - top) / 2])
    outline = middle + half * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    nothing = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
    return Subject(face, Landmarks(outline.astype(np.float32), "dlib-68"), (rows, columns), FaceParts(nothing, "none"))


class KnownFaces:
    """A detector that knows already which faces there are.

    Args:
        faces: in pixels of the frame.
        size_px: width and height of the frame; pictures that are given are copies of it.
    """

    name = "known"
    second_search_score = 0.0
    multiscale = True

    def __init__(self, faces: tuple[Face, ...], size_px: tuple[int, int]) -> None:
        self._faces, self._size_px = faces, size_px

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces in pixels of the picture."""
        by = (picture.shape[1] / self._size_px[0], picture.shape[0] / self._size_px[1])
        return tuple(scale_face(face, by) for face in self._faces)


def _onward(one: HiddenFace, before: GreyFrame, now: GreyFrame, seconds: float, found: Sequence[Face]) -> HiddenFace:
    """The face in the next frame, before it is known whether it is found there: by the flow of its pixels, else by its speed.

    The flow in a face that another one covers is that of the other: it counts only where no other face is found.
    """
    unit = one.face.unit_px
    steady = one.speed * seconds
    moved = moved_face(one.face, np.column_stack([np.eye(2), steady]))
    hidden_by_another = any(np.linalg.norm(_middle(other) - _middle(moved)) < 1.5 * unit for other in found)
    if not hidden_by_another:
        motion = motion_of(_grid(one.face), before, now)
        if motion.share >= _FLOWING:
            flowing = moved_face(one.face, _shift(motion.rigid, one.face))
            if np.linalg.norm(_middle(flowing) - _middle(moved)) < 2.0 * unit:
                moved = flowing
    speed = (_middle(moved) - _middle(one.face)) / seconds
    doubt = one.doubt + _DOUBT_A_FRAME + _DOUBT_OF_SPEED * float(np.linalg.norm(steady)) / unit * (one.unseen_s == 0)
    return replace(one, face=moved, speed=speed, doubt=min(doubt, MOST_DOUBT), unseen_s=one.unseen_s + seconds)


def _found_again(was: HiddenFace, face: Face, grey: GreyFrame, seconds: float) -> HiddenFace:
    """The face in a frame in which it was found; where its size jumps, one of the two findings is wrong, and it begins anew."""
    by = face.unit_px / was.face.unit_px
    if not 1 / _SAME_SIZE < by < _SAME_SIZE:
        return HiddenFace(was.number, face, np.zeros(2), _doubt_of(face) + _DOUBT_OF_SIZE, sharpness=_sharpness(face, grey))
    measured = (_middle(face) - _middle(was.face)) / seconds
    speed = measured if was.sightings == 1 else 0.5 * (was.speed + measured)
    sharp = _sharpness(face, grey)
    doubt = _doubt_of(face) + _DOUBT_OF_SPEED * float(np.linalg.norm(measured)) * seconds / face.unit_px
    doubt += _DOUBT_OF_BLUR * (sharp < _BLURRED * was.sharpness)
    sharpest = max(sharp, 0.97 * was.sharpness)
    return HiddenFace(was.number, face, speed, min(doubt, MOST_DOUBT), 0.0, was.sightings + 1, sharpest)


def _doubt_of(face: Face) -> float:
    return _DOUBT_OF_SCORE * max(0.0, _SURE_SCORE - face.score)


def _matched(expected: Sequence[HiddenFace], found: Sequence[Face]) -> dict[int, int]:
    """The index of the finding of each expected face: greedy, the nearest first."""
    pairs = sorted(
        (float(np.linalg.norm(_middle(one.face) - _middle(face))), i, j)
        for i, one in enumerate(expected)
        for j, face in enumerate(found)
    )
    of_face: dict[int, int] = {}
    for distance, i, j in pairs:
        reach = (_NEAR + expected[i].doubt) * max(expected[i].face.unit_px, found[j].unit_px)
        if distance <= reach and i not in of_face and j not in of_face.values():
            of_face[i] = j
    return of_face


def is_covered(face: Face, by: Face) -> bool:
    """Whether a face lies about where another one does, and is not larger."""
    unit = face.unit_px
    return float(np.linalg.norm(_points_middle(face) - _points_middle(by))) < _SAME * unit and by.unit_px > 0.75 * unit


def _middle(face: Face) -> np.ndarray:
    left, top, right, bottom = face.box_xyxy
    return np.array([(left + right) / 2, (top + bottom) / 2])


def _points_middle(face: Face) -> np.ndarray:
    return np.asarray(face.points, dtype=np.float64).mean(axis=0)


def _grid(face: Face) -> Points:
    """The points of the face that are followed, in pixels of the picture."""
    left, right, _, mouth_left, mouth_right = np.asarray(face.points, dtype=np.float64)
    eyes = (left + right) / 2
    down = (mouth_left + mouth_right) / 2 - eyes
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    across = np.array([down[1], -down[0]])
    return np.asarray(eyes + face.unit_px * (_GRID[:, :1] * across + _GRID[:, 1:] * down), dtype=np.float32)


def _shift(rigid: Matrix, face: Face) -> Matrix:
    """The shift of the face's middle alone: turning and growing by a few points would carry a cover away."""
    middle = _middle(face)
    return np.column_stack([np.eye(2), map_points(rigid, middle[None])[0] - middle])


def _is_in(face: Face, grey: GreyFrame) -> bool:
    """Whether any of the face's box lies in the picture."""
    height, width = grey.grey.shape[0] / grey.scale[1], grey.grey.shape[1] / grey.scale[0]
    left, top, right, bottom = face.box_xyxy
    return right > 0 and bottom > 0 and left < width and top < height


_SHARPNESS_PX = 48


def _sharpness(face: Face, grey: GreyFrame) -> float:
    """How sharp the face's pixels are: the deviation of their Laplacian at a fixed size; 0 outside of the picture."""
    left, top, right, bottom = np.array(face.box_xyxy) * np.tile(grey.scale, 2)
    rows = slice(max(0, round(top)), max(0, round(bottom)))
    columns = slice(max(0, round(left)), max(0, round(right)))
    part = grey.grey[rows, columns]
    if not part.size:
        return 0.0
    return float(cv2.Laplacian(cv2.resize(part, (_SHARPNESS_PX, _SHARPNESS_PX), interpolation=cv2.INTER_AREA), cv2.CV_32F).std())
