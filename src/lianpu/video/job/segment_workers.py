"""Processes that edit the segments of a video beside each other."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial

from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import VideoError
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.probe import VideoFacts
from lianpu.video.job.frame_edit import edit_segment
from lianpu.video.job.work_folder import Segment, SegmentDone, WorkFolder
from lianpu.video.tracking.tracker import FollowSettings
from lianpu.workers import Tick, WorkerDiedError, run_tasks, threads_each


@dataclass(frozen=True)
class Task:
    """All that a process needs to edit segments of a video."""

    request: EditRequest
    facts: VideoFacts
    work: WorkFolder
    encoding: Encoding
    settings: FollowSettings


def edit_segments(
    task: Task, job: EditJob, segments: Sequence[Segment], jobs: int, on_frames: Callable[[int], None]
) -> Generator[tuple[Segment, SegmentDone], None, None]:
    """Segments as they are finished, in any order.

    The encoder takes as many threads as it takes in one process: x264 makes other bits with other threads.

    Args:
        task: the video and how it is edited.
        job: what its request needs, opened, for one process alone: this one.
        segments: which.
        jobs: how many processes.
        on_frames: called with how many frames were written since it was called last.

    Raises:
        SettingsError: the processes cannot start.
        VideoError: one died.
    """
    if jobs == 1 or len(segments) < 2:
        for segment in segments:
            done = edit_segment(job, task.facts, segment, task.work, task.encoding, task.settings, lambda: on_frames(1))
            yield segment, done
        return
    jobs = min(jobs, len(segments))
    opener = partial(_open, task, threads_each(jobs))
    try:
        yield from run_tasks(segments, opener, jobs, threads=threads_each(jobs), on_ticks=on_frames)
    except WorkerDiedError:
        raise VideoError(
            f"A process that edited {task.facts.file} died (often for want of memory). Finished segments are kept: run the command again, "
            "with fewer --jobs."
        ) from None


def _open(task: Task, threads: int, tick: Tick) -> Callable[[Segment], SegmentDone]:
    job = open_job(task.request, threads)
    return lambda segment: edit_segment(job, task.facts, segment, task.work, task.encoding, task.settings, tick)
