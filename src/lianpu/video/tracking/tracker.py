"""Face tracking: faces are detected every N frames and tracked by optical flow in between; points and parts are smoothed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from lianpu.face_parsing.runtime import FaceParser
from lianpu.faces.analyzer import FaceAnalyzer, LandmarkReader, describe_faces
from lianpu.faces.detection import find_faces, scale_face
from lianpu.faces.face_check import FaceCheck
from lianpu.faces.mesh import MeshReader, points_68
from lianpu.faces.parts import soft_parser, windows_by_mesh
from lianpu.faces.results import Face, Landmarks, Mesh, Points, Subject
from lianpu.imaging.geometry import scale_between, shrink, similarity
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.cuts import difference, frame_signature, is_cut, with_difference
from lianpu.video.tracking.motion import Motion, grey_frame, motion_of
from lianpu.video.tracking.one_euro import OneEuro
from lianpu.video.tracking.temporal_parsing import PartState, TemporalParser
from lianpu.video.tracking.tracks import (
    Carrier,
    LooksReader,
    Track,
    TrackingState,
    begin_track,
    is_inside,
    leader_of,
    matched,
    moved_face,
    next_carried,
    next_looks,
    next_track,
    without_duplicates,
)

DETECT_EVERY = 10
"""Faces are detected in every frame of this many, where no other number is given."""

_LOST_SHARE = 0.4
"""A face with a smaller share of reliable points triggers a detection."""


AnySettings = TypeVar("AnySettings", bound="TrackSettings")


@dataclass(frozen=True)
class TrackSettings:
    """How faces are tracked.

    Args:
        detect_every: detect faces every N frames; track them by optical flow in between. None: every `DETECT_EVERY` frames, or in every
            frame where faces are hidden (`for_hidden_faces`).
        detect_px: longer side of the frame for detection.
        parse_every: parse the parts of faces every N frames; warp them in between.
        lost_after: a track ends after this many missed detections in a row.
        points: filter of the 68 points, with speeds in eye distances per second; None for no filter.
        time_constant_s: of the temporal average of parts; 0 for no average.
        doubtful: follow also what mesh and parser take for no face of a person (`face_check.is_face`): for edits that must miss nobody.
    """

    detect_every: int | None = None
    detect_px: int = 800
    parse_every: int = 2
    lost_after: int = 3
    points: OneEuro | None = field(default_factory=lambda: OneEuro(0.7, 5.0, 1.0))
    time_constant_s: float = 0.4
    doubtful: bool = False

    def for_hidden_faces(self: AnySettings) -> AnySettings:
        """For edits that hide faces: follow what is in doubt, detect in every frame, unless a number above 1 was given, and end no track
        sooner than otherwise.

        A face that appears between two detections is visible until the next one.
        """
        if self.detect_every not in (None, 1):
            return replace(self, doubtful=True)
        return replace(self, detect_every=1, lost_after=self.lost_after * DETECT_EVERY, doubtful=True)


UNSMOOTHED = TrackSettings(parse_every=1, points=None, time_constant_s=0.0)
"""No smoothing: the baseline of the flicker benchmark."""


TrackerState = TrackingState[Track]
"""What is known before the next frame. `TrackerState()` is the state before the first one."""


@dataclass(frozen=True, eq=False)
class TrackedFaces:
    """The faces of a frame.

    Args:
        subjects: all faces, largest first.
        largest: the face that counts as the largest; empty in a frame without faces.
        cut: whether the frame begins another scene.
        detected: whether faces were detected in it, not only tracked.
        seconds: time by stage: `detect`, `track`, `parse`; `carry` where effects remember something.
    """

    subjects: tuple[Subject, ...]
    largest: tuple[Subject, ...]
    cut: bool
    detected: bool
    seconds: Mapping[str, float]


def track_faces(
    before: TrackerState,
    picture: Picture,
    number: int,
    time_s: float,
    analyzer: FaceAnalyzer,
    settings: TrackSettings,
    *,
    looks: LooksReader | None = None,
    carriers: Mapping[str, Carrier] = MappingProxyType({}),
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[TrackerState, TrackedFaces]:
    """The state after the next frame (H, W, 3), and the faces of that frame.

    Args:
        before: the state after the frame before.
        picture: the frame, as it is shown.
        number: of the frame in its video: detections fall on the same frames wherever tracking begins.
        time_s: when it is shown, later than the frame before.
        analyzer: its models, and whether turned faces are detected, too.
        settings: how faces are tracked.
        looks: reads how male and how old faces look, where the edit depends on it: averaged by track.
        carriers: update what effects remember of each face, by name (`Subject.carried`).
        clock: measures `TrackedFaces.seconds`.
    """
    begin_s = clock()
    grey, signature = grey_frame(picture), frame_signature(picture)
    change = None if before.signature is None else difference(before.signature, signature)
    cut = change is not None and is_cut(change, before.differences)
    tracks = () if cut or before.grey is None or before.grey.grey.shape != grey.grey.shape else before.tracks
    motions = tuple(motion_of(track.points.value, before.grey, grey) for track in tracks if before.grey is not None)
    lost = any(motion.share < _LOST_SHARE for motion in motions)
    detected = cut or before.grey is None or lost or number % (settings.detect_every or DETECT_EVERY) == 0
    detect_s = clock()
    found = detect_faces(picture, analyzer, settings.detect_px, whole=not tracks) if detected else None
    track_s = clock()
    seconds = max(time_s - before.time_s, 1e-3)
    tracks, next_number = _updated(before.next_number, tracks, motions, found, picture, seconds, analyzer, settings)
    parse_s = clock()
    tracks, subjects = _described(tracks, picture, seconds, number, analyzer, settings)
    if looks is not None:
        tracks, subjects = _with_looks(tracks, subjects, picture, seconds, number, looks)
    carry_s = clock()
    if carriers:
        tracks, subjects = _with_carried(tracks, subjects, picture, seconds, number, carriers)
    end_s = clock()
    leader = leader_of(tracks, before.leader)
    differences = () if cut or change is None else with_difference(before.differences, change)
    after = TrackerState(tracks, grey, signature, differences, time_s, next_number, leader)
    took = {"detect": track_s - detect_s, "track": detect_s - begin_s + parse_s - track_s, "parse": carry_s - parse_s}
    if carriers:
        took["carry"] = end_s - carry_s
    ordered = sorted(subjects, key=lambda one: -subjects[one].face.area)
    largest = (subjects[leader],) if leader in subjects else ()
    return after, TrackedFaces(tuple(subjects[one] for one in ordered), largest, cut, detected, took)


def detect_faces(picture: Picture, analyzer: FaceAnalyzer, longest_px: int, *, whole: bool) -> tuple[Face, ...]:
    """The faces of a frame, detected in a smaller copy; where `whole`, also one that fills the frame; where asked, also turned ones."""
    small = shrink(picture, longest_px)
    if whole or analyzer.upright:
        found = find_faces(small, analyzer.detector, upright=analyzer.upright, again=False)
    else:
        found = analyzer.detector.detect(small)
    return tuple(sorted((scale_face(face, scale_between(small, picture)) for face in found), key=lambda face: -face.area))


def _updated(
    next_number: int,
    tracks: Sequence[Track],
    motions: Sequence[Motion],
    found: tuple[Face, ...] | None,
    picture: Picture,
    seconds: float,
    analyzer: FaceAnalyzer,
    settings: TrackSettings,
) -> tuple[tuple[Track, ...], int]:
    """The tracks in this frame, continued and new ones, without lost ones; and the next unused number."""
    of_track, new = matched([track.face for track in _moved(tracks, motions)], found or ())
    kept: list[Track] = []
    for index, (track, motion) in enumerate(zip(tracks, motions, strict=True)):
        own = found[of_track[index]] if found is not None and index in of_track else None
        misses = track.misses if found is None else 0 if own is not None else track.misses + 1
        gone = misses >= settings.lost_after or (misses > track.misses and motion.share < _LOST_SHARE)
        if not gone:
            continued = next_track(track, motion, own, picture, analyzer.landmarks, seconds, settings.points)
            kept.append(replace(continued, misses=misses))
    begun = [found[index] for index in new] if found is not None else []
    if isinstance(analyzer.landmarks, MeshReader):
        begun = people_among(begun, picture, FaceCheck(analyzer.landmarks, analyzer.parser), settings)
    for face in begun:
        kept.append(begin_track(next_number, face, picture, analyzer.landmarks))
        next_number += 1
    return without_duplicates([track for track in kept if is_inside(track.face, picture)]), next_number


def people_among(faces: Sequence[Face], picture: Picture, check: FaceCheck, settings: TrackSettings) -> list[Face]:
    """Those newly found faces of a frame (H, W, 3) that are people's; all of them where the settings follow what is in doubt."""
    return list(faces) if settings.doubtful or not faces else list(check.tell_apart(picture, faces).faces)


