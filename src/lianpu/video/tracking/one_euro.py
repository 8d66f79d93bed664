"""The One Euro filter: points that stand still do not tremble, and points that move are not late.

Casiez, Roussel & Vogel 2012, 1 Euro Filter: A Simple Speed-based Low-pass Filter for Noisy Input in Interactive Systems (CHI).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Values = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class OneEuro:
    """How a filter behaves.

    Args:
        min_cutoff_hz: below this frequency what changes slowly passes; smaller trembles less and is later.
        beta: how much higher the cutoff is for each unit a second of speed; larger is less late in fast moves.
        speed_cutoff_hz: of the low-pass filter that the speed itself goes through.

    Raises:
        ValueError: a frequency that is not positive, or a negative beta.
    """

    min_cutoff_hz: float = 1.0
    beta: float = 0.0
    speed_cutoff_hz: float = 1.0

    def __post_init__(self) -> None:
        if not (self.min_cutoff_hz > 0 and self.speed_cutoff_hz > 0 and self.beta >= 0):
            raise ValueError(f"a One Euro filter has positive cutoffs and a beta from 0, got {self}")


@dataclass(frozen=True, eq=False)
class Smoothed:
    """What a filter has made of its values so far.

    Args:
        value: (K, 2), smoothed.
        speed: (K, 2), smoothed, in units a second.
    """

    value: Values
    speed: Values

    @classmethod
    def begin(cls, value: np.ndarray) -> Smoothed:
        """The first values, as they are, at rest."""
        first = np.asarray(value, dtype=np.float64)
        return cls(first, np.zeros_like(first))


def smoothed(before: Smoothed, value: np.ndarray, seconds: float, filter_: OneEuro) -> Smoothed:
    """The next values (K, 2), smoothed.

    Each point's cutoff follows its speed (the length of its vector, so that a filter does the same in every direction).

    Args:
        before: what came of the values before.
        value: the new ones, in the units of `beta`.
        seconds: between the two.
        filter_: how to smooth.

    Raises:
        ValueError: no time has passed.
    """
    if not seconds > 0:
        raise ValueError(f"values follow each other in time, got {seconds} s")
    now = np.asarray(value, dtype=np.float64)
    share = _share(np.full((1, 1), filter_.speed_cutoff_hz), seconds)
    speed = share * (now - before.value) / seconds + (1 - share) * before.speed
    cutoff = filter_.min_cutoff_hz + filter_.beta * np.linalg.norm(speed, axis=-1, keepdims=True)
    share = _share(cutoff, seconds)
    return Smoothed(share * now + (1 - share) * before.value, speed)


def _share(cutoff_hz: Values, seconds: float) -> Values:
    """The share of the new value in an exponential low-pass filter: 1 / (1 + tau / Te), tau = 1 / (2 pi fc)."""
    return np.asarray(1 / (1 + 1 / (2 * math.pi * cutoff_hz * seconds)))
