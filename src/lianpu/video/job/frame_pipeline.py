"""The ways to edit frames one after the other: the careful one of photos, the live one, and either for faces that must stay hidden. All
first track, then render."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

from lianpu.allocator import keep_freed_memory
from lianpu.editing.presets import EffectStep, Preset, Step, hides_faces, hiding_steps
from lianpu.editing.session import EditJob
from lianpu.errors import SettingsError
from lianpu.face_parsing.shares import SharesParser
from lianpu.faces.analyzer import EVERY, LARGEST
from lianpu.faces.live import LiveFace, LiveScene
from lianpu.faces.mesh import MeshReader
from lianpu.faces.person import LANDSCAPE, SQUARE, PersonTracker
from lianpu.faces.results import Face, Subject
from lianpu.imaging.picture import Picture
from lianpu.models.store.conversion import has_onnx, require_onnx
from lianpu.video.tracking.hiding import HiddenFace, HidingState, KnownFaces, covering, uncovered, watch
from lianpu.video.tracking.live_tracker import LiveModels, LiveSettings, LiveState, TrackedScene, track_live
from lianpu.video.tracking.motion import grey_frame
from lianpu.video.tracking.tracker import TrackedFaces, TrackerState, TrackSettings, detect_faces, track_faces


@dataclass(frozen=True, eq=False)
class HiddenScene:
    """A frame whose faces must stay hidden.

    Args:
        tracked: the faces that were tracked.
        faces: all faces that were found, and those that may be there (`tracking.hiding`).
        found: how many faces a search found in the frame.
        cut: whether the frame begins another scene.
    """

    tracked: TrackedFaces | TrackedScene
    faces: tuple[HiddenFace, ...]
    found: int
    cut: bool

    @property
    def largest(self) -> tuple[Subject, ...] | tuple[LiveFace, ...]:
        """The tracked face that counts as the largest; empty in a frame without faces."""
        return self.tracked.largest


Tracked = TrackedFaces | TrackedScene | HiddenScene
"""What tracking says of a frame."""

State = Any
"""What a pipeline knows before the next frame: `TrackerState`, `LiveState` or `HiddenState`."""


@dataclass(frozen=True, eq=False)
class EditedFrame:
    """A frame after the edit.

    Args:
        picture: (H, W, 3); the same object as the input where nothing was edited.
        tracked: the faces of the frame.
        edited: how many faces were edited.
        seconds: time by stage and step.
    """

    picture: Picture
    tracked: Tracked
    edited: int
    seconds: dict[str, float]


class FramePipeline(Protocol):
    """Edits the frames of a video or camera. Tracking and rendering may run in two threads, each frame first in the one."""

    @property
    def job(self) -> EditJob:
        """What is edited."""
        ...

    def begin(self) -> State:
        """The state before the first frame."""
        ...

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        """The state after a frame (H, W, 3), and its faces. Arguments as of `track_faces`."""
        ...

    def render(self, picture: Picture, tracked: Tracked) -> EditedFrame:
        """The frame (H, W, 3) edited as the job asks; the given one stays as it is."""
        ...


def open_pipeline(job: EditJob, settings: TrackSettings, threads: int | None = None) -> FramePipeline:
    """The pipeline for these settings: `LiveSettings` are those of the live one.

    The process keeps freed memory from then on (`allocator`): frames of the same size come again and again.

    Args:
        job: the opened request.
        settings: how faces are tracked; where faces are hidden, they are detected in every frame (`for_hidden_faces`).
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        WeightsError, ModelError: a network of the live pipeline is not on this machine and cannot be fetched, or is broken.
    """
    keep_freed_memory()
    hides = hides_faces(job.preset)
    searched = settings.for_hidden_faces() if hides else settings
    pipeline: QualityPipeline | LivePipeline = QualityPipeline(job, searched)
    if isinstance(searched, LiveSettings):
        pipeline = LivePipeline(job, searched, open_live_models(job, searched, threads))
    if hides and searched.detect_every == 1 and job.request.faces == EVERY:
        return HidingPipeline(job, pipeline)
    return pipeline


def edit_frame(pipeline: FramePipeline, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, EditedFrame]:
    """The state after a frame (H, W, 3), and the frame tracked and rendered."""
    after, tracked = pipeline.track(before, picture, number, time_s)
    return after, pipeline.render(picture, tracked)


@dataclass(frozen=True, eq=False)
class QualityPipeline:
    """The effects of photos on faces that are tracked carefully.

    Args:
        job: what is edited.
        settings: how faces are tracked.
    """

    job: EditJob
    settings: TrackSettings

    def begin(self) -> State:
        """See `FramePipeline`."""
        return TrackerState()

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        """See `FramePipeline`."""
        session = self.job.session
        looks, carriers = session.looks_reader(self.job.preset), session.carriers(self.job.preset)
        return track_faces(before, picture, number, time_s, session.analyzer, self.settings, looks=looks, carriers=carriers)

    def render(self, picture: Picture, tracked: Tracked) -> EditedFrame:
        """See `FramePipeline`."""
        assert isinstance(tracked, TrackedFaces)
        chosen = tracked.largest if self.job.request.faces == LARGEST else tracked.subjects
        seconds = dict(tracked.seconds)
        if chosen:
            for name, step in named_steps(self.job.preset):
                begin = time.perf_counter()
                picture = self.job.session.edit(picture, chosen, Preset(name, (step,)), self.job.request.known)
                seconds[name] = time.perf_counter() - begin
        return EditedFrame(picture, tracked, len(chosen), seconds)

    def with_faces(self, found: tuple[Face, ...], size_px: tuple[int, int]) -> QualityPipeline:
        """The same, for a frame of `size_px` (width, height) in which the faces are already found, in its pixels."""
        return replace(self, job=_with_faces(self.job, found, size_px))


@dataclass(frozen=True, eq=False)
class LivePipeline:
    """The live forms of effects on faces that a small mesh tracks; steps without a live form edit the frame as a photo.

    Args:
        job: what is edited.
        settings: how faces are tracked.
        models: the networks that tracking needs.
        threads: of networks that are opened later, as of `open_pipeline`.
    """

    job: EditJob
    settings: LiveSettings
    models: LiveModels
    threads: int | None = None

    def begin(self) -> State:
        """See `FramePipeline`."""
        return LiveState()

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        """See `FramePipeline`."""
        return track_live(before, picture, number, time_s, self.models, self.settings)

    def render(self, picture: Picture, tracked: Tracked) -> EditedFrame:
        """See `FramePipeline`."""
        assert isinstance(tracked, TrackedScene)
        scene = LiveScene(tracked.largest, tracked.scene.person) if self.job.request.faces == LARGEST else tracked.scene
        seconds = dict(tracked.seconds)
        frame = picture
        if scene.faces or scene.person is not None:
            for name, step in named_steps(self.job.preset):
                begin = time.perf_counter()
                frame = self._step(picture.copy() if frame is picture else frame, scene, name, step)
                seconds[name] = time.perf_counter() - begin
        return EditedFrame(frame, tracked, len(scene.faces), seconds)

    def _step(self, frame: Picture, scene: LiveScene, name: str, step: Step) -> Picture:
        """The frame, which may be changed in place, after one step."""
        if isinstance(step, EffectStep):
            step.effect.apply_live(frame, scene, step.strength, **step.options)
            return frame
        subjects = [face.subject(frame) for face in scene.faces]
        return self.job.session.edit(frame, subjects, Preset(name, (step,)), self.job.request.known)

    def with_faces(self, found: tuple[Face, ...], size_px: tuple[int, int]) -> LivePipeline:
        """As `QualityPipeline.with_faces`."""
        job = _with_faces(self.job, found, size_px)
        return replace(self, job=job, models=replace(self.models, analyzer=job.session.analyzer))

    def with_settings(self, settings: LiveSettings) -> LivePipeline:
        """The same with other settings, its networks kept where they serve."""
        models = self.models
        if settings.small_mesh != self.settings.small_mesh:
            models = replace(models, mesh=_open_mesh(settings, self.threads))
        return replace(self, settings=settings, models=models)


@dataclass(frozen=True, eq=False)
class HiddenState:
    """What `HidingPipeline` knows before the next frame.

    Args:
        inner: the state of the pipeline that it uses.
        hiding: where faces may be.
        time_s: of the last frame.
    """

    inner: State
    hiding: HidingState
    time_s: float = 0.0


_SEARCHED_PX = 800
"""Longer side of the copy of a frame in which faces that must stay hidden are searched, at least."""


@dataclass(frozen=True, eq=False)
class HidingPipeline:
    """Another pipeline, for edits that hide faces: every frame is searched, and faces that a search misses stay covered.

    The pipeline inside hides what it tracks; what it does not track well is hidden here, with a grown outline (`tracking.hiding`).

    Args:
        job: what is edited.
        inner: edits the faces that are tracked.
    """

    job: EditJob
    inner: QualityPipeline | LivePipeline

    def begin(self) -> State:
        """See `FramePipeline`."""
        return HiddenState(self.inner.begin(), HidingState())

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        """See `FramePipeline`."""
        begin = time.perf_counter()
        longest_px = max(_SEARCHED_PX, self.inner.settings.detect_px)
        found = detect_faces(picture, self.job.session.analyzer, longest_px, whole=True)
        search_s = time.perf_counter() - begin
        known = self.inner.with_faces(found, (picture.shape[1], picture.shape[0]))
        state, tracked = known.track(before.inner, picture, number, time_s)
        assert not isinstance(tracked, HiddenScene)
        seconds = max(time_s - before.time_s, 1e-3)
        hiding = watch(before.hiding, grey_frame(picture), found, seconds, cut=tracked.cut)
        tracked = replace(tracked, seconds={**tracked.seconds, "detect": tracked.seconds.get("detect", 0.0) + search_s})
        return HiddenState(state, hiding, time_s), HiddenScene(tracked, hiding.faces, len(found), tracked.cut)

    def render(self, picture: Picture, tracked: Tracked) -> EditedFrame:
        """See `FramePipeline`."""
        assert isinstance(tracked, HiddenScene)
        edited = self.inner.render(picture, tracked.tracked)
        scene = tracked.tracked
        faces = scene.subjects if isinstance(scene, TrackedFaces) else scene.scene.faces
        guessed = [covering(one.outline, picture) for one in uncovered(tracked.faces, [each.face for each in faces])]
        subjects = [one for one in guessed if one is not None]
        if not subjects:
            return replace(edited, tracked=tracked)
        begin = time.perf_counter()
        hidden = self.job.session.edit(edited.picture, subjects, hiding_steps(self.job.preset), self.job.request.known)
        seconds = {**edited.seconds, "hide": time.perf_counter() - begin}
        return EditedFrame(hidden, tracked, edited.edited + len(subjects), seconds)


def _with_faces(job: EditJob, found: tuple[Face, ...], size_px: tuple[int, int]) -> EditJob:
    analyzer = replace(job.session.analyzer, detector=KnownFaces(found, size_px), upright=False)
    return replace(job, session=replace(job.session, analyzer=analyzer))


SMALL_MESH, MESH = "face-mesh-468", "face-mesh"
"""Names of the meshes in the table of models."""


def has_mesh(*, small: bool = False) -> bool:
    """Whether the face mesh, or that of 468 points, is on this machine: a live picture does not wait for a download."""
    return has_onnx(SMALL_MESH if small else MESH)


def open_live_models(job: EditJob, settings: LiveSettings, threads: int | None = None) -> LiveModels:
    """The networks that a job needs in a live picture. Arguments and errors as of `open_pipeline`."""
    analyzer = job.session.analyzer
    parser = SharesParser(analyzer.parser) if settings.parse_every and analyzer.parser is not None else None
    person = PersonTracker(threads or 1) if settings.person else None
    looks, carriers = job.session.looks_reader(job.preset), job.session.carriers(job.preset, live=True)
    return LiveModels(analyzer, _open_mesh(settings, threads), parser, person, looks, carriers)


def fetch_live_models(settings: LiveSettings) -> None:
    """Have the live pipeline's networks on this machine before several processes ask for them. Errors as of `open_pipeline`."""
    for name in (SMALL_MESH if settings.small_mesh else MESH, *((SQUARE, LANDSCAPE) if settings.person else ())):
        require_onnx(name)


