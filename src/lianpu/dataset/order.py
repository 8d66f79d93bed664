"""Which faces a step sees, and which of them mirrored: chance that depends only on (seed, step)."""

from functools import lru_cache
from typing import Any

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.int64]]
Flips = np.ndarray[Any, np.dtype[np.bool_]]

_EPOCH, _FLIP = 1, 2  # keep the two streams of one seed apart


def step_rows(count: int, batch_size: int, seed: int, step: int) -> tuple[Rows, Flips]:
    """The rows (B,) of the global batch of a step, and which of its faces are mirrored (B,): a fair coin for each.

    Steps count from 1, as in the log. Every epoch walks through all `count` faces in an order of its own; no face is dropped
    at its end, so a batch may span epochs. The numbers are taken raw from PCG64, whose stream NumPy keeps between versions.

    Raises:
        ValueError: no faces, or a step below 1.
    """
    if count < 1 or batch_size < 1 or step < 1:
        raise ValueError(f"count, batch_size and step start at 1, got {count}, {batch_size} and {step}")
    places = np.arange((step - 1) * batch_size, step * batch_size, dtype=np.int64)
    epochs, within = np.divmod(places, count)
    rows = np.empty(batch_size, dtype=np.int64)
    for epoch in np.unique(epochs):
        here = epochs == epoch
        rows[here] = _permutation(count, seed, int(epoch))[within[here]]
    coins = np.random.PCG64([seed, _FLIP, step]).random_raw(batch_size)
    return rows, (coins >> np.uint64(63)).astype(bool)


@lru_cache(maxsize=4)
def _permutation(count: int, seed: int, epoch: int) -> Rows:
    order = np.argsort(np.random.PCG64([seed, _EPOCH, epoch]).random_raw(count), kind="stable")
    order.setflags(write=False)
    return order
