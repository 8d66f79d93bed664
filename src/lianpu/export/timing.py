"""How long calls take on a machine that also does other things: in turn, many times, with the spread."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import torch

OnProgress = Callable[[int, int], None]
WARM_UP_ROUNDS = 3


@dataclass(frozen=True)
class Timing:
    """Milliseconds of one call: the median and the tenth and ninetieth percentile of `runs` calls, and each call in its turn."""

    median_ms: float
    p10_ms: float
    p90_ms: float
    runs: int
    each_ms: tuple[float, ...] = ()


RESAMPLES = 2000


def paired_speed(of: Timing, against: Timing) -> tuple[float, float, float]:
    """How many times as fast `of` is as `against`: the lower end, the median and the upper end of a 95 % interval.

    Each call is compared with that of the same round, so what else the machine did at that moment slows both; the interval is that of a
    bootstrap over rounds (Efron 1979).
    """
    ratios = np.array(against.each_ms) / np.array(of.each_ms)
    drawn = np.random.default_rng(0).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[drawn], axis=1), (2.5, 97.5))
    return float(low), float(np.median(ratios)), float(high)


Name = TypeVar("Name")


def time_in_turn(calls: Mapping[Name, Callable[[], Any]], runs: int, on_progress: OnProgress | None = None) -> dict[Name, Timing]:
    """The timing of each call: all are called once per round, so that what else the machine does slows all of them alike.

    Args:
        calls: by name; each is called `runs` times after WARM_UP_ROUNDS that do not count.
        runs: at least 1.
    """
    if runs < 1:
        raise ValueError(f"runs is at least 1, got {runs}")
    seconds: dict[Name, list[float]] = {name: [] for name in calls}
    for turn in range(WARM_UP_ROUNDS + runs):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
        if on_progress is not None:
            on_progress(turn + 1, WARM_UP_ROUNDS + runs)
    return {name: _summary(values[WARM_UP_ROUNDS:]) for name, values in seconds.items()}


def _summary(seconds: list[float]) -> Timing:
    each = np.array(seconds) * 1e3
    p10, median, p90 = np.percentile(each, (10, 50, 90))
    return Timing(float(median), float(p10), float(p90), len(seconds), tuple(each.tolist()))


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """torch with `count` threads for one operation; what was set before comes back."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
