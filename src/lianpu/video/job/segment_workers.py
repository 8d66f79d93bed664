"""Processes that edit the segments of a video beside each other."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import SettingsError, VideoError
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.probe import VideoFacts
from lianpu.video.job.frame_edit import edit_segment
from lianpu.video.job.work_folder import Segment, SegmentDone, WorkFolder
from lianpu.video.tracking.tracker import FollowSettings

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True)
class Task:
    """All that a process needs to edit segments of a video."""

    request: EditRequest
    facts: VideoFacts
    work: WorkFolder
    encoding: Encoding
    settings: FollowSettings


_ours: tuple[Task, EditJob, Any, Any] | None = None
"""The task of a helping process, its workbench, the count of frames that all processes share, and whether to stop."""


def edit_segments(
    task: Task, job: EditJob, segments: Sequence[Segment], jobs: int, on_frames: Callable[[int], None]
) -> Iterator[tuple[Segment, SegmentDone]]:
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
    context = get_context("spawn")
    count, stop = context.Value("q", 0), context.Event()
    jobs = min(jobs, len(segments))
    pool = ProcessPoolExecutor(jobs, context, _start, (task, max(1, (os.cpu_count() or 1) // jobs), count, stop))
    try:
        _refuse_dead(pool)
        running: dict[Future[SegmentDone], Segment] = {pool.submit(_edit, segment): segment for segment in segments}
        told = 0
        while running:
            ready, _ = wait(running, timeout=_LOOK_EVERY_S, return_when=FIRST_COMPLETED)
            now = count.value
            on_frames(now - told)
            told = now
            for future in ready:
                yield running.pop(future), future.result()
    except BrokenProcessPool:
        raise VideoError(
            f"A process that edited {task.facts.file} died (often for want of memory). Finished segments are kept: run the command again, "
            "with fewer --jobs."
        ) from None
    finally:
        stop.set()  # a segment at work ends with its frame: who pressed Ctrl-C does not wait for all of it
        pool.shutdown(wait=True, cancel_futures=True)


def _refuse_dead(pool: ProcessPoolExecutor) -> None:
    try:
        pool.submit(_is_ready).result()
    except BrokenProcessPool:
        raise SettingsError(
            "The processes that should help died when they started. In a script, call this below "
            "`if __name__ == '__main__':`, for they read the script too; or use one job."
        ) from None


def _start(task: Task, threads: int, count: Any, stop: Any) -> None:
    global _ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others in order
    import cv2

    cv2.setNumThreads(threads)
    _ours = (task, open_job(task.request, threads), count, stop)


class _StoppedError(Exception):
    """Nobody waits for the segment any more."""


def _is_ready() -> bool:
    return _ours is not None


def _edit(segment: Segment) -> SegmentDone:
    assert _ours is not None, "the process was started by _start"
    task, job, count, stop = _ours

    def on_frame() -> None:
        if stop.is_set():
            raise _StoppedError
        with count.get_lock():
            count.value += 1

    return edit_segment(job, task.facts, segment, task.work, task.encoding, task.settings, on_frame)
