"""What an image that Pillow has opened carries: its pixels with their transparency, and what its file says beside them."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, JpegImagePlugin, UnidentifiedImageError

from lianpu.errors import PictureError
from lianpu.files import atomic_file
from lianpu.imaging.picture import Picture, check_picture
from lianpu.photo.exif import exif_of_tiff, without_small_picture

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
        raise PictureError("{file} is not there. Check the path.", key="photo.not_there", file=file) from None
    except IsADirectoryError:
        raise PictureError("{file} is a folder. Give a picture.", key="photo.folder", file=file) from None
    except PermissionError:
        raise PictureError("{file} may not be read. Change its permissions.", key="photo.not_permitted", file=file) from None
    except UnidentifiedImageError:
        if not file.stat().st_size:
            raise PictureError(
                "{file} is empty (0 bytes). Replace it, or remove it from the data.", key="photo.empty", file=file
            ) from None
        raise PictureError(
            "{file} is not a picture that can be read. Replace it, or remove it from the data.",
            key="photo.not_a_picture",
            file=file,
        ) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as problem:
        raise PictureError(
            "{file} is too large ({reason}). Make it smaller, or remove it from the data.",
            key="photo.too_large",
            file=file,
            reason=str(problem),
        ) from None
    except (OSError, EOFError, SyntaxError, ValueError, struct.error) as problem:
        reason = str(problem).strip() or type(problem).__name__
        raise PictureError(
            "{file} is broken or cut off ({reason}). Replace it, or remove it from the data.",
            key="photo.broken",
            file=file,
            reason=reason,
        ) from None


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


_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


def open_heif_if(path: Path) -> None:
    """Teach Pillow to read HEIC when the file is one. Raises PictureError where pillow-heif is not installed."""
    try:
        with path.open("rb") as stream:
            head = stream.read(12)
    except OSError:
        return  # opening it as a picture says what is wrong
    if head[4:8] != b"ftyp" or head[8:12] not in _HEIF_BRANDS:
        return
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(
            "{file} is a HEIC photo, which needs pillow-heif. Install it (pip install 'lianpu[heif]'), or save the photo as a JPEG.",
            key="photo.needs_heif",
            file=path,
        ) from None
    pillow_heif.register_heif_opener()


def pixels_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, bytes]:
    """RGB and alpha as they are stored, and the profile that goes with the RGB."""
    icc = image.info.get("icc_profile") or b""
    if image.mode == "CMYK":
        return np.asarray(_cmyk_as_rgb(image, icc)), None, b""
    if is_transparent(image):
        rgba = np.asarray(image.convert("RGBA"))
        return rgba[:, :, :3].copy(), rgba[:, :, 3].copy(), icc
    return np.array(to_rgb(image), dtype=np.uint8), None, icc


def _cmyk_as_rgb(image: Image.Image, icc: bytes) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc)) if icc else None
        converted = (
            None
            if profile is None
            else ImageCms.profileToProfile(image, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")
        )
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return image.convert("RGB") if converted is None else converted


def exif_block(image: Image.Image, form: str) -> bytes:
    """The EXIF block without its small picture; empty without one."""
    return without_small_picture(exif_of_tiff(image) if form == "TIFF" else bytes(image.info.get("exif") or b""))


def xmp_packet(image: Image.Image) -> bytes | None:
    """The XMP packet, wherever the form keeps it; None without one."""
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(found, str):
        found = found.encode("utf-8")
    return bytes(found) if isinstance(found, bytes) and found else None


def dots_per_inch(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch across and down; None where the file does not say, or says what cannot be."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 1 <= across <= 65_000 and 1 <= down <= 65_000 else None


def jpeg_options(image: JpegImagePlugin.JpegImageFile) -> dict[str, Any]:
    """Quantization tables, subsampling and whether it is progressive: never less than what it has."""
    if image.mode == "CMYK":
        return {}
    sampling = JpegImagePlugin.get_sampling(image)
    tables: Sequence[Sequence[int]] = [list(table) for _, table in sorted(image.quantization.items())]
    return {
        "qtables": tables,
        "subsampling": sampling if sampling in (0, 1, 2) else 0,
        "progressive": bool(image.info.get("progressive") or image.info.get("progression")),
    }


def is_lossless_webp(path: Path) -> bool:
    """Whether a WebP keeps every pixel."""
    return b"VP8L" in path.read_bytes()[:4096]


def lost_in_reading(image: Any, count: int) -> tuple[str, ...]:
    """What a picture of 8 bits per colour, RGB, cannot keep of an image of `count` pictures, in words."""
    lost = []
    if ";16" in mode_with_depth(image) or image.mode in ("I", "F"):
        lost.append("more than 8 bits per colour")
    if image.mode == "CMYK":
        lost.append("CMYK (converted to sRGB)")
    if count > 1:
        lost.append("the further pictures of the file (depth, gain map or preview)")
    return tuple(lost)
