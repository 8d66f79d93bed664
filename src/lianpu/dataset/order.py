"""Which faces a step sees, and which of them mirrored: chance that depends only on (seed, step)."""

from functools import lru_cache
from typing import Any

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.int64]]
Flips = np.ndarray[Any, np.dtype[np.bool_]]
Weights = np.ndarray[Any, np.dtype[np.float64]]

_EPOCH, _FLIP, _DRAW = 1, 2, 3  # keep the streams of one seed apart


def step_rows(count: int, batch_size: int, seed: int, step: int, weights: Weights | None = None) -> tuple[Rows, Flips]:
    """The rows (B,) of the global batch of a step, and which of its faces are mirrored (B,): a fair coin for each.

    Steps count from 1, as in the log. Every epoch walks through all `count` faces in an order of its own; no face is dropped
    at its end, so a batch may span epochs. With `weights` (count,) faces are drawn by them instead, each draw by itself.
    The numbers are taken raw from PCG64, whose stream NumPy keeps between versions.

    Raises:
        ValueError: no faces, or a step below 1.
    """
    if count < 1 or batch_size < 1 or step < 1:
        raise ValueError(f"count, batch_size and step start at 1, got {count}, {batch_size} and {step}")
    coins = np.random.PCG64([seed, _FLIP, step]).random_raw(batch_size)
    flips = (coins >> np.uint64(63)).astype(bool)
    if weights is not None:
        return _drawn(weights, batch_size, seed, step), flips
    places = np.arange((step - 1) * batch_size, step * batch_size, dtype=np.int64)
    epochs, within = np.divmod(places, count)
    rows = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        rows[here] = _permutation(count, seed, int(epoch))[within[here]]
    return rows, flips


def _drawn(weights: Weights, batch_size: int, seed: int, step: int) -> Rows:
    ends = np.cumsum(weights, dtype=np.float64)
    shares = np.random.PCG64([seed, _DRAW, step]).random_raw(batch_size) / 2.0**64
    return np.minimum(np.searchsorted(ends, shares * ends[-1], side="right"), len(weights) - 1).astype(np.int64)


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> Rows:
    order = np.argsort(np.random.PCG64([seed, _EPOCH, epoch]).random_raw(count), kind="stable")
    order.setflags(write=False)
    return order
