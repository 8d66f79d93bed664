"""A face that is followed: where it went, whether it is still there, and which of the faces found is it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lianpu.faces.detection import overlap
from lianpu.faces.dlib_models import five_of_68
from lianpu.faces.results import Face, Points
from lianpu.faces.subject import LandmarkReader
from lianpu.imaging.geometry import Matrix, map_points, scale_of
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.motion import Motion
from lianpu.video.tracking.one_euro import OneEuro, Smoothed, smoothed
from lianpu.video.tracking.temporal_parsing import PartMemory

FOLLOWED = "followed"
"""The detector's name of a face that was followed, not found."""

_SAME_OVERLAP = 0.3

_ONE_TOO_MANY = 0.5

_ASTRAY = 0.35
"""Points read this far from where the face went (in distances of the eyes, on the average) are not of that face."""

_OFF = 0.15
"""Points this far from a detector's own are read again from where it says that the face is."""


@dataclass(frozen=True, eq=False)
class Track:
    """A face from frame to frame.

    Args:
        number: its own, in the order in which faces came.
        face: in the last frame, with smoothed points.
        points: its 68 points there, smoothed, in pixels; speeds in distances of the eyes a second.
        parts: what is known of its parts; None before it is parsed.
        misses: how many searches in a row have not found it.
    """

    number: int
    face: Face
    points: Smoothed
    parts: PartMemory | None = None
    misses: int = 0

    @property
    def landmarks(self) -> Points:
        """The 68 points, (68, 2) float32."""
        return self.points.value.astype(np.float32)


def begin_track(number: int, face: Face, picture: Picture, reader: LandmarkReader) -> Track:
    """A face that was found in a picture (H, W, 3), as the begin of a track."""
    points = reader.of_face(picture, face)
    return Track(number, replace(face, points=five_of_68(points), detector=FOLLOWED), Smoothed.begin(points))


def moved_face(face: Face, rigid: Matrix) -> Face:
    """The face where a turn, scale and shift take it."""
    x1, y1, x2, y2 = face.box_xyxy
    middle = map_points(rigid, np.array([((x1 + x2) / 2, (y1 + y2) / 2)]))[0]
    half = np.array([x2 - x1, y2 - y1]) / 2 * max(scale_of(rigid), 1e-3)
    box = (float(middle[0] - half[0]), float(middle[1] - half[1]), float(middle[0] + half[0]), float(middle[1] + half[1]))
    return replace(face, box_xyxy=box, points=map_points(rigid, face.points), detector=FOLLOWED)


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

    Its points are read anew in every frame and smoothed against where the face's own motion takes those of the frame before: a face that
    the camera pans over is not late, and one that stands still does not tremble.

    Args:
        track: in the frame before.
        motion: of its 68 points.
        found: what a search says of the face in this frame; None where there was none, or it was not found.
        picture: (H, W, 3), this frame.
        reader: of 68 points.
        seconds: since the frame before.
        filter_: how to smooth; None takes every reading as it is.
    """
    moved = moved_face(track.face, motion.rigid)
    unit = max(moved.eye_distance_px, 1.0)
    read = np.asarray(reader.of_face(picture, moved), dtype=np.float64)
    if found is not None and _apart(five_of_68(read), found.points) > _OFF * unit:
        read = np.asarray(reader.of_face(picture, found), dtype=np.float64)
        moved = replace(found, detector=FOLLOWED)
    elif _apart(five_of_68(read), moved.points) > _ASTRAY * unit:
        read = np.asarray(motion.points, dtype=np.float64)
    before = Smoothed(map_points(motion.rigid, track.points.value).astype(np.float64) / unit, track.points.speed)
    after = Smoothed.begin(read / unit) if filter_ is None else smoothed(before, read / unit, seconds, filter_)
    points = Smoothed(after.value * unit, after.speed)
    box = moved.box_xyxy if found is None else _between(moved.box_xyxy, found.box_xyxy)
    score = moved.score if found is None else found.score
    face = replace(moved, box_xyxy=box, score=score, points=five_of_68(points.value))
    return replace(track, face=face, points=points)


def matched(tracks: Sequence[Face], found: Sequence[Face]) -> tuple[dict[int, int], tuple[int, ...]]:
    """Which found face is which track's, by the overlap of boxes, the surest pairs first; and the found faces that are nobody's."""
    pairs = sorted(((overlap(one, other), i, j) for i, one in enumerate(tracks) for j, other in enumerate(found)), reverse=True)
    of_track: dict[int, int] = {}
    taken: set[int] = set()
    for share, i, j in pairs:
        if share >= _SAME_OVERLAP and i not in of_track and j not in taken:
            of_track[i] = j
            taken.add(j)
    new = tuple(j for j in range(len(found)) if j not in taken)
    return of_track, tuple(j for j in new if not any(overlap(found[j], one) > _SAME_OVERLAP for one in tracks))


def without_doubles(tracks: Sequence[Track]) -> tuple[Track, ...]:
    """The tracks without those that have come to lie on an older one."""
    kept: list[Track] = []
    for track in sorted(tracks, key=lambda one: one.number):
        if not any(overlap(track.face, other.face) > _ONE_TOO_MANY for other in kept):
            kept.append(track)
    return tuple(kept)


def is_inside(face: Face, picture: Picture) -> bool:
    """Whether the middle of the face's points lies in the picture."""
    x, y = face.points.mean(axis=0)
    return bool(0 <= x < picture.shape[1] and 0 <= y < picture.shape[0])


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.linalg.norm(np.asarray(first, dtype=np.float64) - second, axis=1).mean())


def _between(first: tuple[float, ...], second: tuple[float, ...]) -> tuple[float, float, float, float]:
    left, top, right, bottom = ((one + other) / 2 for one, other in zip(first, second, strict=True))
    return left, top, right, bottom
