"""Pictures and batches, and the one door between them.

A *picture* is uint8 RGB, (H, W, 3). A *batch* is a float32 tensor, (B, 3, S, S), from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from lianpu.errors import PictureError
from lianpu.files import atomic_file

if TYPE_CHECKING:
    import torch

Picture = np.ndarray[Any, np.dtype[np.uint8]]

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def read_image(file: Path | str) -> Picture:
    """The picture in a file, (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says.

    CMYK, palette, grey and 16-bit files are converted to 8-bit RGB; transparency is laid on white.

    Raises:
        PictureError: the file is missing, truncated, or not a picture.
    """
    return np.asarray(_upright_rgb(Path(file)), dtype=np.uint8).copy()


def _upright_rgb(file: Path) -> Image.Image:
    try:
        with Image.open(file) as image:
            image.load()
            upright = ImageOps.exif_transpose(image)
            return _to_rgb(upright)
    except FileNotFoundError:
        raise PictureError(f"{file} is not there. Check the path.") from None
    except UnidentifiedImageError:
        raise PictureError(f"{file} is not a picture that can be read. Replace it, or remove it from the data.") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as problem:
        reason = str(problem).strip() or type(problem).__name__
        raise PictureError(f"{file} is broken or cut off ({reason}). Replace it, or remove it from the data.") from None


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Image.fromarray(_wide_to_8_bit(np.asarray(image))).convert("RGB")
    if "A" in image.getbands() or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _wide_to_8_bit(values: np.ndarray) -> Picture:
    """16-bit grey values as 8-bit ones: 65535 becomes 255. Values that already fit in 8 bits stay."""
    wide = values.astype(np.float64)
    scale = 257.0 if wide.size and wide.max() > 255 else 1.0
    return np.clip(np.rint(wide / scale), 0, 255).astype(np.uint8)


def write_image(file: Path | str, picture: Picture, quality: int = 95) -> Path:
    """`file`, holding the picture, written atomically; its ending chooses the format (PNG is lossless).

    Raises:
        PictureError: the ending names no known format.
        LianpuError: the disk is full or the folder cannot be written.
    """
    target = Path(file)
    if target.suffix.lower() not in PICTURE_ENDINGS:
        raise PictureError(
            f"{target}: pictures are written as {', '.join(PICTURE_ENDINGS)}, not '{target.suffix}'. Give another ending."
        )
    options: dict[str, Any] = {"quality": quality} if target.suffix.lower() in (".jpg", ".jpeg", ".webp") else {}
    with atomic_file(target) as partial:
        Image.fromarray(check_picture(picture)).save(partial, **options)
    return target


def check_picture(picture: np.ndarray) -> Picture:
    """The same picture, if it is one; a ValueError that shows its shape and type if not."""
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise ValueError(f"a picture is uint8 RGB (H, W, 3), got {picture.dtype} {picture.shape}")
    return picture


def resize(picture: Picture, size_px: int) -> Picture:
    """The picture as (size_px, size_px, 3), resampled bilinearly with antialiasing (Pillow's filter)."""
    image = Image.fromarray(check_picture(picture))
    return np.asarray(image.resize((size_px, size_px), Image.Resampling.BILINEAR), dtype=np.uint8)


def center_crop(picture: Picture, size_px: int) -> Picture:
    """The middle square of `size_px`, or the largest middle square of a smaller picture."""
    height, width = check_picture(picture).shape[:2]
    side = min(size_px, height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def to_batch(pictures: Sequence[Picture] | np.ndarray) -> torch.Tensor:
    """Pictures of one size, (B, S, S, 3) uint8, as a batch (B, 3, S, S) float32 in [-1, 1] (0 is -1, 255 is 1)."""
    import torch

    stacked = np.stack([check_picture(picture) for picture in pictures])
    return torch.from_numpy(stacked).permute(0, 3, 1, 2).to(torch.float32).div_(127.5).sub_(1.0).contiguous()


def to_pictures(batch: torch.Tensor) -> Picture:
    """A batch (B, 3, S, S) in [-1, 1] as pictures (B, S, S, 3) uint8, rounded to nearest; what lies outside is clipped."""
    import torch

    scaled = batch.detach().to("cpu", torch.float32).add(1.0).mul(127.5).round().clamp(0, 255)
    return scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


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
