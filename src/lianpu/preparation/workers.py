"""Photos analyzed by several processes or by a Ray cluster; the results come back in the order of the photos."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from lianpu.errors import SettingsError
from lianpu.preparation.analysis import Analyzed, FailedPhoto, PhotoAnalyzer
from lianpu.preparation.measures import Rejection
from lianpu.preparation.settings import PrepareSettings
from lianpu.workers import Tick, run_tasks


def analyze_in_order(root: Path, settings: PrepareSettings, photos: Iterable[str], workers: int) -> Iterator[Analyzed]:
    """What is in each photo, in the order given; with one worker no process is started.

    A photo that kills the process that works on it (a crash in a library, no memory) comes back as `failed`.

    Raises:
        SettingsError: the processes cannot start.
    """
    if workers == 1:
        yield from map(PhotoAnalyzer(root, settings).analyze, photos)
        return
    for _, analyzed in run_tasks(photos, partial(_open, root, settings), workers, in_order=True, died=_failed):
        yield analyzed


def _open(root: Path, settings: PrepareSettings, tick: Tick) -> Callable[[str], Analyzed]:
    return PhotoAnalyzer(root, settings, threads=1).analyze


def _failed(photo: str) -> Analyzed:
    return FailedPhoto(photo, Rejection("failed", "the process that worked on it died"))


_AT_ONCE = 10_000
"""Photos that are handed to the cluster together: its plan of them lies in memory here."""


class RayAnalyzer:
    """A `PhotoAnalyzer` in the form that Ray Data calls: made once per actor, a row in, a row out."""

    def __init__(self, root: str, settings: PrepareSettings) -> None:
        self._analyzer = PhotoAnalyzer(Path(root), settings, threads=1)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row's photo, analyzed; the result as bytes, which is what tables of a cluster hold."""
        return {"analyzed": pickle.dumps(self._analyzer.analyze(str(row["photo"])))}


def analyze_on_ray(root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int) -> Iterator[Analyzed]:
    """What is in each photo, in the order given, analyzed by `workers` actors of the cluster that is connected, or a local one.

    RAY_ADDRESS names a cluster. Photos and model files must be readable at the same paths on all its machines.

    Raises:
        SettingsError: Ray is not installed, or no cluster can be reached or started.
    """
    try:
        import ray
        import ray.data
    except ImportError as problem:
        raise SettingsError(f'Ray cannot be loaded ({problem}). Install it with: pip install "lianpu[ray]"') from None
    started = not ray.is_initialized()
    if started:
        _start(ray)
    try:
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = True
        context.enable_progress_bars = False
        while some := list(islice(photos, _AT_ONCE)):
            rows = ray.data.from_items([{"photo": photo} for photo in some], override_num_blocks=min(len(some), workers * 8))
            analyzed = rows.map(
                RayAnalyzer,
                fn_constructor_args=(str(root.resolve()), settings),
                compute=ray.data.ActorPoolStrategy(size=workers),
                num_cpus=1,
            )
            for row in analyzed.iter_rows():
                yield pickle.loads(row["analyzed"])
    finally:
        if started:
            ray.shutdown()


def _start(ray: Any) -> None:
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except Exception as problem:  # Ray raises plain exceptions of many kinds here
        reason = " ".join(str(problem).split())[:300]
        raise SettingsError(f"Ray cannot start or reach a cluster ({reason}). Check RAY_ADDRESS, or leave --ray out.") from None
