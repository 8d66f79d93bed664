"""How sure a share or a mean of few measurements is: 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

_NORMAL_95 = 1.959964
"""The standard normal distribution lies within so many standard deviations with 95 %."""

RESAMPLES = 2000


@dataclass(frozen=True)
class Interval:
    """An estimate, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def wilson(hits: int, count: int) -> Interval:
    """The share `hits` / `count` with its interval by Wilson 1927, which stays in 0 to 1 and holds for few; NaN and 0 to 1 for none.

    Raises:
        ValueError: not 0 <= hits <= count.
    """
    if not 0 <= hits <= count:
        raise ValueError(f"hits are from 0 to the count, got {hits} of {count}")
    if count == 0:
        return Interval(math.nan, 0.0, 1.0)
    share, z = hits / count, _NORMAL_95
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def bootstrap(
    values: Sequence[float] | np.ndarray[Any, Any],
    seed: int,
    statistic: Callable[[np.ndarray[Any, Any]], float] = lambda drawn: float(drawn.mean()),
) -> Interval:
    """A statistic of N values, (N,) or (N, F), with its percentile interval over `RESAMPLES` samples with replacement (Efron 1979).

    The same seed gives the same interval. NaN throughout for no values.
    """
    given = np.asarray(values, dtype=np.float64)
    if len(given) == 0:
        return Interval(math.nan, math.nan, math.nan)
    chance = np.random.default_rng(seed)
    drawn = [statistic(given[chance.integers(0, len(given), len(given))]) for _ in range(RESAMPLES)]
    low, high = np.percentile(drawn, [2.5, 97.5]).tolist()
    return Interval(statistic(given), low, high)
