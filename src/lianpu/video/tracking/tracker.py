"""Faces followed through a video: searched now and then, followed in between, with points and parts that do not jitter."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.detection import find_faces, scale_face
from lianpu.faces.results import Face, Points
from lianpu.faces.subject import Subject, describe_faces
from lianpu.imaging.geometry import scale_between, shrink
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.cuts import Difference, Glance, difference, glance, is_cut, remembered
from lianpu.video.tracking.motion import GreyFrame, Motion, grey_frame, motion_of
from lianpu.video.tracking.one_euro import OneEuro
from lianpu.video.tracking.temporal_parsing import PartMemory, RememberingParser
from lianpu.video.tracking.tracks import Track, begin_track, is_inside, matched, moved_face, next_track, without_doubles

_LOST_SHARE = 0.4
"""A face of whose points fewer can be found again is looked for at once."""

_LARGER_BY = 1.3
"""The largest face stays the largest until another is this much larger: two of a size do not take turns."""


@dataclass(frozen=True)
class FollowSettings:
    """How faces are followed.

    Args:
        search_every: in every how manieth frame faces are looked for; in between they are followed by optical flow.
        search_px: frames are made this small (their longer side) for looking.
        parse_every: in every how manieth frame parts are parsed; in between they move along.
        lost_after: searches in a row that must miss a face before it is gone.
        points: how the 68 points are smoothed; speeds are in distances of the eyes a second. None: as they are read.
        settle_s: in what time two thirds of a change of parts are taken over; 0: at once.
    """

    search_every: int = 10
    search_px: int = 800
    parse_every: int = 2
    lost_after: int = 3
    points: OneEuro | None = field(default_factory=lambda: OneEuro(0.7, 5.0, 1.0))
    settle_s: float = 0.4


UNSMOOTHED = FollowSettings(parse_every=1, points=None, settle_s=0.0)
"""Every reading as it is: what smoothing is compared with."""


@dataclass(frozen=True, eq=False)
class Following:
    """All that is known when the next frame comes. `Following()` knows nothing yet."""

    tracks: tuple[Track, ...] = ()
    grey: GreyFrame | None = None
    glance: Glance | None = None
    differences: tuple[Difference, ...] = ()
    time_s: float = 0.0
    next_number: int = 0
    leader: int | None = None


@dataclass(frozen=True, eq=False)
class Sight:
    """What is seen in a frame.

    Args:
        subjects: the faces, largest first.
        largest: the face that counts as the largest; none in a frame without faces.
        cut: whether the frame begins another scene.
        searched: whether faces were looked for.
        seconds: what it took, by stage: `search`, `follow`, `parts`.
    """

    subjects: tuple[Subject, ...]
    largest: tuple[Subject, ...]
    cut: bool
    searched: bool
    seconds: Mapping[str, float]


def follow(
    before: Following,
    picture: Picture,
    number: int,
    time_s: float,
    analyzer: FaceAnalyzer,
    settings: FollowSettings,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Following, Sight]:
    """What is seen in the next frame (H, W, 3), and what is to be known for the one after it.

    Args:
        before: what was known before.
        picture: the frame, as it is shown.
        number: of the frame in its video: searches fall on the same frames wherever one begins.
        time_s: when it is shown, after the frame before.
        analyzer: what sees faces.
        settings: see there.
        clock: by which `Sight.seconds` are taken.
    """
    begin = clock()
    grey, now = grey_frame(picture), glance(picture)
    change = None if before.glance is None else difference(before.glance, now)
    cut = change is not None and is_cut(change, before.differences)
    tracks = () if cut or before.grey is None or before.grey.grey.shape != grey.grey.shape else before.tracks
    motions = tuple(motion_of(track.points.value, before.grey, grey) for track in tracks if before.grey is not None)
    lost = any(motion.share < _LOST_SHARE for motion in motions)
    searched = cut or before.grey is None or lost or number % settings.search_every == 0
    searching = clock()
    found = _search(picture, analyzer, settings.search_px, thorough=not tracks) if searched else None
    following = clock()
    seconds = max(time_s - before.time_s, 1e-3)
    tracks, next_number = _followed(before.next_number, tracks, motions, found, picture, seconds, analyzer, settings)
    parsing = clock()
    tracks, subjects = _described(tracks, picture, seconds, number, analyzer, settings)
    done = clock()
    leader = _leader(tracks, before.leader)
    differences = () if cut or change is None else remembered(before.differences, change)
    after = Following(tracks, grey, now, differences, time_s, next_number, leader)
    took = {"search": following - searching, "follow": searching - begin + parsing - following, "parts": done - parsing}
    ordered = sorted(subjects, key=lambda number_: -subjects[number_].face.area)
    largest = (subjects[leader],) if leader in subjects else ()
    return after, Sight(tuple(subjects[one] for one in ordered), largest, cut, searched, took)


def _search(picture: Picture, analyzer: FaceAnalyzer, longest_px: int, *, thorough: bool) -> tuple[Face, ...]:
    """The faces of a frame, looked for in a smaller copy; thoroughly (also for one that fills the frame) where none is known."""
    small = shrink(picture, longest_px)
    found = find_faces(small, analyzer.detector) if thorough else analyzer.detector.detect(small)
    return tuple(sorted((scale_face(face, scale_between(small, picture)) for face in found), key=lambda face: -face.area))


def _followed(
    next_number: int,
    tracks: Sequence[Track],
    motions: Sequence[Motion],
    found: tuple[Face, ...] | None,
    picture: Picture,
    seconds: float,
    analyzer: FaceAnalyzer,
    settings: FollowSettings,
) -> tuple[tuple[Track, ...], int]:
    """The tracks in this frame: those that go on, those that begin, without those that are gone; and the next free number."""
    of_track, new = matched([track.face for track in _moved(tracks, motions)], found or ())
    kept: list[Track] = []
    for index, (track, motion) in enumerate(zip(tracks, motions, strict=True)):
        own = found[of_track[index]] if found is not None and index in of_track else None
        misses = track.misses if found is None else 0 if own is not None else track.misses + 1
        gone = misses >= settings.lost_after or (misses > track.misses and motion.share < _LOST_SHARE)
        if not gone:
            going = next_track(track, motion, own, picture, analyzer.landmarks, seconds, settings.points)
            kept.append(replace(going, misses=misses))
    for index in new:
        assert found is not None
        kept.append(begin_track(next_number, found[index], picture, analyzer.landmarks))
        next_number += 1
    return without_doubles([track for track in kept if is_inside(track.face, picture)]), next_number


def _moved(tracks: Sequence[Track], motions: Sequence[Motion]) -> list[Track]:
    return [replace(track, face=moved_face(track.face, motion.rigid)) for track, motion in zip(tracks, motions, strict=True)]


def _described(
    tracks: tuple[Track, ...], picture: Picture, seconds: float, number: int, analyzer: FaceAnalyzer, settings: FollowSettings
) -> tuple[tuple[Track, ...], dict[int, Subject]]:
    """The tracks with what is now known of their parts, and each as a subject, by its number."""
    parser = RememberingParser(
        analyzer.parser, [track.parts for track in tracks], number % settings.parse_every == 0, seconds, settings.settle_s
    )
    points = _Known({id(track.face): track.landmarks for track in tracks})
    subjects = describe_faces(picture, [track.face for track in tracks], parser, points)
    by_face = {id(track.face): track.number for track in tracks}
    memories: list[PartMemory | None] = list(parser.memories)
    kept = tuple(replace(track, parts=memory) for track, memory in zip(tracks, memories, strict=True))
    return kept, {by_face[id(subject.face)]: subject for subject in subjects}


@dataclass(frozen=True, eq=False)
class _Known:
    """Points that were read already, as a reader."""

    by_face: Mapping[int, Points]

    def of_face(self, picture: Picture, face: Face) -> Points:
        return self.by_face[id(face)]


def _leader(tracks: Sequence[Track], before: int | None) -> int | None:
    if not tracks:
        return None
    largest = max(tracks, key=lambda track: track.face.area)
    for track in tracks:
        if track.number == before and largest.face.area < _LARGER_BY * track.face.area:
            return before
    return largest.number
