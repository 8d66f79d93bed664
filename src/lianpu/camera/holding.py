"""How a live picture holds its rate on a slower processor: which care it gives up, decided by measured times."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from lianpu.video.tracking.live_tracker import LIVE_DETECT_EVERY, LiveSettings

_TRACKING = ("size, mirror", "detect", "track", "mesh", "parse", "person")
"""Stages of the thread that tracks; all others are of the one that renders."""

_ROOM = 0.9
"""Share of a frame's time that may be planned: the rest is for what varies."""

_SMALL_MESH_COST = 0.45
"""Time of the mesh of 468 points, as a share of that of 478."""


@dataclass(frozen=True)
class HeldRate:
    """What was decided.

    Args:
        settings: for the frames to come.
        words: what was given up and for what, as a sentence; empty where nothing was.
    """

    settings: LiveSettings
    words: str = ""


@dataclass(frozen=True)
class _Saving:
    """One way to save time: what it changes, what it leaves of each stage's time, and its words."""

    settings: LiveSettings
    left: Mapping[str, float]
    words: str


def rate_to_hold(asked: float, source: float) -> float | None:
    """The frames per second to hold: what is asked for, but no more than the source gives (0: unknown). None where 0 is asked."""
    return (min(asked, source) if source > 0 else asked) or None


def settings_that_hold(
    rate: float,
    took: Mapping[str, float],
    settings: LiveSettings,
    *,
    cores: int = 2,
    small_mesh: bool = True,
    keep_parts: bool = False,
) -> HeldRate:
    """The settings with which a live picture reaches a rate, by what it took so far: as few changes as needed, the least visible first.

    Args:
        rate: frames per second that are wanted.
        took: mean seconds a frame by stage and step, with `settings`.
        settings: those of now.
        cores: with two or more, tracking and rendering run at the same time.
        small_mesh: whether the mesh of 468 points is here.
        keep_parts: leave `parse_every` as it is: somebody has asked for it.
    """
    chosen, times = settings, dict(took)
    given_up: dict[str, str] = {}
    parts = [_nothing, _nothing] if keep_parts else [_rarer_parts(4), _rarer_parts(8)]
    for what, saving in (
        ("parts", parts[0]),
        ("mesh", _smaller_mesh if small_mesh else _nothing),
        ("detection", _rarer_detection),
        ("parts", parts[1]),
    ):
        if _frame_s(times, cores) <= _ROOM / rate:
            break
        saved = saving(chosen, times)
        if saved is not None:
            chosen, given_up[what] = saved.settings, saved.words
            times |= {stage: times[stage] * share for stage, share in saved.left.items() if stage in times}
    expected = 1 / max(_frame_s(times, cores), 1e-9)
    if expected < rate * _ROOM:
        known = f" ({', '.join(given_up.values())})" if given_up else ""
        return HeldRate(chosen, f"This processor holds about {expected:.0f} frames per second with this edit{known}.")
    return HeldRate(chosen, f"To hold {rate:.0f} frames per second: {', '.join(given_up.values())}." if given_up else "")


def _frame_s(times: Mapping[str, float], cores: int) -> float:
    tracking = sum(seconds for stage, seconds in times.items() if stage in _TRACKING)
    rendering = sum(times.values()) - tracking
    return max(tracking, rendering) if cores > 1 else tracking + rendering


def _nothing(settings: LiveSettings, times: Mapping[str, float]) -> _Saving | None:
    return None


def _rarer_parts(every: int) -> Callable[[LiveSettings, Mapping[str, float]], _Saving | None]:
    def save(settings: LiveSettings, times: Mapping[str, float]) -> _Saving | None:
        if not 0 < settings.parse_every < every or not times.get("parse"):
            return None
        share = settings.parse_every / every
        rest = round(settings.rest_every / share)  # while nothing changes, parts become as many times rarer
        return _Saving(replace(settings, parse_every=every, rest_every=rest), {"parse": share}, f"parts every {every}th frame")

    return save


def _smaller_mesh(settings: LiveSettings, times: Mapping[str, float]) -> _Saving | None:
    if settings.small_mesh:
        return None
    return _Saving(replace(settings, small_mesh=True), {"mesh": _SMALL_MESH_COST}, "the mesh of 468 points")


def _rarer_detection(settings: LiveSettings, times: Mapping[str, float]) -> _Saving | None:
    every = settings.detect_every or LIVE_DETECT_EVERY
    if settings.detect_every is not None or not times.get("detect"):  # asked for, or faces are hidden
        return None
    return _Saving(replace(settings, detect_every=2 * every), {"detect": 0.5}, f"detection every {2 * every}th frame")


def available_cores() -> int:
    """The cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
