"""What a face parser is to everyone else: crops in, class indices out, whichever network runs inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from lianpu.face_parsing.data.mask_warp import resized_mask
from lianpu.imaging.picture import Picture, check_picture, resize

Masks = np.ndarray[Any, np.dtype[np.uint8]]
"""Class indices in our order, (N, S, S) uint8."""

BATCH = 8
"""Crops that go through a network at once: more would cost memory and save no time."""


class FaceParser(Protocol):
    """Says of each pixel of an aligned face (template celebamask-hq) which part it is."""

    @property
    def name(self) -> str:
        """What results and tables call it."""
        ...

    @property
    def file(self) -> Path:
        """The model file that it was read from."""
        ...

    @property
    def licence(self) -> str:
        """What the model may be used for."""
        ...

    @property
    def size_px(self) -> int:
        """The side that its network sees; crops of another side are brought to it and back."""
        ...

    def parse_crops(self, crops: Sequence[Picture]) -> Masks:
        """Class indices (N, S, S) of square crops (S, S, 3) of one size; (0, 0, 0) for no crops."""
        ...


def parse_by_batches(
    crops: Sequence[Picture], size_px: int, run: Callable[[Sequence[Picture]], Masks], at_once: int = BATCH
) -> Masks:
    """What `run` says of crops brought to `size_px`, a few at once, as masks of the crops' own size.

    Raises:
        ValueError: the crops are not square, or not of one size.
    """
    if not len(crops):
        return np.zeros((0, 0, 0), dtype=np.uint8)
    shapes = {check_picture(crop).shape for crop in crops}
    side = crops[0].shape[0]
    if shapes != {(side, side, 3)}:
        raise ValueError(f"crops are square and of one size, got {sorted(shapes)}")
    masks: list[np.ndarray] = []
    for start in range(0, len(crops), at_once):
        chosen = crops[start : start + at_once]
        seen = chosen if side == size_px else [resize(crop, size_px) for crop in chosen]
        masks += [resized_mask(mask, side) for mask in run(seen)]
    return np.stack(masks)
