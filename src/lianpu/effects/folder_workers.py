"""Processes that edit photos beside each other; one that dies of a photo costs that photo alone."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Protocol

from lianpu.effects.photo_job import Edited, EditRequest, Workbench, edit_file, failed, open_workbench
from lianpu.errors import LianpuError, SettingsError


class PhotoTask(Protocol):
    """A photo, the file for its result, and whether that may be written over."""

    @property
    def source(self) -> Path: ...

    @property
    def target(self) -> Path: ...

    @property
    def force(self) -> bool: ...


OnBegin = Callable[[PhotoTask], None]
"""Called in this process before a photo is begun."""

_ours: tuple[Workbench, Any] | None = None
"""The workbench of a helping process, opened when it starts, and the event that tells it to begin no further photo."""
_at_work = threading.Lock()
"""Held while a helping process edits: it ends between two photos."""


def edit_all(
    tasks: Sequence[PhotoTask], request: EditRequest, bench: Workbench, jobs: int, on_begin: OnBegin
) -> Iterator[Edited]:
    """What came of each photo, as soon as it is done, in any order.

    Args:
        tasks: what is to do.
        request: what is asked, for processes.
        bench: the same, opened, for one process alone: this one.
        jobs: how many processes.
        on_begin: called before each photo, and again when it is begun again.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_begin(task)
            yield _tried(bench, task.source, task.target, task.force)
        return
    waiting = {task.source: task for task in tasks}
    for edited in _by_processes(list(waiting.values()), request, min(jobs, len(tasks)), on_begin):
        del waiting[edited.source]
        yield edited
    for task in waiting.values():  # a process died: one photo at a time tells of which
        alone = list(_by_processes([task], request, 1, on_begin))
        yield alone[0] if alone else Edited(task.source, None, "failed", "the process that edited it died")


def _by_processes(tasks: Sequence[PhotoTask], request: EditRequest, jobs: int, on_begin: OnBegin) -> Iterator[Edited]:
    """Results until all are there, or until a process dies."""
    left = deque(tasks)
    running: set[Future[Edited]] = set()
    with _pool(request, jobs) as pool:
        try:
            while left or running:
                while left and len(running) < 2 * jobs:
                    task = left.popleft()
                    on_begin(task)
                    with _deaf():
                        running.add(pool.submit(_edit, task.source, task.target, task.force))
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ready)
        except BrokenProcessPool:
            return


@contextmanager
def _pool(request: EditRequest, jobs: int) -> Iterator[ProcessPoolExecutor]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    context = get_context("spawn")
    stop = context.Event()
    pool = ProcessPoolExecutor(jobs, context, _start, (request, threads, stop))
    try:
        try:
            with _deaf():
                ready = pool.submit(_is_ready)
            ready.result()
        except BrokenProcessPool:
            raise SettingsError(
                "The processes that should help died when they started. In a script, call this below "
                "`if __name__ == '__main__':`, for they read the script too; or use one job."
            ) from None
        yield pool
    finally:
        stop.set()  # photos that wait are not begun: who pressed Ctrl-C waits for those alone that are at work
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes that start meanwhile do not heed Ctrl-C, from their first moment on: it reaches all, and this one ends the others in order."""
    if threading.current_thread() is not threading.main_thread():  # only there can signals be set
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _start(request: EditRequest, threads: int, stop: Any) -> None:
    global _ours
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    import cv2

    cv2.setNumThreads(threads)
    bench = open_workbench(request, threads)
    if "torch" in sys.modules:  # effects do without it
        sys.modules["torch"].set_num_threads(threads)
    _ours = (bench, stop)


def _end_with_parent() -> None:
    """End this process when the one that started it was killed: nobody would ever tell it to."""
    parent = parent_process()
    assert parent is not None, "a helping process has one that started it"
    parent.join()
    with _at_work:
        os._exit(1)


def _is_ready() -> bool:
    return _ours is not None


def _edit(source: Path, target: Path, force: bool) -> Edited:
    assert _ours is not None, "the process was started by _start"
    bench, stop = _ours
    with _at_work:
        if stop.is_set():
            return Edited(source, None, "failed", "not begun: the job was stopped")
        return _tried(bench, source, target, force)


def _tried(bench: Workbench, source: Path, target: Path, force: bool) -> Edited:
    try:
        return edit_file(bench, source, target, force=force)
    except LianpuError as problem:
        return failed(source, problem)