def _open_mesh(settings: LiveSettings, threads: int | None) -> MeshReader:
    return MeshReader(require_onnx(SMALL_MESH if settings.small_mesh else MESH), threads)


_PARSE_EVERY: dict[str, int] = {
    "lipstick": 8,
    "whiten_teeth": 8,
    "larger_eyes": 0,
    "blur_background": 0,
    "replace_background": 0,
}
"""How often an effect needs fresh parts, in frames; 0 for effects that need none. Others: `_SOMETIMES`."""

_SOMETIMES = 4

_REST = 4
"""While nothing changes, parts are parsed so many times as rarely."""

_MESH_EVERY = 3
"""While a face moves as one, its mesh is read so often, in frames."""

_AROUND_EVERY = 8
"""How often hair beyond the faces' crops is parsed, in frames."""

_NEED_PEOPLE = ("blur_background", "replace_background")


def live_settings(
    preset: Preset, detect_every: int | None = None, detect_px: int = 480, parse_every: int | None = None
) -> LiveSettings:
    """The settings that an edit needs in a live picture.

    Args:
        preset: the edit.
        detect_every: see `LiveSettings`.
        detect_px: likewise.
        parse_every: likewise; None chooses by the effects (reshaping eyes needs none, lips are carried by the mesh), and parses more rarely
            while nothing changes.
    """
    wanted = [
        _SOMETIMES if not isinstance(step, EffectStep) else _PARSE_EVERY.get(step.effect.name, _SOMETIMES)
        for step in preset.steps
    ]
    needed = [every for every in wanted if every]
    person = any(isinstance(step, EffectStep) and step.effect.name in _NEED_PEOPLE for step in preset.steps)
    chosen = (min(needed) if needed else 0) if parse_every is None else parse_every
    around = (
        _AROUND_EVERY if any(isinstance(step, EffectStep) and step.effect.name == "hair_color" for step in preset.steps) else 0
    )
    rest = _REST * chosen if parse_every is None else 0
    return LiveSettings(
        detect_every, detect_px, chosen, rest_every=rest, person=person, around_every=around, mesh_every=_MESH_EVERY
    )


def check_faces(faces: str) -> None:
    """Raise SettingsError unless `faces` is `all` or `largest`: the sizes of faces change from frame to frame."""
    if faces not in (EVERY, LARGEST):
        raise SettingsError(
            f"--faces {faces}: in a video say {EVERY} or {LARGEST}; numbers by size would change from frame to frame."
        )


def named_steps(preset: Preset) -> list[tuple[str, Step]]:
    """The steps of a preset, each with a unique name."""
    names = [step.effect.name if isinstance(step, EffectStep) else "edit" for step in preset.steps]
    return [
        (name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})", step)
        for place, (name, step) in enumerate(zip(names, preset.steps, strict=True))
    ]
