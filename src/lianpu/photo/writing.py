"""Writing photos: plain pictures, and edited photos with the original's metadata."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, PngImagePlugin

from lianpu.files import atomic_file
from lianpu.imaging.picture import Picture, check_picture
from lianpu.photo.exif import can_be_rewritten, with_orientation
from lianpu.photo.formats import check_ending
from lianpu.photo.reading import UPRIGHT, PhotoFile, on_white

_TURNED_BACK = {6: UPRIGHT[8], 8: UPRIGHT[6]}

_GOOD_QUALITY = 95

_LONGEST_EXIF = 65_500

_XMP_TAG = 700

_KEPT_BY = {"alpha": (".png", ".webp", ".tif", ".tiff"), "metadata": (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")}


def write_image(file: Path | str, picture: Picture, quality: int = _GOOD_QUALITY) -> Path:
    """Write the picture to `file` atomically; its ending chooses the format (PNG is lossless).

    Raises:
        PictureError: photos cannot be written with this ending.
        LianpuError: the disk is full or the folder cannot be written.
    """
    target = Path(file)
    ending = check_ending(target)
    options: dict[str, Any] = {"quality": quality} if ending in (".jpg", ".jpeg", ".webp") else {}
    return _save(target, Image.fromarray(check_picture(picture)), options)


def write_photo(file: Path | str, picture: Picture, original: PhotoFile, *, xmp: bytes | None = None) -> Path:
    """Write the picture (H, W, 3) with the original's metadata to `file`, atomically, and return the path.

    The ending chooses the format. A JPEG from a JPEG keeps its quantization tables and subsampling; from another format it gets quality
    95 without subsampling. Pixels are stored in the original's orientation.

    Args:
        file: the target.
        picture: of the original's size.
        original: of `read_photo`.
        xmp: replaces the original's XMP packet; None keeps that.

    Raises:
        PictureError: photos cannot be written with this ending.
        LianpuError: the disk is full or the folder cannot be written.
        ValueError: the picture has another size than the original.
    """
    target = Path(file)
    ending = check_ending(target)
    if check_picture(picture).shape != original.picture.shape:
        raise ValueError(f"the picture is {picture.shape}, the original {original.picture.shape}")
    keeps = ending in _KEPT_BY["metadata"]
    image = _with_alpha(picture, original.alpha, ending)
    if keeps and original.orientation in UPRIGHT:
        image = image.transpose(_TURNED_BACK.get(original.orientation, UPRIGHT[original.orientation]))
    options = _options(ending, original) | (_metadata(ending, original, xmp or original.xmp) if keeps else {})
    return _save(target, image, options)


def _save(target: Path, image: Image.Image, options: dict[str, Any]) -> Path:
    encoded = BytesIO()  # when Pillow writes to a file, the cause of a failure, such as a full disk, is lost
    image.save(encoded, format=Image.registered_extensions()[target.suffix.lower()], **options)
    with atomic_file(target) as partial:
        partial.write_bytes(encoded.getbuffer())
    return target


def lost_in(original: PhotoFile, ending: str) -> tuple[str, ...]:
    """What a file of this ending does not preserve of the original, in words."""
    lost = list(original.lost)
    if original.alpha is not None and ending not in _KEPT_BY["alpha"]:
        lost.append(f"transparency (laid on white: {ending} has none)")
    if ending not in _KEPT_BY["metadata"] and (original.exif or original.icc or original.xmp):
        lost.append(f"EXIF, colour profile and XMP ({ending} holds none)")
    if ending in (".jpg", ".jpeg") and len(original.exif) > _LONGEST_EXIF:
        lost.append("EXIF (too long for a JPEG)")
    if ending in (".tif", ".tiff") and original.exif and not can_be_rewritten(original.exif):
        lost.append("EXIF (damaged)")
    return tuple(lost)


def _with_alpha(picture: Picture, alpha: np.ndarray | None, ending: str) -> Image.Image:
    if alpha is None:
        return Image.fromarray(picture)
    keeps = ending in _KEPT_BY["alpha"]
    return Image.fromarray(np.dstack([picture, alpha]) if keeps else on_white(picture, alpha))


def _options(ending: str, original: PhotoFile) -> dict[str, Any]:
    """Pillow's options for the pixels."""
    if ending in (".jpg", ".jpeg"):
        made = dict(original.jpeg)
        return {"optimize": True} | made if made else {"quality": _GOOD_QUALITY, "subsampling": 0, "optimize": True}
    if ending == ".webp":
        return {"lossless": True, "exact": True} if original.lossless else {"quality": _GOOD_QUALITY, "exact": True}
    if ending in (".tif", ".tiff") and not original.exif:  # libtiff, which compresses, cannot write EXIF directories
        return {"compression": "tiff_adobe_deflate"}
    return {}


def _metadata(ending: str, original: PhotoFile, xmp: bytes | None) -> dict[str, Any]:
    options: dict[str, Any] = {}
    exif = with_orientation(original.exif, original.orientation) if original.orientation != 1 else original.exif
    if exif and (ending not in (".jpg", ".jpeg") or len(exif) <= _LONGEST_EXIF):
        options["exif"] = exif
    if original.icc:
        options["icc_profile"] = original.icc
    if original.dpi is not None and ending != ".webp":
        options["dpi"] = original.dpi
    if ending in (".tif", ".tiff"):
        return options | _tiff_option(options.pop("exif", b""), xmp)
    if xmp:
        options |= _xmp_option(ending, xmp)
    return options


def _tiff_option(exif: bytes, xmp: bytes | None) -> dict[str, Any]:
    """EXIF and XMP as one directory: of `exif` and `tiffinfo`, Pillow writes only one into a TIFF."""
    if not exif and not xmp:
        return {}
    tags = Image.Exif()
    if exif and can_be_rewritten(exif):
        tags.load(exif)
    if xmp:
        tags[_XMP_TAG] = xmp
    return {"exif": tags}


def _xmp_option(ending: str, xmp: bytes) -> dict[str, Any]:
    if ending == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        return {"pnginfo": info}
    return {"xmp": xmp}
