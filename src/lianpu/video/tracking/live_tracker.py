"""Live tracking: a small face mesh in every frame, from where the face was in the frame before; a detector and a parser now and then."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.covered_mouth import mouth_is_covered
from lianpu.faces.face_check import FaceCheck
from lianpu.faces.live import LiveFace, LiveScene, hair_color_of
from lianpu.faces.mesh import CONTRADICTS, SURE, MeshReader, disagreement, five_points
from lianpu.faces.person import PersonTracker
from lianpu.faces.results import Face, Mesh
from lianpu.imaging.geometry import map_points, quick_shrink, scale_of
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.cuts import difference, frame_signature, is_cut, with_difference
from lianpu.video.tracking.live_parts import (
    AROUND_PX,
    CONTROL,
    MOUTH_S,
    LiveParts,
    brightness_at,
    change_since_parse,
    crop_matrix,
    update_live_parts,
    with_hair_around,
)
from lianpu.video.tracking.motion import GreyFrame, Motion, grey_frame, motion_of
from lianpu.video.tracking.one_euro import Smoothed, smoothed
from lianpu.video.tracking.tracker import TrackSettings, detect_faces, people_among
from lianpu.video.tracking.tracks import (
    MAX_DRIFT,
    TRACKED,
    Carrier,
    Looks,
    LooksReader,
    TrackingState,
    is_inside,
    leader_of,
    matched,
    moved_face,
    next_carried,
    next_looks,
    without_duplicates,
)

LIVE_DETECT_EVERY = 15
"""Faces are detected in every frame of this many, where no other number is given."""

_SEARCH_EVERY = 5
"""The same while there is no face."""

_FLOW_PX = 320
"""Longer side of the copy in which the face's own motion is measured."""

_SIGNATURE_PX = 96
"""Longer side of the copy that shows cuts."""

_DEPTH_RATE = 0.4
"""How far the mesh's depth moves towards that of a new frame."""

_AS_ONE, _AS_ONE_PX = 0.005, 0.3
"""A face moves as one if its points do, but for `_OUTLIERS`, up to this share of the eye distance and so many pixels: the flow under a
panning camera differs by 0.2 to 0.5 % of it, that of a mouth that begins to open by 0.5 to 1.2."""

_OUTLIERS = 3

_FLOWING = 0.85
"""Least share of points with a flow at which it is believed."""

_HAIR_S = 1.0
"""Time constant of the hair's colour, in seconds."""

_HAIR_EVERY = 8
"""The hair's colour is measured in every frame of this many."""


@dataclass(frozen=True)
class LiveSettings(TrackSettings):
    """How faces are tracked in a live picture: as `TrackSettings`, with other defaults.

    Args:
        detect_every: detect faces every N frames; None: every `LIVE_DETECT_EVERY`, or in every frame where faces are hidden.
        parse_every: run the parser every N frames, each face in turn; 0 never runs it.
        rest_every: the same while nothing changes (`live_parts.change_since_parse`); 0, or fewer than `parse_every`, is `parse_every`.
        person: whether the matte of people is wanted.
        around_every: parse the hair beyond the faces' crops every N frames; 0 never does. At rest it is as many times rarer as the parts.
        small_mesh: the mesh of 468 points, in half the time: lips and lids less exact, no irises.
        mesh_every: read the mesh every N frames while the face moves as one, by optical flow (a mouth that opens or a lid that falls does
            not); 1 reads it in every frame.
    """

    detect_px: int = 480
    rest_every: int = 0
    person: bool = False
    around_every: int = 0
    small_mesh: bool = False
    mesh_every: int = 1


@dataclass(frozen=True, eq=False)
class LiveModels:
    """The networks of live tracking, opened.

    Args:
        analyzer: its detector finds faces, where asked also turned ones.
        mesh: reads the mesh.
        parser: gives probabilities of parts; None where nothing needs them, or there is no parser.
        person: finds people; None where nothing needs them. It remembers the frame before.
        looks: reads how male and how old faces look, where the edit depends on it.
        carriers: update what effects remember of each face, by name (`LiveFace.carried`).
    """

    analyzer: FaceAnalyzer
    mesh: MeshReader
    parser: SharesParser | None = None
    person: PersonTracker | None = None
    looks: LooksReader | None = None
    carriers: Mapping[str, Carrier] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LiveTrack:
    """A face in consecutive frames.

    Args:
        number: unique, ascending in the order of first detection.
        face: in the last frame, from its mesh.
        points: (K, 2) of its mesh there, smoothed, in pixels; speeds in eye distances per second.
        mesh: the same points with their depth.
        parts: None without a parser, and before the face is parsed.
        misses: how many detections in a row have missed it.
        mouth: how much of the mouth is visible where there is no parser, smooth, 0 to 1; None before it is known.
        unread: frames since the mesh was read.
        unread_s: seconds likewise.
        looks: how it looks; None where nothing needs it, and before it could be read.
        carried: what effects remember of it, by name.
    """

    number: int
    face: Face
    points: Smoothed
    mesh: Mesh
    parts: LiveParts | None = None
    misses: int = 0
    mouth: float | None = None
    unread: int = 0
    unread_s: float = 0.0
    looks: Looks | None = None
    carried: Mapping[str, object] = field(default_factory=dict)


