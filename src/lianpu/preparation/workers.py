"""Several processes look at photos; what they find comes back in the order of the photos, a bounded number at a time."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

from lianpu.errors import SettingsError
from lianpu.preparation.analysis import Analyzed, FailedPhoto, PhotoAnalyzer
from lianpu.preparation.quality import Rejection
from lianpu.preparation.settings import PrepareSettings

_AHEAD = 4
"""Photos per process that are handed out before the first of them is back."""

_looker: PhotoAnalyzer | None = None
"""The looker of a helping process, made when it starts."""


def look_in_order(root: Path, settings: PrepareSettings, photos: Iterable[str], workers: int) -> Iterator[Analyzed]:
    """What is in each photo, in the order given; with one worker nothing is started.

    A process that dies of a photo (a crash in a library, no memory) costs that photo alone: it comes back as `failed`.

    Raises:
        SettingsError: the processes cannot start at all.
    """
    if workers == 1:
        looker = PhotoAnalyzer(root, settings)
        yield from (looker.look(photo) for photo in photos)
        return
    waiting = iter(photos)
    while (left := (yield from _until_a_process_dies(root, settings, waiting, workers))) is not None:
        yield from _one_by_one(root, settings, left)


def _until_a_process_dies(
    root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int
) -> Generator[Analyzed, None, list[str] | None]:
    """Results in order; returns None when all photos were looked at, else those that were handed out and are not back."""
    handed_out: deque[tuple[str, Future[Analyzed]]] = deque()
    with _pool(root, settings, workers) as pool:
        try:
            for photo in photos:
                handed_out.append((photo, _submitted(pool, photo)))
                if len(handed_out) >= workers * _AHEAD:
                    yield handed_out[0][1].result()
                    handed_out.popleft()
            while handed_out:
                yield handed_out[0][1].result()
                handed_out.popleft()
        except BrokenProcessPool:
            return [photo for photo, _ in handed_out]
    return None


def _submitted(pool: ProcessPoolExecutor, photo: str) -> Future[Analyzed]:
    """The photo handed out; in a pool that has died already, a future that says so."""
    try:
        return pool.submit(_look, photo)
    except BrokenProcessPool as problem:
        died: Future[Analyzed] = Future()
        died.set_exception(problem)
        return died


def _one_by_one(root: Path, settings: PrepareSettings, photos: Sequence[str]) -> Iterator[Analyzed]:
    """Results in order, from one process with one photo at a time: so it is known which photo ends it."""
    waiting = deque(photos)
    while waiting:
        with _pool(root, settings, 1) as pool:
            alive = True
            while waiting and alive:
                photo = waiting.popleft()
                try:
                    looked = _submitted(pool, photo).result()
                except BrokenProcessPool:
                    alive = False
                    looked = FailedPhoto(photo, Rejection("failed", "the process that looked at it died"))
                yield looked


@contextmanager
def _pool(root: Path, settings: PrepareSettings, workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes started anew (spawn), with one thread each: several that take all cores would wait for each other.

    Raises:
        SettingsError: they cannot start.
    """
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = "1"
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start, (root, settings))
    try:
        _refuse_dead(pool)
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if before is None:
            os.environ.pop("OMP_NUM_THREADS")
        else:
            os.environ["OMP_NUM_THREADS"] = before


def _refuse_dead(pool: ProcessPoolExecutor) -> None:
    """Nothing when a process has started and loaded its models; else a SettingsError, before any photo is blamed."""
    try:
        pool.submit(_is_ready).result()
    except BrokenProcessPool:
        raise SettingsError(
            "The processes that should help died when they started. In a script, call prepare_faces below "
            "`if __name__ == '__main__':`, for they read the script too; or use 1 worker."
        ) from None


def _is_ready() -> bool:
    return _looker is not None


def _start(root: Path, settings: PrepareSettings) -> None:
    global _looker
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes; the first one ends the others in order
    _looker = PhotoAnalyzer(root, settings, threads=1)


def _look(photo: str) -> Analyzed:
    assert _looker is not None, "the process was started by _start"
    return _looker.look(photo)
