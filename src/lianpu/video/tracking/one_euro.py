"""The One Euro filter: it smooths points that rest, and hardly delays points that move.

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
    """Parameters of a filter.

    Args:
        min_cutoff_hz: cutoff frequency at rest; a smaller one jitters less and lags more.
        beta: increase of the cutoff per unit of speed; a larger one lags less in fast motion.
        speed_cutoff_hz: cutoff of the low-pass filter of the speed itself.

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
    """The state of a filter.

    Args:
        value: (K, 2), smoothed.
        speed: (K, 2), smoothed, in units per second.
    """

    value: Values
    speed: Values

    @classmethod
    def begin(cls, value: np.ndarray) -> Smoothed:
        """The state after the first values: these values, at rest."""
        first = np.asarray(value, dtype=np.float64)
        return cls(first, np.zeros_like(first))


def smoothed(before: Smoothed, value: np.ndarray, seconds: float, filter_: OneEuro) -> Smoothed:
    """The next values (K, 2), smoothed.

    Each point's cutoff follows its speed (the length of its vector, so that a filter does the same in every direction).

    Args:
        before: the state after the values before.
        value: the new values, in the units of `beta`.
        seconds: since the values before.
        filter_: its parameters.

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