LiveState = TrackingState[LiveTrack]
"""What is known before the next frame. `LiveState()` is the state before the first one."""


@dataclass(frozen=True, eq=False)
class TrackedScene:
    """The people of a frame.

    Args:
        scene: all faces, largest first, and the matte of people.
        largest: the face that counts as the largest; empty in a frame without faces.
        cut: whether the frame begins another scene.
        detected: whether faces were detected in it, not only tracked.
        seconds: time by stage: `detect`, `track`, `mesh`, `parse`, `carry`, `person`.
    """

    scene: LiveScene
    largest: tuple[LiveFace, ...]
    cut: bool
    detected: bool
    seconds: Mapping[str, float]


def track_live(
    before: LiveState,
    picture: Picture,
    number: int,
    time_s: float,
    models: LiveModels,
    settings: LiveSettings,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[LiveState, TrackedScene]:
    """The state after the next frame (H, W, 3), and the people of that frame.

    Nothing depends on the clock: the same frames give the same faces.

    Args:
        before: the state after the frame before.
        picture: the frame, as it is shown.
        number: of the frame in its video: detections fall on the same frames wherever tracking begins.
        time_s: when it is shown, later than the frame before.
        models: the opened networks.
        settings: how faces are tracked.
        clock: measures `TrackedScene.seconds`.
    """
    times = _StageTimes(clock)
    small = quick_shrink(picture, _FLOW_PX)
    smallest = quick_shrink(small, _SIGNATURE_PX)
    grey, signature = grey_frame(picture, small), frame_signature(smallest)
    change = None if before.signature is None else difference(before.signature, signature)
    cut = change is not None and is_cut(change, before.differences)
    old = () if cut or before.grey is None or before.grey.grey.shape != grey.grey.shape else before.tracks
    seconds = max(time_s - before.time_s, 1e-3)
    motions = [motion_of(track.points.value[list(CONTROL)], before.grey, grey, quick=True) for track in old if before.grey]
    rigids = [motion.rigid for motion in motions]
    times.end("track")
    tracks = [
        _continued(track, motion, picture, seconds, models.mesh, settings) for track, motion in zip(old, motions, strict=True)
    ]
    times.end("mesh")
    every = settings.detect_every or (LIVE_DETECT_EVERY if old else _SEARCH_EVERY)
    detected = cut or before.grey is None or number % every == 0 or any(track is None for track in tracks)
    next_number = before.next_number
    if detected:
        found = detect_faces(picture, models.analyzer, settings.detect_px, whole=not old)
        times.end("detect")
        tracks, next_number = _updated(next_number, old, tracks, rigids, found, picture, models, settings)
        times.end("mesh")
    kept = without_duplicates([track for track in tracks if track is not None and is_inside(track.face, picture)])
    light = grey_frame(picture, smallest)
    described = [_described(track, picture, light, number, seconds, models.parser, settings) for track in kept]
    if models.looks is not None:
        described = [_with_looks(*one, picture, number, seconds, models.looks) for one in described]
    faces = _with_others({track.number: face for track, face in described})
    if models.parser is not None:
        times.end("parse")
    kept = tuple(track for track, _ in described)
    if models.carriers:
        kept = tuple(
            replace(
                track,
                carried=next_carried(
                    track.carried, models.carriers, picture, faces[track.number], seconds, number + track.number
                ),
            )
            for track in kept
        )
        faces = {track.number: replace(faces[track.number], carried=track.carried) for track in kept}
        times.end("carry")
    person = None
    if models.person is not None and settings.person:
        if cut or before.grey is None:
            models.person.restart()
        person = models.person.person_mask(picture)
        times.end("person")
    leader = leader_of(kept, before.leader)
    differences = () if cut or change is None else with_difference(before.differences, change)
    after = LiveState(kept, grey, signature, differences, time_s, next_number, leader)
    ordered = sorted(kept, key=lambda track: -track.face.area)
    scene = LiveScene(tuple(faces[track.number] for track in ordered), person)
    largest = () if leader is None else (faces[leader],)
    return after, TrackedScene(scene, largest, cut, detected, times.seconds)


class _StageTimes:
    """Seconds by stage; each stage begins where the one before ended."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds: dict[str, float] = {}
        self._clock, self._begin = clock, clock()

    def end(self, stage: str) -> None:
        now = self._clock()
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._begin
        self._begin = now


def _continued(
    track: LiveTrack, motion: Motion, picture: Picture, seconds: float, reader: MeshReader, settings: LiveSettings
) -> LiveTrack | None:
    """The track in the next frame; None where its mesh is not believed there, or is of something else."""
    rigid = motion.rigid
    moved = map_points(rigid, track.points.value).astype(np.float64)
    unit = max(track.face.eye_distance_px * scale_of(rigid), 1.0)
    depth = track.mesh.points[:, 2] * scale_of(rigid)
    unread_s = track.unread_s + seconds
    if track.unread + 1 < settings.mesh_every and _moves_as_one(motion, track.points.value[list(CONTROL)], unit):
        carried = Mesh(np.column_stack([moved, depth]).astype(np.float32), track.mesh.presence)
        face = _face_of(carried, track.face.score)
        points = Smoothed(moved, track.points.speed)
        return replace(track, face=face, points=points, mesh=carried, unread=track.unread + 1, unread_s=unread_s)
    mesh = reader.mesh_near(picture, moved)
    apart = float(np.linalg.norm(mesh.points[:, :2] - moved, axis=1).mean())
    if mesh.presence < SURE or apart > MAX_DRIFT * unit:
        return None
    read = mesh.points[:, :2].astype(np.float64)
    if settings.points is None:
        after = Smoothed.begin(read / unit)
    else:
        after = smoothed(Smoothed(moved / unit, track.points.speed), read / unit, unread_s, settings.points)
    points = Smoothed(after.value * unit, after.speed)
    depth = depth + np.float32(_DEPTH_RATE) * (mesh.points[:, 2] - depth)
    smooth = Mesh(np.column_stack([points.value, depth]).astype(np.float32), mesh.presence)
    return replace(track, face=_face_of(smooth, track.face.score), points=points, mesh=smooth, unread=0, unread_s=0.0)


def _moves_as_one(motion: Motion, points: np.ndarray, unit: float) -> bool:
    """Whether the flow of a face's points (K, 2) is that of a stiff head, as far as it can be seen."""
    if motion.share < _FLOWING:
        return False
    apart = np.linalg.norm(motion.points - map_points(motion.rigid, points), axis=1)
    return float(np.sort(apart)[-_OUTLIERS - 1]) < max(_AS_ONE * unit, _AS_ONE_PX)


def _face_of(mesh: Mesh, score: float) -> Face:
    left, top = mesh.points[:, :2].min(axis=0).tolist()
    right, bottom = mesh.points[:, :2].max(axis=0).tolist()
    return Face((left, top, right, bottom), score, five_points(mesh), TRACKED)


def _updated(
    next_number: int,
    old: Sequence[LiveTrack],
    tracks: Sequence[LiveTrack | None],
    rigids: Sequence[np.ndarray],
    found: Sequence[Face],
    picture: Picture,
    models: LiveModels,
    settings: LiveSettings,
) -> tuple[list[LiveTrack | None], int]:
    """The tracks after a detection, with new ones and without lost ones; and the next unused number."""
    expected = [
        moved_face(before.face, rigid) if track is None else track.face
        for before, track, rigid in zip(old, tracks, rigids, strict=True)
    ]
    of_track, new = matched(expected, found)
    kept: list[LiveTrack | None] = []
    for index, (before, track) in enumerate(zip(old, tracks, strict=True)):
        own = found[of_track[index]] if index in of_track else None
        if own is None:
            missed = None if track is None else replace(track, misses=track.misses + 1)
            kept.append(missed if missed is not None and missed.misses < settings.lost_after else None)
        elif track is None or disagreement(own, track.mesh) > CONTRADICTS:
            kept.append(_begun(before.number, own, picture, models.mesh))
        else:
            kept.append(replace(track, misses=0, face=replace(track.face, score=own.score)))
    for face in people_among([found[index] for index in new], picture, FaceCheck(models.mesh, models.parser), settings):
        kept.append(_begun(next_number, face, picture, models.mesh))
        next_number += 1
    return kept, next_number


def _begun(number: int, face: Face, picture: Picture, reader: MeshReader) -> LiveTrack | None:
    """A track of a detected face; None where the mesh sees no face there."""
    mesh = reader.mesh_of_face(picture, face)
    if mesh is None:
        return None
    mesh = reader.mesh_near(picture, mesh.points[:, :2])  # as in the frames after: a quick crop reads a little differently
    return LiveTrack(number, _face_of(mesh, face.score), Smoothed.begin(mesh.points[:, :2]), mesh)


def _with_others(faces: dict[int, LiveFace]) -> dict[int, LiveFace]:
    """The faces, each with the places of all others."""
    if len(faces) < 2:
        return faces
    places = {number: (*face.face.points.mean(axis=0).tolist(), face.face.unit_px) for number, face in faces.items()}
    return {
        number: replace(face, others=tuple(place for other, place in places.items() if other != number))
        for number, face in faces.items()
    }


def _described(
    track: LiveTrack,
    picture: Picture,
    light: GreyFrame,
    number: int,
    seconds: float,
    parser: SharesParser | None,
    settings: LiveSettings,
) -> tuple[LiveTrack, LiveFace]:
    """The track with its parts of this frame, and its face for effects."""
    if parser is None:
        seen = 0.0 if mouth_is_covered(picture, track.mesh) else 1.0
        mouth = seen if track.mouth is None else track.mouth + (1 - math.exp(-seconds / MOUTH_S)) * (seen - track.mouth)
        return replace(track, mouth=mouth), LiveFace(track.face, track.mesh, {}, np.eye(2, 3), mouth)
    brightness = brightness_at(track.mesh.points, light)
    change = 1.0 if track.parts is None else change_since_parse(track.parts, track.mesh.points, brightness)
    turn = number + track.number  # several faces take turns
    parse = track.parts is None or _is_due(track.parts.age, turn, settings.parse_every, settings.rest_every, change)
    parts = update_live_parts(
        track.parts,
        picture,
        track.mesh.points,
        crop_matrix(track.face.points, parser),
        parser,
        brightness,
        change=change,
        parse=parse,
        seconds=seconds,
        time_constant_s=settings.time_constant_s,
    )
    if _is_parsed_around(parts, turn, parse, settings, change):
        parts = with_hair_around(parts, picture, parser.at(AROUND_PX))
    face = LiveFace(
        track.face,
        track.mesh,
        parts.as_shares(),
        parts.matrix,
        parts.mouth,
        parts.hair,
        parts.hair_around(),
        changing=parts.hurry,
    )
    hair = hair_color_of(picture, face) if parts.hair is None or turn % _HAIR_EVERY == 0 else None
    parts = parts.with_hair(hair, 1 - math.exp(-seconds / _HAIR_S))
    return replace(track, parts=parts), replace(face, hair=parts.hair)


def _with_looks(
    track: LiveTrack, face: LiveFace, picture: Picture, number: int, seconds: float, reader: LooksReader
) -> tuple[LiveTrack, LiveFace]:
    """The track and its face with how it looks."""
    looks = next_looks(track.looks, number + track.number, seconds, lambda: reader(picture, face.subject(picture)), live=True)
    return replace(track, looks=looks), replace(face, looks=None if looks is None else looks.shown)


def _is_due(age: int, turn: int, every: int, rest: int, change: float) -> bool:
    """Whether something that was done `age` frames ago is done again in the frame of that turn: the sooner, the more has changed (0 to 1)."""
    wait = every + (1 - change) * max(0, rest - every)
    return every > 0 and turn % every == 0 and age + 1 >= wait


def _is_parsed_around(parts: LiveParts, turn: int, parsed: bool, settings: LiveSettings, change: float) -> bool:
    """Whether the hair beyond a face's crop is parsed in the frame of that turn: not in one in which its parts are, where that can be."""
    every = settings.around_every
    if every <= 0 or (parsed and settings.parse_every > 1):
        return False
    if parts.around is None:
        return True
    rest = every * max(1, settings.rest_every // max(1, settings.parse_every))
    return _is_due(parts.around_age, turn - 1, every, rest, change)
