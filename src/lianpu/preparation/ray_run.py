"""The photos looked at by a Ray cluster: the same looker in its actors, the results in the same order. The only door to Ray."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from lianpu.errors import SettingsError
from lianpu.preparation.analysis import Analyzed, PhotoAnalyzer
from lianpu.preparation.settings import PrepareSettings

_AT_ONCE = 10_000
"""Photos that are handed to the cluster together: its plan of them lies in memory here."""


class RayLooker:
    """A `PhotoAnalyzer` in the form that Ray Data calls: made once per actor, a row in, a row out."""

    def __init__(self, root: str, settings: PrepareSettings) -> None:
        self._looker = PhotoAnalyzer(Path(root), settings, threads=1)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row's photo, looked at; the result as bytes, which is what tables of a cluster hold."""
        return {"looked": pickle.dumps(self._looker.look(str(row["photo"])))}


def look_on_ray(root: Path, settings: PrepareSettings, photos: Iterator[str], workers: int) -> Iterator[Analyzed]:
    """What is in each photo, in the order given, looked at by `workers` actors of the cluster that is connected, or a local one.

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
            looked = rows.map(
                RayLooker,
                fn_constructor_args=(str(root.resolve()), settings),
                compute=ray.data.ActorPoolStrategy(size=workers),
                num_cpus=1,
            )
            for row in looked.iter_rows():
                yield pickle.loads(row["looked"])
    finally:
        if started:
            ray.shutdown()


def _start(ray: Any) -> None:
    try:
        ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    except Exception as problem:  # Ray raises plain exceptions of many kinds here
        reason = " ".join(str(problem).split())[:300]
        raise SettingsError(f"Ray cannot start or reach a cluster ({reason}). Check RAY_ADDRESS, or leave --ray out.") from None