def _moved(tracks: Sequence[Track], motions: Sequence[Motion]) -> list[Track]:
    return [replace(track, face=moved_face(track.face, motion.rigid)) for track, motion in zip(tracks, motions, strict=True)]


def _described(
    tracks: tuple[Track, ...], picture: Picture, seconds: float, number: int, analyzer: FaceAnalyzer, settings: TrackSettings
) -> tuple[tuple[Track, ...], dict[int, Subject]]:
    """The tracks with their parts updated, and the subject of each track, by its number."""
    if analyzer.parser is None:
        return tracks, _described_by_mesh(tracks, picture, analyzer.landmarks)
    parser = TemporalParser(
        analyzer.parser, [track.parts for track in tracks], number % settings.parse_every == 0, seconds, settings.time_constant_s
    )
    points = _KnownPoints({id(track.face): track.landmarks for track in tracks})
    subjects = describe_faces(picture, [track.face for track in tracks], parser, points)
    states: list[PartState | None] = list(parser.states)
    kept = tuple(replace(track, parts=state) for track, state in zip(tracks, states, strict=True))
    numbers = {id(track.face): track.number for track in tracks}
    averaged = {
        id(after.face): after.parts for before, after in zip(tracks, kept, strict=True) if after.parts is not before.parts
    }
    return kept, {
        numbers[id(subject.face)]: _with_shares(subject, averaged.get(id(subject.face)), analyzer.parser) for subject in subjects
    }


