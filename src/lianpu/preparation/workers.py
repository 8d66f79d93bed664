"""Photos analyzed by several processes; the results come back in the order of the photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from lianpu.preparation.analysis import Analyzed, FailedPhoto, PhotoAnalyzer
from lianpu.preparation.quality import Rejection
from lianpu.preparation.settings import PrepareSettings
from lianpu.workers import Tick, run_tasks


def look_in_order(root: Path, settings: PrepareSettings, photos: Iterable[str], workers: int) -> Iterator[Analyzed]:
    """What is in each photo, in the order given; with one worker no process is started.

    A photo that kills the process that works on it (a crash in a library, no memory) comes back as `failed`.

    Raises:
        SettingsError: the processes cannot start.
    """
    if workers == 1:
        yield from map(PhotoAnalyzer(root, settings).look, photos)
        return
    for _, analyzed in run_tasks(photos, partial(_open, root, settings), workers, in_order=True, died=_failed):
        yield analyzed


def _open(root: Path, settings: PrepareSettings, tick: Tick) -> Callable[[str], Analyzed]:
    return PhotoAnalyzer(root, settings, threads=1).look


def _failed(photo: str) -> Analyzed:
    return FailedPhoto(photo, Rejection("failed", "the process that worked on it died"))
