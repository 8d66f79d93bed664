"""The training faces of each step: which, in what order, and how they are changed. All of it follows from the seed and the step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lianpu.image import Picture, to_batch
from lianpu.parser.augmentation import Augmentation, Mask, augmented, with_part_of
from lianpu.parser.config import ParserConfig
from lianpu.parser.masks import ParsingFaces
from lianpu.part_names import PARTS

WORN_PARTS = ("eye_g", "ear_r", "neck_l", "hat")
"""What one face can lend to another, as crops are aligned alike."""


@dataclass(frozen=True)
class PartCounts:
    """Pixels of each part in each training face.

    Args:
        pixels: (N, 19) int64.
    """

    pixels: np.ndarray

    @classmethod
    def of(cls, faces: ParsingFaces, on_progress: Callable[[int, int], None] | None = None) -> PartCounts:
        """Counted from all masks, once."""
        rows = np.zeros((len(faces), len(PARTS)), np.int64)
        for index in range(len(faces)):
            rows[index] = np.bincount(faces.read_mask(index).ravel(), minlength=256)[: len(PARTS)]
            if on_progress:
                on_progress(index + 1, len(faces))
        return cls(rows)

    def class_weights(self, power: float = 0.2) -> torch.Tensor:
        """(19,) float32: the frequency of each class to the power of -0.2, its mean 1; 1 for a class that never occurs."""
        frequency = self.pixels.sum(axis=0) / max(1, self.pixels.sum())
        weights = np.where(frequency > 0, np.maximum(frequency, 1e-12) ** -power, 1.0)
        return torch.from_numpy((weights / weights.mean()).astype(np.float32))

    def chances(self, strength: float) -> np.ndarray:
        """(N,) chances to be drawn: the inverse of the frequency (in faces) of a face's rarest part, to the power `strength`."""
        shown = self.pixels > 0
        share = shown.mean(axis=0)
        rarest = np.where(shown, share, 1.0).min(axis=1)
        weights = np.maximum(rarest, 1 / max(1, len(shown))) ** -strength
        return np.asarray(weights / weights.sum())

    def wearing(self, part: str) -> np.ndarray:
        """Indices of the faces that show a part."""
        return np.flatnonzero(self.pixels[:, PARTS.index(part)] > 0)


class TrainingFaces(Dataset[tuple[Picture, Mask]]):
    """The n-th training sample of the whole training, changed; the same whoever reads it, and whenever."""

    def __init__(self, faces: ParsingFaces, counts: PartCounts, config: ParserConfig) -> None:
        self._faces, self._config = faces, config
        self._cumulated = np.cumsum(counts.chances(config.rare_parts))
        self._wearing = {part: wearing for part in WORN_PARTS if len(wearing := counts.wearing(part))}
        self._settings = Augmentation()

    def __getitem__(self, number: int) -> tuple[Picture, Mask]:
        stream = np.random.default_rng((self._config.seed, number))
        picture, mask = self._faces.read(self._draw(stream))
        for part, wearing in self._wearing.items():
            if stream.random() < self._config.lay_on / len(self._wearing):
                donor, donor_mask = self._faces.read(int(stream.choice(wearing)))
                if donor_mask.shape == mask.shape:
                    picture, mask = with_part_of(picture, mask, donor, donor_mask, part)
        size_px = self._config.size_at(number // self._config.batch_size + 1)
        return augmented(picture, mask, size_px, stream, self._settings)

    def _draw(self, stream: np.random.Generator) -> int:
        place = int(np.searchsorted(self._cumulated, stream.random() * self._cumulated[-1], side="right"))
        return min(place, len(self._faces) - 1)


def training_batches(faces: TrainingFaces, config: ParserConfig, first_step: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches (B, 3, S, S) in [-1, 1] and masks (B, S, S) uint8 of the steps from `first_step` to the last."""
    numbers = range((first_step - 1) * config.batch_size, config.num_iters * config.batch_size)
    loader = DataLoader(
        faces,
        batch_size=config.batch_size,
        sampler=numbers,
        num_workers=config.workers,
        collate_fn=_collate,
        persistent_workers=config.workers > 0,
    )
    yield from loader


def _collate(samples: list[tuple[Picture, Mask]]) -> tuple[torch.Tensor, torch.Tensor]:
    pictures, masks = zip(*samples, strict=True)
    return to_batch(pictures), torch.from_numpy(np.stack(masks))