def _with_shares(subject: Subject, averaged: PartState | None, parser: FaceParser) -> Subject:
    """The subject with the probabilities that were averaged for it; where nothing was averaged in this frame, those of the parser."""
    soft = soft_parser(parser) if averaged is None else averaged.shares
    return replace(subject, parts=replace(subject.parts, soft=soft))


def _with_looks(
    tracks: tuple[Track, ...], subjects: dict[int, Subject], picture: Picture, seconds: float, number: int, reader: LooksReader
) -> tuple[tuple[Track, ...], dict[int, Subject]]:
    """The tracks and their subjects with how they look."""
    kept, known = [], dict(subjects)
    for track in tracks:
        subject = subjects.get(track.number)
        if subject is not None:
            looks = next_looks(track.looks, number + track.number, seconds, partial(reader, picture, subject))
            track = replace(track, looks=looks)
            known[track.number] = replace(subject, looks=None if looks is None else looks.shown)
        kept.append(track)
    return tuple(kept), known


def _with_carried(
    tracks: tuple[Track, ...],
    subjects: dict[int, Subject],
    picture: Picture,
    seconds: float,
    number: int,
    carriers: Mapping[str, Carrier],
) -> tuple[tuple[Track, ...], dict[int, Subject]]:
    """The tracks and their subjects with what effects remember."""
    kept, known = [], dict(subjects)
    for track in tracks:
        subject = subjects.get(track.number)
        if subject is not None:
            track = replace(
                track, carried=next_carried(track.carried, carriers, picture, subject, seconds, number + track.number)
            )
            known[track.number] = replace(subject, carried=track.carried)
        kept.append(track)
    return tuple(kept), known


def _described_by_mesh(tracks: tuple[Track, ...], picture: Picture, reader: LandmarkReader) -> dict[int, Subject]:
    """The subject of each track by its number, where the parts come from the face mesh: the mesh moves as the smoothed points do."""
    meshes: list[Mesh | None] = []
    for track in tracks:
        mesh = reader.mesh_of_face(picture, track.face) if isinstance(reader, MeshReader) else None
        meshes.append(None if mesh is None else mesh.moved(similarity(points_68(mesh), track.landmarks)))
    found = windows_by_mesh(picture, [track.face for track in tracks], meshes)
    return {
        track.number: Subject(track.face, Landmarks(track.landmarks, "dlib-68"), *one, mesh=mesh)
        for track, mesh, one in zip(tracks, meshes, found, strict=True)
        if one is not None
    }


@dataclass(frozen=True, eq=False)
class _KnownPoints:
    """A landmark reader for points that are known already."""

    by_face: Mapping[int, Points]

    def of_face(self, picture: Picture, face: Face) -> Points:
        return self.by_face[id(face)]
