"""Training pictures and their masks, changed together: mirrored, turned, scaled, coloured, blurred, with parts of other faces laid on."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.image import Picture
from lianpu.parser.mask_files import IGNORED, Mask
from lianpu.part_names import mirrored_index, part_index

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
