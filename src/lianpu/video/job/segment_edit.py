"""Frames and segments of a video edited one after the other, in this process or in several."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import VideoError
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoProbe
from lianpu.video.io.reading import Frame, frames_from
from lianpu.video.job.frame_pipeline import (
    FramePipeline,
    HiddenScene,
    HidingPipeline,
    Tracked,
    fetch_live_models,
    open_pipeline,
)
from lianpu.video.job.work_folder import Segment, SegmentResult, WorkFolder
from lianpu.video.tracking.hiding import KEPT_S, HiddenFace, is_covered, look_back
from lianpu.video.tracking.live_tracker import LiveSettings
from lianpu.video.tracking.motion import GreyFrame
from lianpu.video.tracking.tracker import TrackSettings
from lianpu.workers import Tick, WorkerDiedError, run_tasks, threads_each

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
        tracking: how faces are tracked; `LiveSettings` choose the live pipeline.
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
        pipeline = open_pipeline(job, task.tracking)
        for segment in segments:
            yield segment, edit_segment(task, pipeline, segment, lambda: on_frames(1))
        return
    jobs = min(jobs, len(segments))
    if isinstance(task.tracking, LiveSettings):
        fetch_live_models(task.tracking)  # here it is seen; a process would fetch in silence
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
    pipeline = open_pipeline(open_job(task.request, threads), task.tracking, threads)
    return lambda segment: edit_segment(task, pipeline, segment, tick)


def edit_segment(task: SegmentTask, pipeline: FramePipeline, segment: Segment, on_frame: Callable[[], None]) -> SegmentResult:
    """Edit and encode a segment, and keep it in the work folder; `on_frame` is called after each frame that was written."""
    probe = task.probe
    with_faces = 0
    timestamps: list[int] = []
    cuts: list[int] = []
    unfound: list[int] = []
    seconds: dict[str, float] = {}
    tracked_frames = hidden_frames if isinstance(pipeline, HidingPipeline) else plain_frames
    with piece_writer(task.work.partial_file(segment), probe, task.encoding) as writer:
        for frame, tracked, read_s in tracked_frames(pipeline, probe, segment):
            if frame.timestamp < probe.timestamps[segment.first]:
                continue
            edited = pipeline.render(frame.picture, tracked)
            begin = time.perf_counter()
            if edited.picture is frame.picture:
                writer.write_raw(frame, len(timestamps), PIECE_TIME_BASE)
            else:
                writer.write(edited.picture, len(timestamps), PIECE_TIME_BASE)
            for name, second in (edited.seconds | {READ: read_s, WRITE: time.perf_counter() - begin}).items():
                seconds[name] = seconds.get(name, 0.0) + second
            timestamps.append(frame.timestamp)
            with_faces += bool(edited.edited)
            if tracked.cut:
                cuts.append(frame.timestamp)
            if isinstance(tracked, HiddenScene) and not tracked.found:
                unfound.append(frame.timestamp)
            on_frame()
    result = SegmentResult(tuple(timestamps), with_faces, tuple(cuts), seconds, tuple(unfound))
    task.work.keep(segment, result)
    return result


TrackedFrame = tuple[Frame, Tracked, float]
"""A frame, what tracking says of it, and the seconds that reading it took."""


def plain_frames(pipeline: FramePipeline, probe: VideoProbe, segment: Segment) -> Iterator[TrackedFrame]:
    """The frames of a segment from its run-in on, each as soon as it is tracked."""
    state = pipeline.begin()
    for number, (frame, read_s) in enumerate(_timed(frames_from(probe, segment.run_in, segment.last)), segment.run_in):
        state, tracked = pipeline.track(state, frame.picture, number, probe.time_s(frame.timestamp))
        yield frame, tracked, read_s


_HELD_BYTES = 1_600_000_000
"""Frames that wait for what later ones show take at most about this much memory: `KEPT_S` of 4K at 60 frames a second."""

_FEWEST_HELD = 8

_SPEED_KNOWN = 3
"""After so many findings of a face its speed is known."""


@dataclass(eq=False)
class _Waiting:
    """A frame that waits, with what hiding knows of it."""

    frame: Frame
    scene: HiddenScene
    grey: GreyFrame
    time_s: float
    read_s: float


def hidden_frames(pipeline: FramePipeline, probe: VideoProbe, segment: Segment) -> Iterator[TrackedFrame]:
    """The frames of a segment from its run-in on, whose faces must stay hidden: each waits for `KEPT_S` of later frames.

    A face that is found in a frame is covered in the frames before it as well, back to where it was found last, to the cut, or to where it
    was out of the picture. So the beginning of the next segment is read, too.
    """
    last_s = probe.time_s(probe.timestamps[min(segment.last, len(probe.timestamps)) - 1])
    end = segment.last
    while end < len(probe.timestamps) and probe.time_s(probe.timestamps[end]) <= last_s + KEPT_S:
        end += 1
    own_end = probe.timestamps[segment.last] if segment.last < len(probe.timestamps) else None
    state, waiting = pipeline.begin(), deque[_Waiting]()
    most = 0
    for number, (frame, read_s) in enumerate(_timed(frames_from(probe, segment.run_in, end)), segment.run_in):
        most = most or max(_FEWEST_HELD, _HELD_BYTES // frame.picture.nbytes)
        time_s = probe.time_s(frame.timestamp)
        state, scene = pipeline.track(state, frame.picture, number, time_s)
        assert isinstance(scene, HiddenScene)
        waiting.append(_Waiting(frame, scene, state.hiding.grey, time_s, read_s))
        _cover_back(waiting)
        while waiting and (len(waiting) > most or waiting[0].time_s < time_s - KEPT_S):
            yield from _own(waiting.popleft(), own_end)
    while waiting:
        yield from _own(waiting.popleft(), own_end)


def _own(one: _Waiting, end: int | None) -> Iterator[TrackedFrame]:
    if end is None or one.frame.timestamp < end:
        yield one.frame, one.scene, one.read_s


def _cover_back(waiting: deque[_Waiting]) -> None:
    """Cover the faces that the newest frame shows for the first time, or again, in the frames before it."""
    newest = waiting[-1]
    before = {one.number: one for one in waiting[-2].scene.faces} if len(waiting) > 1 and not newest.scene.cut else {}
    for face in newest.scene.faces:
        if face.unseen_s:
            continue
        again = face.number in before and before[face.number].unseen_s > 0
        if face.sightings in (1, _SPEED_KNOWN) or again:
            _cover_one_back(waiting, face)


def _cover_one_back(waiting: deque[_Waiting], face: HiddenFace) -> None:
    frames = list(waiting)
    earlier: list[_Waiting] = []
    for after, one in zip(reversed(frames), reversed(frames[:-1]), strict=False):
        if after.scene.cut:
            break
        earlier.append(one)
    times = [newer.time_s - one.time_s for newer, one in zip([frames[-1], *earlier], earlier, strict=False)]
    greys = [(one.grey, seconds) for one, seconds in zip(earlier, times, strict=True)]
    for one, guess in zip(earlier, look_back(face, greys, frames[-1].grey), strict=False):
        if not any(is_covered(guess.face, known.face) for known in one.scene.faces if not known.unseen_s):
            one.scene = replace(one.scene, faces=(*one.scene.faces, guess))


def _timed(frames: Iterator[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames, each with the seconds that reading it took."""
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        yield frame, time.perf_counter() - begin
