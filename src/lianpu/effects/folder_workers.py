"""Processes that edit photos beside each other; one that dies of a photo costs that photo alone."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Protocol

from lianpu.effects.photo_job import Edited, EditRequest, Workbench, edit_file, failed, open_workbench
from lianpu.errors import LianpuError, SettingsError


class PhotoTask(Protocol):
    """A photo and the file for its result."""

    @property
    def source(self) -> Path: ...

    @property
    def target(self) -> Path: ...


_bench: Workbench | None = None
"""The workbench of a helping process, opened when it starts."""


def edit_all(tasks: Sequence[PhotoTask], request: EditRequest, bench: Workbench, jobs: int, force: bool) -> Iterator[Edited]:
    """What came of each photo, as soon as it is done, in any order.

    Args:
        tasks: what is to do.
        request: what is asked, for processes.
        bench: the same, opened, for one process alone: this one.
        jobs: how many processes.
        force: write over files that are there.
    """
    if jobs == 1 or len(tasks) < 2:
        yield from (_tried(bench, task.source, task.target, force) for task in tasks)
        return
    waiting = {task.source: task for task in tasks}
    for edited in _by_processes(list(waiting.values()), request, min(jobs, len(tasks)), force):
        del waiting[edited.source]
        yield edited
    for task in waiting.values():  # a process died: one photo at a time tells of which
        alone = list(_by_processes([task], request, 1, force))
        yield alone[0] if alone else Edited(task.source, None, "failed", "the process that edited it died")


def _by_processes(tasks: Sequence[PhotoTask], request: EditRequest, jobs: int, force: bool) -> Iterator[Edited]:
    """Results until all are there, or until a process dies."""
    left = deque(tasks)
    running: set[Future[Edited]] = set()
    with _pool(request, jobs) as pool:
        try:
            while left or running:
                while left and len(running) < 2 * jobs:
                    task = left.popleft()
                    running.add(pool.submit(_edit, task.source, task.target, force))
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ready)
        except BrokenProcessPool:
            return


@contextmanager
def _pool(request: EditRequest, jobs: int) -> Iterator[ProcessPoolExecutor]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (request, threads))
    try:
        try:
            pool.submit(_is_ready).result()
        except BrokenProcessPool:
            raise SettingsError(
                "The processes that should help died when they started. In a script, call this below "
                "`if __name__ == '__main__':`, for they read the script too; or use one job."
            ) from None
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start(request: EditRequest, threads: int) -> None:
    global _bench
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others in order
    import cv2
    import torch

    cv2.setNumThreads(threads)
    torch.set_num_threads(threads)
    _bench = open_workbench(request, threads)


def _is_ready() -> bool:
    return _bench is not None


def _edit(source: Path, target: Path, force: bool) -> Edited:
    assert _bench is not None, "the process was started by _start"
    return _tried(_bench, source, target, force)


def _tried(bench: Workbench, source: Path, target: Path, force: bool) -> Edited:
    try:
        return edit_file(bench, source, target, force=force)
    except LianpuError as problem:
        return failed(source, problem)
