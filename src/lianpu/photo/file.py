"""A photo with all that its file carries beside the pixels, read and written back: alpha, EXIF, ICC profile, orientation, XMP, JPEG quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from lianpu.errors import PictureError
from lianpu.files import atomic_file
from lianpu.imaging.picture import Picture, check_picture
from lianpu.photo.exif import with_orientation
from lianpu.photo.reading import (
    PICTURE_ENDINGS,
    UPRIGHT,
    dots_per_inch,
    exif_block,
    is_lossless_webp,
    jpeg_options,
    lost_in_reading,
    open_heif_if,
    opened_image,
    orientation_of,
    pixels_of,
    xmp_packet,
)

PHOTO_ENDINGS = (*PICTURE_ENDINGS, ".gif", ".avif", ".heic", ".heif")
"""Files that `read_photo` may read; written are only those of PICTURE_ENDINGS."""

_TURNED_BACK = {6: UPRIGHT[8], 8: UPRIGHT[6]}

_GOOD_QUALITY = 95

_LONGEST_EXIF = 65_500

_KEPT_BY = {"alpha": (".png", ".webp", ".tif", ".tiff"), "metadata": (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff")}


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A photo as it was read.

    Args:
        file: where it lies.
        picture: (H, W, 3) uint8 RGB, upright; under transparent pixels what the file has there.
        alpha: (H, W) uint8, upright; None without transparency.
        form: Pillow's name of the file's form (`JPEG`, `PNG`, ...).
        orientation: EXIF orientation of the stored pixels, 1 to 8.
        exif: the EXIF block without its small picture; empty without one.
        icc: the ICC profile; empty without one.
        xmp: the XMP packet; None without one.
        dpi: dots per inch across and down; None where the file does not say.
        jpeg: how a JPEG was made, as options of Pillow (`qtables`, `subsampling`, `progressive`); empty for other files.
        lossless: whether a file of its form keeps every pixel when it is written again.
        lost: what could not be taken over from the file, in words.
    """

    file: Path
    picture: Picture
    alpha: np.ndarray[Any, np.dtype[np.uint8]] | None
    form: str
    orientation: int
    exif: bytes
    icc: bytes
    xmp: bytes | None
    dpi: tuple[float, float] | None
    jpeg: Mapping[str, Any]
    lossless: bool
    lost: tuple[str, ...]


def read_photo(file: Path | str) -> PhotoFile:
    """The photo in a file.

    Raises:
        PictureError: the file is missing, broken, no picture, an animation, or a HEIC where pillow-heif is not installed.
    """
    path = Path(file)
    open_heif_if(path)
    with opened_image(path) as image:
        count = getattr(image, "n_frames", 1)
        form = "JPEG" if image.format == "MPO" else str(image.format)
        if count > 1 and form != "JPEG":
            raise PictureError(
                "{file} is a {form} of {count} pictures (an animation, or pages), and only one photo can be edited. "
                "Save the picture that you want as a PNG, or make a video of it for lianpu video.",
                key="photo.several",
                file=path,
                form=form,
                count=count,
            )
        lost = lost_in_reading(
            image, count
        )  # Pillow forgets how deep the pixels were when it loads them, as for a PNG's orientation
        before = orientation_of(image)
        image.load()
        turn = UPRIGHT.get(orientation_of(image))  # none for a TIFF, which Pillow turns upright itself
        orientation = before if before != 1 else orientation_of(image)  # a PNG may say it after its pixels
        rgb, alpha, icc = pixels_of(image)
        return PhotoFile(
            path,
            _turned(rgb, turn),
            None if alpha is None else _turned(alpha, turn),
            form,
            orientation,
            exif_block(image, form),
            icc,
            xmp_packet(image),
            dots_per_inch(image),
            jpeg_options(image) if isinstance(image, JpegImagePlugin.JpegImageFile) else {},
            form in ("PNG", "BMP", "TIFF", "GIF") or (form == "WEBP" and is_lossless_webp(path)),
            lost,
        )


def write_photo(file: Path | str, picture: Picture, original: PhotoFile, *, xmp: bytes | None = None) -> Path:
    """`file`, holding the picture (H, W, 3) with what the original's file carried beside the pixels, written atomically.

    Its ending chooses the form. A JPEG of a JPEG has its quantization tables and subsampling; one of anything else has quality 95
    and full colour. What was stored turned is stored turned, with the same orientation.

    Args:
        file: the target.
        picture: of the original's size.
        original: of `read_photo`.
        xmp: an XMP packet in place of the original's; None keeps that.

    Raises:
        PictureError: the ending names no form that is written.
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
    encoded = BytesIO()
    image.save(encoded, format=Image.registered_extensions()[ending], **options)
    with atomic_file(target) as partial:
        partial.write_bytes(encoded.getbuffer())
    return target


def check_ending(file: Path) -> str:
    """The ending of a file, in small letters. Raises PictureError when photos are not written so."""
    ending = file.suffix.lower()
    if ending not in PICTURE_ENDINGS:
        raise PictureError(
            f"{file}: photos are written as {', '.join(PICTURE_ENDINGS)}, not '{file.suffix}'. Give another ending."
        )
    return ending


def lost_in(original: PhotoFile, ending: str) -> tuple[str, ...]:
    """What a file of this ending does not keep of the original, in words."""
    lost = list(original.lost)
    if original.alpha is not None and ending not in _KEPT_BY["alpha"]:
        lost.append(f"transparency (laid on white: {ending} has none)")
    if ending not in _KEPT_BY["metadata"] and (original.exif or original.icc or original.xmp):
        lost.append(f"EXIF, colour profile and XMP ({ending} holds none)")
    if ending in (".jpg", ".jpeg") and len(original.exif) > _LONGEST_EXIF:
        lost.append("EXIF (too long for a JPEG)")
    return tuple(lost)


def _turned(values: np.ndarray, turn: Image.Transpose | None) -> np.ndarray:
    return values if turn is None else np.array(Image.fromarray(values).transpose(turn))


def _with_alpha(picture: Picture, alpha: np.ndarray | None, ending: str) -> Image.Image:
    if alpha is None:
        return Image.fromarray(picture)
    image = Image.fromarray(np.dstack([picture, alpha]))
    if ending in _KEPT_BY["alpha"]:
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image).convert("RGB")


def _options(ending: str, original: PhotoFile) -> dict[str, Any]:
    """How the pixels are stored."""
    if ending in (".jpg", ".jpeg"):
        made = dict(original.jpeg)
        return {"optimize": True} | made if made else {"quality": _GOOD_QUALITY, "subsampling": 0, "optimize": True}
    if ending == ".webp":
        return {"lossless": True, "exact": True} if original.lossless else {"quality": _GOOD_QUALITY, "exact": True}
    if ending in (".tif", ".tiff") and not original.exif:  # libtiff, which compresses, cannot write the directories of EXIF
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
    if xmp:
        options |= _xmp_option(ending, xmp)
    return options


def _xmp_option(ending: str, xmp: bytes) -> dict[str, Any]:
    if ending == ".png":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        return {"pnginfo": info}
    if ending in (".tif", ".tiff"):
        directory = TiffImagePlugin.ImageFileDirectory_v2()
        directory[700] = xmp
        directory.tagtype[700] = 1
        return {"tiffinfo": directory}
    return {"xmp": xmp}
