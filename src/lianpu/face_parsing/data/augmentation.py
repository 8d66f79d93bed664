"""Training pictures and their masks, changed together: mirrored, turned, scaled, coloured, blurred, with parts of other faces laid on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from lianpu.face_parsing.config import ParserConfig
from lianpu.face_parsing.data.mask_files import IGNORED, Mask
from lianpu.face_parsing.data.masks import ParsingFaces
from lianpu.imaging.picture import Picture, to_batch
from lianpu.part_names import PARTS, mirrored_index, part_index

_MIRRORED = np.arange(256, dtype=np.uint8)

_MIRRORED[:19] = mirrored_index()


@dataclass(frozen=True)
class Augmentation:
    """How far a training picture is changed. Ranges are drawn evenly, chances are shares of pictures."""

    mirror: float = 0.5
    """Chance to be mirrored; left and right classes are swapped with it."""
    scale: tuple[float, float] = (0.78, 1.35)
    """Size of the face relative to its crop, drawn evenly on a logarithmic scale."""
    turn_degrees: float = 18.0
    """Spread (standard deviation 0.5 of this, cut there) of the rotation."""
    shift: float = 0.08
    """Largest shift as a share of the side."""
    colour: float = 0.18
    """Spread of the entries of a 3x3 colour matrix around the identity."""
    gamma: float = 0.35
    """Largest change of the logarithm of the gamma."""
    grey: float = 0.06
    """Chance to lose its colours."""
    blur: float = 0.2
    """Chance to be made softer, by a blur or by a smaller size in between."""
    noise: float = 0.15
    """Chance of noise."""


def augmented(
    picture: Picture, mask: Mask, size_px: int, stream: np.random.Generator, settings: Augmentation
) -> tuple[Picture, Mask]:
    """A changed picture (S, S, 3) and its mask (S, S); what comes from outside of the picture is IGNORED in the mask."""
    picture, mask = _warped(picture, mask, size_px, stream, settings)
    if stream.random() < settings.mirror:
        picture, mask = mirrored(picture, mask)
    return _recoloured(_softened(picture, stream, settings), stream, settings), mask


def mirrored(picture: Picture, mask: Mask) -> tuple[Picture, Mask]:
    """Both from right to left, with the left and right classes swapped."""
    return np.ascontiguousarray(picture[:, ::-1]), np.ascontiguousarray(_MIRRORED[mask[:, ::-1]])


def with_part_of(picture: Picture, mask: Mask, donor: Picture, donor_mask: Mask, part: str) -> tuple[Picture, Mask]:
    """The face wearing a part (glasses, an earring, a necklace, a hat) of another face of the same alignment and size, edges softened."""
    worn = donor_mask == part_index(part)
    if not worn.any():
        return picture, mask
    soft = cv2.GaussianBlur(cv2.dilate(worn.astype(np.float32), np.ones((3, 3))), (5, 5), 0)[..., None]
    laid = picture + soft * (donor.astype(np.float32) - picture)
    return np.rint(laid).astype(np.uint8), np.where(worn, np.uint8(part_index(part)), mask)


def _warped(
    picture: Picture, mask: Mask, size_px: int, stream: np.random.Generator, settings: Augmentation
) -> tuple[Picture, Mask]:
    height, width = mask.shape
    scale = size_px / max(height, width) * np.exp(stream.uniform(*np.log(settings.scale)))
    turn = float(np.clip(stream.normal() * 0.5, -1, 1)) * settings.turn_degrees
    matrix = np.array(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), turn, float(scale)), np.float64)
    matrix[:, 2] += (size_px - 1) / 2 - np.array([(width - 1) / 2, (height - 1) / 2])
    matrix[:, 2] += stream.uniform(-settings.shift, settings.shift, 2) * size_px
    size = (size_px, size_px)
    if scale < 0.7:  # a strong reduction by samples alone would alias
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.4 / scale), np.uint8)
    warped = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    warped_mask = cv2.warpAffine(mask, matrix, size, flags=cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORED)
    return np.asarray(warped, np.uint8), np.asarray(warped_mask, np.uint8)


def _softened(picture: Picture, stream: np.random.Generator, settings: Augmentation) -> Picture:
    if stream.random() >= settings.blur:
        return picture
    side = picture.shape[0]
    if stream.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), float(stream.uniform(0.4, 2.0) * side / 256)), np.uint8)
    small = int(side * stream.uniform(0.3, 0.8))
    shrunk = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)


def _recoloured(picture: Picture, stream: np.random.Generator, settings: Augmentation) -> Picture:
    colours = np.eye(3) + stream.normal(0, settings.colour / 2, (3, 3)) * (1 + np.eye(3)) / 2
    if stream.random() < settings.grey:
        colours = np.full((3, 3), 1 / 3)
    values = np.array(cv2.transform(picture.astype(np.float32), colours.astype(np.float32)), np.float32)
    values += np.float32(stream.uniform(-20, 20))
    if stream.random() < settings.noise:
        values += np.asarray(stream.normal(0, stream.uniform(2, 10), values.shape), np.float32)
    gamma = np.exp(stream.uniform(-settings.gamma, settings.gamma))
    curve = np.rint(255 * (np.arange(256) / 255) ** gamma).astype(np.uint8)
    return np.asarray(cv2.LUT(np.clip(np.rint(values), 0, 255).astype(np.uint8), curve), np.uint8)


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
    """The n-th training sample of the whole training, augmented; the same in every process and at every time."""

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
