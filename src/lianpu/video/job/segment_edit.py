"""Frames and segments of a video edited one after the other, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lianpu.editing.presets import EffectStep, Preset, Step
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import SettingsError, VideoError
from lianpu.faces.analyzer import EVERY, LARGEST
from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoProbe
from lianpu.video.io.reading import Frame, frames_from
from lianpu.video.job.work_folder import Segment, SegmentResult, WorkFolder
from lianpu.video.tracking.tracker import TrackedFaces, TrackerState, TrackSettings, track_faces
from lianpu.workers import Tick, WorkerDiedError, run_tasks, threads_each


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
    tracked: TrackedFaces
    edited: int
    seconds: dict[str, float]


def check_faces(faces: str) -> None:
    """Raise SettingsError unless `faces` is `all` or `largest`: the sizes of faces change from frame to frame."""
    if faces not in (EVERY, LARGEST):
        raise SettingsError(
            f"--faces {faces}: in a video say {EVERY} or {LARGEST}; numbers by size would change from frame to frame."
        )


def edit_frame(
    before: TrackerState, picture: Picture, number: int, time_s: float, job: EditJob, settings: TrackSettings
) -> tuple[TrackerState, EditedFrame]:
    """The tracker's state after a frame (H, W, 3), and the frame edited as the job's request asks. Arguments as of `track_faces`."""
    after, tracked = track_faces(before, picture, number, time_s, job.session.analyzer, settings)
    chosen = tracked.largest if job.request.faces == LARGEST else tracked.subjects
    seconds = dict(tracked.seconds)
    if chosen:
        for name, step in named_steps(job.preset):
            begin = time.perf_counter()
            picture = job.session.edit(picture, chosen, Preset(name, (step,)), job.request.known)
            seconds[name] = time.perf_counter() - begin
    return after, EditedFrame(picture, tracked, len(chosen), seconds)


def named_steps(preset: Preset) -> list[tuple[str, Step]]:
    """The steps of a preset, each with a unique name."""
    names = [step.effect.name if isinstance(step, EffectStep) else "edit" for step in preset.steps]
    return [
        (name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})", step)
        for place, (name, step) in enumerate(zip(names, preset.steps, strict=True))
    ]


READ, WRITE = "read", "write"
"""Stages besides those of `TrackedFaces.seconds` and the steps of the preset."""


@dataclass(frozen=True)
class SegmentTask:
    """What the segments of a video have in common.

    Args:
        request: what is edited.
        probe: of the source.
        work: the folder that keeps finished segments.
        encoding: of the segments.
        tracking: how faces are tracked.
    """

    request: EditRequest
    probe: VideoProbe
    work: WorkFolder
    encoding: Encoding
    tracking: TrackSettings


def edit_segments(
    task: SegmentTask, job: EditJob, segments: Sequence[Segment], jobs: int, on_frames: Callable[[int], None]
) -> Generator[tuple[Segment, SegmentResult], None, None]:
    """Segments as they are finished, in any order.

    The encoder uses the same number of threads in every process: with other threads x264 writes other bits.

    Args:
        task: the video and how it is edited.
        job: the opened request, used where this process works alone.
        segments: which.
        jobs: how many processes.
        on_frames: called with the number of frames written since its last call.

    Raises:
        SettingsError: the processes cannot start.
        VideoError: one died.
    """
    if jobs == 1 or len(segments) < 2:
        for segment in segments:
            yield segment, edit_segment(task, job, segment, lambda: on_frames(1))
        return
    jobs = min(jobs, len(segments))
    opener = partial(_open, task, threads_each(jobs))
    try:
        yield from run_tasks(segments, opener, jobs, threads=threads_each(jobs), on_ticks=on_frames)
    except WorkerDiedError as problem:
        assert isinstance(problem.task, Segment), "tasks are segments"
        begin_s = task.probe.time_s(task.probe.timestamps[problem.task.first])
        raise VideoError(
            f"The process that edited {task.probe.file} from {begin_s:.1f} s on died (often for want of memory). Finished segments are "
            "kept: run the command again, with fewer --jobs."
        ) from None


def _open(task: SegmentTask, threads: int, tick: Tick) -> Callable[[Segment], SegmentResult]:
    job = open_job(task.request, threads)
    return lambda segment: edit_segment(task, job, segment, tick)


def edit_segment(task: SegmentTask, job: EditJob, segment: Segment, on_frame: Callable[[], None]) -> SegmentResult:
    """Edit and encode a segment, and keep it in the work folder; `on_frame` is called after each frame that was written."""
    probe, analyzer = task.probe, job.session.analyzer
    state, with_faces = TrackerState(), 0
    timestamps: list[int] = []
    cuts: list[int] = []
    seconds: dict[str, float] = {}
    with piece_writer(task.work.partial_file(segment), probe, task.encoding) as writer:
        number = segment.run_in - 1
        for frame, read_s in _timed(frames_from(probe, segment.run_in, segment.last)):
            number += 1
            time_s = probe.time_s(frame.timestamp)
            if frame.timestamp < probe.timestamps[segment.first]:
                state, _ = track_faces(state, frame.picture, number, time_s, analyzer, task.tracking)
                continue
            state, edited = edit_frame(state, frame.picture, number, time_s, job, task.tracking)
            begin = time.perf_counter()
            if edited.picture is frame.picture:
                writer.write_raw(frame, len(timestamps), PIECE_TIME_BASE)
            else:
                writer.write(edited.picture, len(timestamps), PIECE_TIME_BASE)
            for name, second in (edited.seconds | {READ: read_s, WRITE: time.perf_counter() - begin}).items():
                seconds[name] = seconds.get(name, 0.0) + second
            timestamps.append(frame.timestamp)
            with_faces += bool(edited.edited)
            if edited.tracked.cut:
                cuts.append(frame.timestamp)
            on_frame()
    result = SegmentResult(tuple(timestamps), with_faces, tuple(cuts), seconds)
    task.work.keep(segment, result)
    return result


def _timed(frames: Iterator[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames, each with the seconds that reading it took."""
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        yield frame, time.perf_counter() - begin
