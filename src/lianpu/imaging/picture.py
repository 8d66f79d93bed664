"""Pictures and batches, and conversion between them.

A *picture* is uint8 RGB, (H, W, 3). A *batch* is a float32 tensor, (B, 3, S, S), from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import torch


Picture = np.ndarray[Any, np.dtype[np.uint8]]


def check_picture(picture: np.ndarray) -> Picture:
    """The same picture. Raises ValueError with shape and type for anything else."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is uint8 RGB (H, W, 3), got {picture.dtype} {picture.shape}")
    return picture


def resize(picture: Picture, size_px: int) -> Picture:
    """The picture as (size_px, size_px, 3), resampled bilinearly with antialiasing (Pillow's filter)."""
    image = Image.fromarray(check_picture(picture))
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR), dtype=np.uint8)


def center_crop(picture: Picture, size_px: int) -> Picture:
    """The central square of `size_px`, or the largest central square of a smaller picture."""
    height, width = check_picture(picture).shape[:2]
    side = min(size_px, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def to_batch(pictures: Sequence[Picture] | np.ndarray) -> torch.Tensor:
    """Pictures of one size, (B, S, S, 3) uint8, as a batch (B, 3, S, S) float32: 0 becomes -1, 255 becomes 1.

    Examples:
        >>> batch = to_batch([np.full((4, 4, 3), 255, dtype=np.uint8)])
        >>> batch.shape, float(batch.max())
        (torch.Size([1, 3, 4, 4]), 1.0)
        >>> int(to_pictures(batch)[0].min())
        255
    """
    import torch

    return torch.from_numpy(to_array(pictures))


def to_array(pictures: Sequence[Picture] | np.ndarray) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Like `to_batch`, without torch (a second and 480 MB to load): for networks that ONNX Runtime runs."""
    stacked = np.stack([check_picture(picture) for picture in pictures])
    batch = np.empty((len(stacked), 3, *stacked.shape[1:3]), dtype=np.float32)
    np.copyto(batch, stacked.transpose(0, 3, 1, 2))  # NumPy: torch's threads cost more than they save here
    batch /= np.float32(127.5)
    batch -= np.float32(1.0)
    return batch


def to_pictures(batch: torch.Tensor) -> Picture:
    """A batch (B, 3, S, S) in [-1, 1] as pictures (B, S, S, 3) uint8, rounded and clipped."""
    return from_array(batch.detach().cpu().float().numpy())


def from_array(batch: np.ndarray[Any, np.dtype[np.float32]]) -> Picture:
    """Like `to_pictures`, for an array of `to_array`, without torch."""
    scaled = np.rint((batch + np.float32(1.0)) * np.float32(127.5)).clip(0, 255)
    return np.ascontiguousarray(scaled.astype(np.uint8).transpose(0, 2, 3, 1))


def grid(rows: Sequence[Sequence[Picture]], gap_px: int = 2) -> Picture:
    """Pictures of one size laid out in rows on white, (H, W, 3)."""
    size_px = rows[0][0].shape[0]
    step = size_px + gap_px
    canvas = np.full((len(rows) * step - gap_px, max(map(len, rows)) * step - gap_px, 3), 255, dtype=np.uint8)
    for row_index, row in enumerate(rows):
        for column_index, picture in enumerate(row):
            top, left = row_index * step, column_index * step
            canvas[top : top + size_px, left : left + size_px] = picture
    return canvas
