"""A folder of photos edited into another: what was done is written down, so that a stopped job goes on where it was."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import Any, Protocol

from lianpu.editing.photo_job import Edited, edit_file, failed
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import DataError, LianpuError, SettingsError
from lianpu.files import append_text, read_json_lines, write_text
from lianpu.photo.file import PHOTO_ENDINGS
from lianpu.photo.reading import PICTURE_ENDINGS

JOURNAL = "edited-photos.jsonl"
"""In the folder that is written to: a line per photo that was begun and one when it was done, with the request that it was done for."""

_BEGUN = "begun"


@dataclass(frozen=True)
class Task:
    """A photo that is to be edited, the file that shall hold the result, and whether that may be written over."""

    source: Path
    target: Path
    force: bool = False


def edit_folder(
    source: Path,
    target: Path,
    request: EditRequest,
    *,
    jobs: int = 1,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Edited]:
    """Every photo that lies directly in `source`, edited into `target`: what came of each, in the order of their names.

    What was done before for the same request, of a photo that has not changed since, is not done again; what a job that was broken off had
    begun is. A photo that cannot be edited does not stop the others.

    Args:
        source: a folder with photos.
        target: another folder, made when it is missing.
        request: what is asked.
        jobs: how many processes work; 1 works in this one.
        force: write over files that are there.
        on_progress: called with (done, all).

    Raises:
        SettingsError: something is wrong with the request, or with `jobs`.
        DataError: the folder has no photo.
    """
    if jobs < 1:
        raise SettingsError(f"--jobs {jobs}: at least one process works. Give 1 or more.")
    if target.exists() and source.samefile(target):
        raise SettingsError(f"{target} is the folder of the photos themselves. Give another folder for the results.")
    tasks = tasks_of(source, target)
    job = open_job(request)  # what is wrong with the request is said before any process starts
    done = _done_before(target / JOURNAL, job.fingerprint, tasks)
    _cut_torn_line(target / JOURNAL)
    broken_off = _broken_off(target / JOURNAL)
    left = [replace(task, force=force or task.source.name in broken_off) for task in tasks if task.source not in done]
    count = len(done)
    if on_progress is not None:
        on_progress(count, len(tasks))

    def on_begin(task: PhotoTask) -> None:
        if task.force or not task.target.exists():  # what lies there otherwise is not ours
            append_text(target / JOURNAL, _line(task.source, task.target, _BEGUN, job.fingerprint))

    for edited in edit_all(left, request, job, jobs, on_begin):
        done[edited.source] = edited
        append_text(target / JOURNAL, _line(edited.source, edited.target, edited.state, job.fingerprint, edited))
        count += 1
        if on_progress is not None:
            on_progress(count, len(tasks))
    return [done[task.source] for task in tasks]


def tasks_of(source: Path, target: Path) -> list[Task]:
    """The photos of a folder by name, each with its file in `target`: of the same name, but that what cannot be written gets another ending.

    Raises:
        DataError: there is no photo.
    """
    photos = sorted(file for file in source.iterdir() if file.suffix.lower() in PHOTO_ENDINGS and file.name[0] != ".")
    if not photos:
        raise DataError(f"{source} has no photos ({', '.join(PHOTO_ENDINGS)}). Give another folder.")
    names = {photo.name for photo in photos}
    tasks = []
    for photo in photos:
        name = photo.name
        if photo.suffix.lower() not in PICTURE_ENDINGS:
            name = photo.stem + (".png" if photo.suffix.lower() == ".gif" else ".jpg")
            if name in names:
                name = photo.name + Path(name).suffix
            names.add(name)
        tasks.append(Task(photo, target / name))
    return tasks


def _done_before(journal: Path, fingerprint: str, tasks: Sequence[Task]) -> dict[Path, Edited]:
    """What the journal says of photos that are as they were, for this very request, and whose results are there."""
    if not journal.is_file():
        return {}
    # the last line of each: another request may have replaced a result
    lines = {line["photo"]: line for line in _lines(journal) if line["state"] != "failed"}
    done = {}
    for task in tasks:
        line = lines.get(task.source.name)
        if line is None or line["state"] == _BEGUN or line["request"] != fingerprint or line["stamp"] != _stamp(task.source):
            continue
        if line["target"] is not None and not task.target.is_file():
            continue
        was = "done before" if line["target"] is not None else "looked at before"
        target = task.target if line["target"] is not None else None
        done[task.source] = Edited(task.source, target, line["state"], was, line["found"], line["edited"], line["changed"])
    return done


def _cut_torn_line(journal: Path) -> None:
    """Take off a last line that a crash has cut: the next one would be written behind it."""
    if journal.is_file() and (text := journal.read_text(encoding="utf-8", errors="replace")) and not text.endswith("\n"):
        write_text(journal, text[: text.rfind("\n") + 1])


def _broken_off(journal: Path) -> set[str]:
    """The names of photos that were begun and not ended: what lies at their targets was written by the job that was broken off."""
    if not journal.is_file():
        return set()
    last = {line["photo"]: line["state"] for line in _lines(journal)}
    return {name for name, state in last.items() if state == _BEGUN}


def _lines(journal: Path) -> Iterator[dict]:
    for line in read_json_lines(journal, DataError):
        if isinstance(line, dict) and {"photo", "stamp", "request", "target", "state", "found", "edited", "changed"} <= set(line):
            yield line


def _line(source: Path, target: Path | None, state: str, fingerprint: str, edited: Edited | None = None) -> str:
    line = {
        "photo": source.name,
        "stamp": _stamp(source),
        "request": fingerprint,
        "target": None if target is None else target.name,
        "state": state,
        "found": 0 if edited is None else edited.found,
        "edited": 0 if edited is None else edited.edited,
        "changed": 0.0 if edited is None else round(edited.changed, 5),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def _stamp(file: Path) -> list[int]:
    """Size and time of change: when either differs the photo is another. Empty when it is gone."""
    try:
        status = file.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


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

_ours: tuple[EditJob, Any] | None = None
"""The workbench of a helping process, opened when it starts, and the event that tells it to begin no further photo."""

_at_work = threading.Lock()
"""Held while a helping process edits: it ends between two photos."""


def edit_all(tasks: Sequence[PhotoTask], request: EditRequest, job: EditJob, jobs: int, on_begin: OnBegin) -> Iterator[Edited]:
    """What came of each photo, as soon as it is done, in any order.

    Args:
        tasks: what is to do.
        request: what is asked, for processes.
        job: the same, opened, for one process alone: this one.
        jobs: how many processes.
        on_begin: called before each photo, and again when it is begun again.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_begin(task)
            yield _tried(job, task.source, task.target, task.force)
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
    job = open_job(request, threads)
    if "torch" in sys.modules:  # effects do without it
        sys.modules["torch"].set_num_threads(threads)
    _ours = (job, stop)


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
    job, stop = _ours
    with _at_work:
        if stop.is_set():
            return Edited(source, None, "failed", "not begun: the job was stopped")
        return _tried(job, source, target, force)


def _tried(job: EditJob, source: Path, target: Path, force: bool) -> Edited:
    try:
        return edit_file(job, source, target, force=force)
    except LianpuError as problem:
        return failed(source, problem)
