"""What every reader of a data source returns: which pictures there are, what is known of each, and the split."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

UNLABELLED = 2
"""The label of an unknown value: neither 1 (has the attribute) nor 0 (has not)."""

MIDDLE_SQUARE = "center-square"
"""The alignment of pictures that may not be square: their middle square is taken."""


@dataclass(frozen=True)
class FaceTable:
    """N labelled pictures of one source. Making it reads label files, never pictures: some may be missing or broken.

    Args:
        source: the spelling that `open_dataset` takes (`CelebA`, `CelebAMask-HQ`, `folder`, `csv`).
        root: the folder that `files` are relative to.
        files: N paths relative to root, with forward slashes.
        attributes: A names, all that the source labels, in its order.
        labels: (N, A) uint8, 1 has the attribute, 0 has not, UNLABELLED is unknown.
        splits: N of train, val, test.
        crop_px: side of the centre crop made before resizing (178 for CelebA), or None for the largest middle square: the
            whole picture where it is square. Nothing is ever squeezed.
        one_class: each picture has exactly one attribute (one class per folder).
        alignment: how the faces were cut out, for the model's metadata (`celeba-center-crop-178`).
        licence: what the pictures may be used for, for the model's metadata and the report.
    """

    source: str
    root: Path
    files: tuple[str, ...]
    attributes: tuple[str, ...]
    labels: np.ndarray[Any, np.dtype[np.uint8]]
    splits: tuple[Split, ...]
    crop_px: int | None = None
    one_class: bool = False
    alignment: str = "none"
    licence: str = "follows the training data"

    def __post_init__(self) -> None:
        expected = (len(self.files), len(self.attributes))
        assert self.labels.shape == expected, f"labels {self.labels.shape}, expected {expected}"
        assert len(self.splits) == len(self.files), f"{len(self.splits)} splits for {len(self.files)} files"

    def __repr__(self) -> str:
        return f"<FaceTable: {self.source} in {self.root}, {len(self.files):,} pictures, {len(self.attributes)} attributes>"

    def rows_of(self, splits: Iterable[Split]) -> np.ndarray:
        """Indices of the pictures in any of `splits`."""
        wanted = set(splits)
        return np.flatnonzero([split in wanted for split in self.splits])

    def labelled_rows(self, rows: np.ndarray, names: Iterable[str]) -> np.ndarray:
        """Those of the rows in which the value of every attribute of `names` is known."""
        columns = [self.attributes.index(name) for name in names]
        return rows[(self.labels[rows][:, columns] != UNLABELLED).all(axis=1)]

    def held_out_split(self) -> Split:
        """Where edits are judged: `test` where the source has one, else `val`."""
        return "test" if "test" in self.splits else "val"


def fingerprint_of(table: FaceTable) -> str:
    """SHA-256 over the kind of source, crop, picture names, attributes, labels and splits: 64 hexadecimal digits.

    Everything that the source labels counts, not only what was selected. Where the folder lies does not count, nor do the
    pictures' pixels: reading those would cost as much as an epoch.
    """
    digest = hashlib.sha256()
    for part in (table.source, str(table.crop_px), *table.attributes, "", *table.files, "", *table.splits):
        digest.update(os.fsencode(part) + b"\n")
    digest.update(table.labels.tobytes())
    return digest.hexdigest()
