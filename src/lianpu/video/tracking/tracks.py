"""A tracked face: its motion, its smoothed points, and its match among detected faces."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from lianpu.faces.analyzer import LandmarkReader
from lianpu.faces.detection import overlap
from lianpu.faces.dlib_models import five_of_68
from lianpu.faces.results import Face, Points, SexAge, Subject
from lianpu.imaging.geometry import Matrix, map_points, scale_of
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.cuts import Difference, FrameSignature
from lianpu.video.tracking.motion import GreyFrame, Motion
from lianpu.video.tracking.one_euro import OneEuro, Smoothed, smoothed
from lianpu.video.tracking.temporal_parsing import PartState

TRACKED = "tracked"
"""The `detector` of a face that was tracked, not detected."""

_MATCH_IOU = 0.3

_DUPLICATE_IOU = 0.5

_SWITCH_RATIO = 1.3
"""The largest face stays the largest until the area of another is this many times larger: similar faces do not alternate."""

MAX_DRIFT = 0.35
"""Predicted points this far from the tracked face (mean, in eye distances) are of something else."""

_MAX_ERROR = 0.15
"""Predicted points this far from the detected ones (mean, in eye distances) are predicted again from the detected box."""


_LOOKS_SOON, _LOOKS_FIRST, _LOOKS_EVERY = 3, 6, 15
"""How a face looks is read in every frame of so many up to this many readings, and then in every frame of so many."""

_LOOKS_LIVE = (30, 4, 300)
"""The same in a live picture."""

_LOOKS_MOST = 20
"""A new reading counts at least as much as one of so many."""

_LOOKS_S = 1.0
"""Time constant, in seconds, with which edits follow the mean of the readings."""

LooksReader = Callable[[Picture, Subject], SexAge | None]
"""Reads how male and how old a subject of a frame (H, W, 3) looks; None where it cannot."""


@dataclass(frozen=True)
class Looks:
    """How male and how old a tracked face looks, averaged: readings of a still face differ from frame to frame, and edits would flicker.

    Args:
        shown: what edits take: it follows the mean slowly.
        mean: of the readings so far.
        readings: how many they are, at most `_LOOKS_MOST`.
    """

    shown: SexAge
    mean: SexAge
    readings: int = 1


def next_looks(
    before: Looks | None, turn: int, seconds: float, read: Callable[[], SexAge | None], *, live: bool = False
) -> Looks | None:
    """How a face looks in the next frame; None until it could be read.

    Args:
        before: in the frame before; None for a new face, which is read.
        turn: number of the frame, shifted by the track's: several faces take turns.
        seconds: since the frame before.
        read: reads this frame; it is called rarely.
        live: it is called more rarely: a reading takes as long as two frames of a live picture.
    """
    if before is None:
        first = read()
        return None if first is None else Looks(first, first)
    mean, readings = before.mean, before.readings
    soon, few, every = _LOOKS_LIVE if live else (_LOOKS_SOON, _LOOKS_FIRST, _LOOKS_EVERY)
    new = read() if turn % (soon if readings < few else every) == 0 else None
    if new is not None:
        readings = min(readings + 1, _LOOKS_MOST)
        mean = _between(mean, new, 1 / readings)
    return Looks(_between(before.shown, mean, 1 - math.exp(-seconds / _LOOKS_S)), mean, readings)


Carrier = Callable[..., object]
"""Updates what an effect remembers of a face: `carry(before, picture, face, seconds, turn)`, with None before the first frame."""


def next_carried(
    before: Mapping[str, object], carriers: Mapping[str, Carrier], picture: Picture, face: object, seconds: float, turn: int
) -> dict[str, object]:
    """What effects remember of a face after another frame (H, W, 3), by name. Arguments as of `Carrier`."""
    found = {name: carry(before.get(name), picture, face, seconds, turn) for name, carry in carriers.items()}
    return {name: one for name, one in found.items() if one is not None}


def _between(one: SexAge, other: SexAge, share: float) -> SexAge:
    male = one.male_score + share * (other.male_score - one.male_score)
    return SexAge(min(1.0, max(0.0, male)), one.age + share * (other.age - one.age), other.source)


@dataclass(frozen=True, eq=False)
class Track:
    """A face in consecutive frames.

    Args:
        number: unique, ascending in the order of first detection.
        face: in the last frame, with smoothed points.
        points: its 68 points there, smoothed, in pixels; speeds in eye distances per second.
        parts: its averaged parts; None before it is parsed.
        misses: how many detections in a row have missed it.
        looks: how it looks; None where nothing needs it, and before it could be read.
        carried: what effects remember of it, by name.
    """

    number: int
    face: Face
    points: Smoothed
    parts: PartState | None = None
    misses: int = 0
    looks: Looks | None = None
    carried: Mapping[str, object] = field(default_factory=dict)

    @property
    def landmarks(self) -> Points:
        """The 68 points, (68, 2) float32."""
        return self.points.value.astype(np.float32)


def begin_track(number: int, face: Face, picture: Picture, reader: LandmarkReader) -> Track:
    """A new track for a face detected in a picture (H, W, 3)."""
    points = reader.of_face(picture, face)
    return Track(number, replace(face, points=five_of_68(points), detector=TRACKED), Smoothed.begin(points))


def moved_face(face: Face, rigid: Matrix) -> Face:
    """The face moved by a similarity."""
    x1, y1, x2, y2 = face.box_xyxy
    middle = map_points(rigid, np.array([((x1 + x2) / 2, (y1 + y2) / 2)]))[0]
    half = np.array([x2 - x1, y2 - y1]) / 2 * max(scale_of(rigid), 1e-3)
    box = (float(middle[0] - half[0]), float(middle[1] - half[1]), float(middle[0] + half[0]), float(middle[1] + half[1]))
    return replace(face, box_xyxy=box, points=map_points(rigid, face.points), detector=TRACKED)


def next_track(
    track: Track,
    motion: Motion,
    found: Face | None,
    picture: Picture,
    reader: LandmarkReader,
    seconds: float,
    filter_: OneEuro | None,
) -> Track:
    """The track in the next frame.

    Its points are predicted in every frame and smoothed relative to the face's own motion: under a panning camera they do not lag, and
    at rest they do not jitter.

    Args:
        track: in the frame before.
        motion: of its 68 points.
        found: the face as detected in this frame; None where it was not detected.
        picture: (H, W, 3), this frame.
        reader: predicts 68 points.
        seconds: since the frame before.
        filter_: smooths the points; None takes every prediction as it is.
    """
    moved = moved_face(track.face, motion.rigid)
    unit = max(moved.eye_distance_px, 1.0)
    read = np.asarray(reader.of_face(picture, moved), dtype=np.float64)
    if found is not None and _mean_distance(five_of_68(read), found.points) > _MAX_ERROR * unit:
        read = np.asarray(reader.of_face(picture, found), dtype=np.float64)
        moved = replace(found, detector=TRACKED)
    elif _mean_distance(five_of_68(read), moved.points) > MAX_DRIFT * unit:
        read = np.asarray(motion.points, dtype=np.float64)
    before = Smoothed(map_points(motion.rigid, track.points.value).astype(np.float64) / unit, track.points.speed)
    after = Smoothed.begin(read / unit) if filter_ is None else smoothed(before, read / unit, seconds, filter_)
    points = Smoothed(after.value * unit, after.speed)
    box = moved.box_xyxy if found is None else _mean_box(moved.box_xyxy, found.box_xyxy)
    score = moved.score if found is None else found.score
    face = replace(moved, box_xyxy=box, score=score, points=five_of_68(points.value))
    return replace(track, face=face, points=points)


def matched(tracks: Sequence[Face], found: Sequence[Face]) -> tuple[dict[int, int], tuple[int, ...]]:
    """The index of the detected face of each track (greedy, by the overlap of boxes), and the indices of new faces."""
    pairs = sorted(((overlap(one, other), i, j) for i, one in enumerate(tracks) for j, other in enumerate(found)), reverse=True)
    of_track: dict[int, int] = {}
    matched_faces: set[int] = set()
    for share, i, j in pairs:
        if share >= _MATCH_IOU and i not in of_track and j not in matched_faces:
            of_track[i] = j
            matched_faces.add(j)
    unmatched = tuple(j for j in range(len(found)) if j not in matched_faces)
    return of_track, tuple(j for j in unmatched if not any(overlap(found[j], one) > _MATCH_IOU for one in tracks))


class Numbered(Protocol):
    """A face that is tracked under a number: `Track`, or that of the live tracker."""

    @property
    def number(self) -> int:
        """Unique, ascending in the order of first detection."""
        ...

    @property
    def face(self) -> Face:
        """In the last frame."""
        ...


AnyTrack = TypeVar("AnyTrack", bound=Numbered)


@dataclass(frozen=True, eq=False)
class TrackingState(Generic[AnyTrack]):
    """What is known before the next frame, of either tracker: everything that a frame depends on but its picture, number and time.

    `TrackingState()` is the state before the first frame. What effects remember is in the tracks (`carried`). The run-in of a segment
    settles it, so a video that is resumed gets the same bits.

    Args:
        tracks: the faces, with all that is carried along with them.
        grey: the frame before, for optical flow.
        signature: the same, for cuts.
        differences: of the frames before, for cuts.
        time_s: of the frame before.
        next_number: of the next new track.
        leader: number of the track that counts as the largest.
    """

    tracks: tuple[AnyTrack, ...] = ()
    grey: GreyFrame | None = None
    signature: FrameSignature | None = None
    differences: tuple[Difference, ...] = ()
    time_s: float = 0.0
    next_number: int = 0
    leader: int | None = None


def leader_of(tracks: Sequence[Numbered], before: int | None) -> int | None:
    """The number of the track that counts as the largest: that of the frame before, until another is larger by far; None without tracks."""
    if not tracks:
        return None
    largest = max(tracks, key=lambda track: track.face.area)
    for track in tracks:
        if track.number == before and largest.face.area < _SWITCH_RATIO * track.face.area:
            return before
    return largest.number


def without_duplicates(tracks: Sequence[AnyTrack]) -> tuple[AnyTrack, ...]:
    """The tracks without those that overlap an older one."""
    kept: list[AnyTrack] = []
    for track in sorted(tracks, key=lambda one: one.number):
        if not any(overlap(track.face, other.face) > _DUPLICATE_IOU for other in kept):
            kept.append(track)
    return tuple(kept)


def is_inside(face: Face, picture: Picture) -> bool:
    """Whether the middle of the face's points lies in the picture."""
    x, y = face.points.mean(axis=0)
    return bool(0 <= x < picture.shape[1] and 0 <= y < picture.shape[0])


def _mean_distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(first, dtype=np.float64) - second, axis=1).mean())


def _mean_box(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, float, float, float]:
    left, top, right, bottom = ((one + other) / 2 for one, other in zip(first, second, strict=True))
    return left, top, right, bottom
