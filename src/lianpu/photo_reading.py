"""What an image that Pillow has opened carries: its pixels with their transparency, and what its file says beside them."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms, JpegImagePlugin

from lianpu.errors import PictureError
from lianpu.image import is_transparent, mode_with_depth, to_rgb
from lianpu.photo_exif import exif_of_tiff, without_small_picture

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
            f"{path} is a HEIC photo, which needs the package pillow-heif. Install it (pip install pillow-heif), or save the photo as a JPEG."
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
