"""Faces of one size with the selected labels: what training and evaluation read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lianpu.attributes import AttributeSet, Labels
from lianpu.dataset.table import UNLABELLED, FaceTable
from lianpu.imaging.picture import Picture, center_crop, resize, to_batch
from lianpu.photo.reading import read_image

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Faces:
    """N faces of a table, in a fixed order.

    Args:
        table: where the pictures and labels come from.
        rows: N indices into the table.
        attributes: the A selected attributes.
        image_size: side S of the square faces in pixels.
        split: how these faces are called where figures are printed (`train`, `val`, `test`).
    """

    table: FaceTable
    rows: np.ndarray
    attributes: AttributeSet
    image_size: int
    split: str

    def __len__(self) -> int:
        return len(self.rows)

    def __repr__(self) -> str:
        return f"<Faces: {len(self):,} of {self.split} in {self.table.root}, {self.image_size} px, {', '.join(self.attributes.names)}>"

    @cached_property
    def labels(self) -> Labels:
        """(N, A) float32 in {0, 1}."""
        columns = np.array([self.table.attributes.index(name) for name in self.attributes.names])
        labels = self.table.labels[np.ix_(self.rows, columns)]
        assert not (labels == UNLABELLED).any(), "faces with unlabelled values are left out by select_faces"
        return labels.astype(np.float32)

    def read(self, index: int) -> Picture:
        """The face at `index`, (S, S, 3) uint8: cropped to a square and resized. Raises PictureError for a broken file."""
        picture = read_image(self.table.root / self.table.files[self.rows[index]])
        return resize(center_crop(picture, self.table.crop_px or min(picture.shape[:2])), self.image_size)

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[torch.Tensor, Labels]:
        """Faces (B, 3, S, S) in [-1, 1] and their labels (B, A)."""
        return to_batch([self.read(int(index)) for index in indices]), self.labels[np.asarray(indices, dtype=int)]

    def subset(self, indices: Sequence[int] | np.ndarray) -> Faces:
        """The faces at `indices`, in that order."""
        return replace(self, rows=self.rows[np.asarray(indices, dtype=int)])

    def sample(self, count: int, seed: int) -> Faces:
        """`count` different faces drawn at random (all of them, shuffled, when there are fewer); the same for the same seed."""
        order = np.random.default_rng(seed).permutation(len(self))
        return self.subset(order[:count])


@dataclass(frozen=True)
class Dataset:
    """Training and held-out faces of one source at one size.

    Args:
        source: as `open_dataset` was asked (`CelebA`, ...).
        folder: as `open_dataset` was asked; opening it again gives the same data.
        train: the training split.
        test: the held-out split: test where the source has one, else val.
        fingerprint: SHA-256 over names, labels and splits; the same data gives the same.
        alignment: how the faces were cut out, for the model's metadata.
        licence: what the data may be used for, for the model's metadata and the report.
    """

    source: str
    folder: Path
    train: Faces
    test: Faces
    fingerprint: str
    alignment: str
    licence: str

    def __repr__(self) -> str:
        faces = f"{len(self.train):,} faces to train on, {len(self.test):,} held out"
        return f"<Dataset: {self.source} in {self.folder}, {faces}, {self.image_size} px, {', '.join(self.attributes.names)}>"

    @property
    def attributes(self) -> AttributeSet:
        return self.train.attributes

    @property
    def image_size(self) -> int:
        return self.train.image_size

    def calibration(self, count: int, seed: int = 0) -> Faces:
        """Faces of the training split for choosing INT8 ranges."""
        return self.train.sample(count, seed)
