"""Frames and segments of a video edited one after the other, in this process or in several."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import VideoError
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoProbe
from lianpu.video.io.reading import Frame, frames_from
from lianpu.video.job.frame_pipeline import FramePipeline, edit_frame, open_pipeline
from lianpu.video.job.work_folder import Segment, SegmentResult, WorkFolder
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
    state, with_faces = pipeline.begin(), 0
    timestamps: list[int] = []
    cuts: list[int] = []
    seconds: dict[str, float] = {}
    with piece_writer(task.work.partial_file(segment), probe, task.encoding) as writer:
        number = segment.run_in - 1
        for frame, read_s in _timed(frames_from(probe, segment.run_in, segment.last)):
            number += 1
            time_s = probe.time_s(frame.timestamp)
            if frame.timestamp < probe.timestamps[segment.first]:
                state, _ = pipeline.track(state, frame.picture, number, time_s)
                continue
            state, edited = edit_frame(pipeline, state, frame.picture, number, time_s)
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
