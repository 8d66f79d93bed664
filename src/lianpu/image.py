"""Pictures and batches, and the one door between them.

A *picture* is uint8 RGB, (H, W, 3). A *batch* is a float32 tensor, (B, 3, S, S), from -1 to 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import ExifTags, Image, ImageFile, UnidentifiedImageError

from lianpu.errors import PictureError
from lianpu.files import atomic_file

if TYPE_CHECKING:
    import torch

Picture = np.ndarray[Any, np.dtype[np.uint8]]

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What turns a picture of each EXIF orientation upright."""


def read_image(file: Path | str) -> Picture:
    """The picture in a file, (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says.

    CMYK, palette, grey and 16-bit files are converted to 8-bit RGB; transparency is laid on white.

    Raises:
        PictureError: the file is missing, truncated, or not a picture.
    """
    return np.asarray(_upright_rgb(Path(file)), dtype=np.uint8).copy()


@dataclass(frozen=True)
class PictureFacts:
    """What the head of a picture file says, before it is converted.

    Args:
        width: pixels from left to right, as stored.
        height: pixels from top to bottom, as stored.
        mode: Pillow's name of the pixels (`RGB`, `CMYK`, `P`), with `;16` where they have 16 bits.
        transparent: whether it has an alpha channel or a transparent colour.
        orientation: EXIF orientation, 1 for upright, 2 to 8 for turned or mirrored.
    """

    width: int
    height: int
    mode: str
    transparent: bool
    orientation: int


def picture_facts(file: Path | str) -> PictureFacts:
    """What the head of a file says; the pixels are not decoded. Raises PictureError as `read_image` does."""
    with opened_image(Path(file)) as image:
        return PictureFacts(image.width, image.height, mode_with_depth(image), is_transparent(image), orientation_of(image))


def _upright_rgb(file: Path) -> Image.Image:
    with opened_image(file) as image:
        image.load()
        turn = UPRIGHT.get(orientation_of(image))
        rgb = to_rgb(image)
        return rgb if turn is None else rgb.transpose(turn)


@contextmanager
def opened_image(file: Path) -> Iterator[ImageFile.ImageFile]:
    """Pillow's image of a file, for the block; what goes wrong in the block with a broken file is a PictureError that names it."""
    try:
        with Image.open(file) as image:
            yield image
    except FileNotFoundError:
        raise PictureError(f"{file} is not there. Check the path.") from None
    except IsADirectoryError:
        raise PictureError(f"{file} is a folder. Give a picture.") from None
    except PermissionError:
        raise PictureError(f"{file} may not be read. Change its permissions.") from None
    except UnidentifiedImageError:
        what = "is not a picture that can be read" if file.stat().st_size else "is empty (0 bytes)"
        raise PictureError(f"{file} {what}. Replace it, or remove it from the data.") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise PictureError(f"{file} is too large ({problem}). Make it smaller, or remove it from the data.") from None
    except (OSError, EOFError, SyntaxError, ValueError, struct.error) as problem:
        reason = str(problem).strip() or type(problem).__name__
        raise PictureError(f"{file} is broken or cut off ({reason}). Replace it, or remove it from the data.") from None


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 when there is none, or when the EXIF block is damaged (the pixels may be well)."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, EOFError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) and orientation in UPRIGHT else 1


def mode_with_depth(image: ImageFile.ImageFile) -> str:
    """Pillow's name of the pixels, with `;16` where the file has 16 bits of them."""
    raw = image.tile[0].args if image.tile else ""
    raw_mode = raw[0] if isinstance(raw, tuple) and raw else raw
    wide = isinstance(raw_mode, str) and ";16" in raw_mode and ";16" not in image.mode
    return f"{image.mode};16" if wide else image.mode


def is_transparent(image: Image.Image) -> bool:
    """Whether it has an alpha channel or a transparent colour."""
    return bool({"A", "a"} & set(image.getbands())) or "transparency" in image.info


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode of Pillow as 8-bit RGB; transparency is laid on white."""
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        return Image.fromarray(_wide_to_8_bit(np.asarray(image), image.mode)).convert("RGB")
    if is_transparent(image):
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image.convert("RGB")


def _wide_to_8_bit(values: np.ndarray, mode: str) -> Picture:
    """Grey values of more than 8 bits as 8-bit ones: 65535 becomes 255.

    Modes I and F do not say their range: values up to 255 are taken as they are, and floats up to 1 as shares of white.
    """
    wide = np.nan_to_num(values.astype(np.float64))
    largest = wide.max() if wide.size else 0.0
    if mode.startswith("I;16") or largest > 255:
        wide = wide / 257.0
    elif mode == "F" and largest <= 1:
        wide = wide * 255.0
    return np.clip(np.rint(wide), 0, 255).astype(np.uint8)


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
    encoded = BytesIO()  # Pillow loses the reason, such as a full disk, when it writes to a file itself
    Image.fromarray(check_picture(picture)).save(encoded, format=Image.registered_extensions()[target.suffix.lower()], **options)
    with atomic_file(target) as partial:
        partial.write_bytes(encoded.getbuffer())
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

    return torch.from_numpy(to_array(pictures))


def to_array(pictures: Sequence[Picture] | np.ndarray) -> np.ndarray[Any, np.dtype[np.float32]]:
    """The same as `to_batch` without torch, which takes a second to load and 480 MB: for networks that ONNX Runtime runs."""
    stacked = np.stack([check_picture(picture) for picture in pictures])
    batch = np.empty((len(stacked), 3, *stacked.shape[1:3]), dtype=np.float32)
    np.copyto(batch, stacked.transpose(0, 3, 1, 2))  # in NumPy: torch's threads cost more than they save here
    batch /= np.float32(127.5)
    batch -= np.float32(1.0)
    return batch


def to_pictures(batch: torch.Tensor) -> Picture:
    """A batch (B, 3, S, S) in [-1, 1] as pictures (B, S, S, 3) uint8, rounded to nearest; what lies outside is clipped."""
    return from_array(batch.detach().cpu().float().numpy())


def from_array(batch: np.ndarray[Any, np.dtype[np.float32]]) -> Picture:
    """The same as `to_pictures` of what `to_array` gave, without torch."""
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
