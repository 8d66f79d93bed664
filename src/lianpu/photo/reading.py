"""Reading photos: the pixels alone (`read_image`), or the photo with its metadata (`read_photo`)."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, JpegImagePlugin, UnidentifiedImageError

from lianpu.errors import PictureError
from lianpu.imaging.picture import Picture
from lianpu.photo.exif import exif_of_tiff, with_head, without_small_picture
from lianpu.photo.formats import photo_format
from lianpu.photo.xmp import attached_data

warnings.filterwarnings(
    "ignore", module=r"(PIL|pillow_heif)(\.|$)", append=True
)  # what is wrong with a photo is said by our own errors

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The transposition that turns a picture of each EXIF orientation upright."""


def read_image(file: Path | str) -> Picture:
    """The picture in a file, (H, W, 3) uint8 RGB, rotated by its EXIF orientation.

    CMYK, palette, grey and 16-bit files become 8-bit RGB; transparency is composited on white; of several pictures the first is read.

    Raises:
        PictureError: the file is missing, truncated or no picture, or is HEIC and pillow-heif is not installed.
    """
    with opened_image(Path(file)) as image:
        image.load()
        turn = UPRIGHT.get(orientation_of(image))
        rgb, alpha, _ = pixels_of(image)
    return _turned(rgb if alpha is None else on_white(rgb, alpha), turn)


@dataclass(frozen=True, eq=False)
class PhotoFile:
    """A photo with its metadata.

    Args:
        file: its path.
        picture: (H, W, 3) uint8 RGB, upright; transparent pixels keep their stored colour.
        alpha: (H, W) uint8, upright; None without transparency.
        format: Pillow's name of the file's format (`JPEG`, `PNG`, ...).
        orientation: EXIF orientation of the stored pixels, 1 to 8.
        exif: the EXIF block without its thumbnail; empty without one.
        icc: the ICC profile; empty without one.
        xmp: the XMP packet; None without one.
        dpi: dots per inch across and down; None if not given.
        jpeg: a JPEG's encoding, as options of Pillow (`qtables`, `subsampling`, `progressive`); empty for other files.
        lossless: whether the format keeps every pixel when written again.
        lost: what could not be preserved from the file, in words.
    """

    file: Path
    picture: Picture
    alpha: np.ndarray[Any, np.dtype[np.uint8]] | None
    format: str
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
        PictureError: the file is missing, broken, no picture or an animation, or is HEIC and pillow-heif is not installed.
    """
    path = Path(file)
    with opened_image(path) as image:
        count = getattr(image, "n_frames", 1)
        format = "JPEG" if image.format == "MPO" else str(image.format)
        if count > 1 and format != "JPEG":
            raise PictureError(
                "{file} is a {format} of {count} pictures (an animation, or pages), and only one photo can be edited. "
                "Save the picture that you want as a PNG, or make a video of it for lianpu video.",
                key="photo.several",
                file=path,
                format=format,
                count=count,
            )
        lost = lost_in_reading(
            image, count
        )  # before loading: after it Pillow no longer knows the bit depth or a PNG's orientation
        before = orientation_of(image)
        image.load()
        turn = UPRIGHT.get(orientation_of(image))  # None for a TIFF, which Pillow rotates itself
        orientation = before if before != 1 else orientation_of(image)  # a PNG may store it after its pixels
        rgb, alpha, icc = pixels_of(image)
        xmp = xmp_packet(image)
        return PhotoFile(
            path,
            _turned(rgb, turn),
            None if alpha is None else _turned(alpha, turn),
            format,
            orientation,
            exif_block(image, format),
            icc,
            xmp,
            dots_per_inch(image),
            jpeg_options(image) if isinstance(image, JpegImagePlugin.JpegImageFile) else {},
            format in ("PNG", "BMP", "TIFF", "GIF") or (format == "WEBP" and is_lossless_webp(path)),
            (*lost, *attached_data(xmp or b"")),
        )


@dataclass(frozen=True)
class PictureFacts:
    """The header of a picture file.

    Args:
        width: stored width in pixels.
        height: stored height in pixels.
        mode: Pillow's mode (`RGB`, `CMYK`, `P`), with `;16` for 16 bits.
        transparent: whether it has an alpha channel or a transparent colour.
        orientation: EXIF orientation, 1 for upright, 2 to 8 for rotated or mirrored.
    """

    width: int
    height: int
    mode: str
    transparent: bool
    orientation: int


def picture_facts(file: Path | str) -> PictureFacts:
    """The header of a picture file; pixels are not decoded. Raises PictureError as `read_image` does."""
    with opened_image(Path(file)) as image:
        return PictureFacts(image.width, image.height, mode_with_depth(image), is_transparent(image), orientation_of(image))


LONGEST_SIDE_PX = 32_766
"""OpenCV's remapping addresses pixels by 16-bit signed numbers."""

LARGEST_RATIO = 100
"""Long side to short side: dlib's detector corrupts memory in pictures that are thin and very wide (60,000 x 40 pixels)."""


def _check_size(image: Image.Image, file: Path) -> None:
    """Raise PictureError for a picture that native code behind us was not made for; before a pixel is decoded."""
    long, short = max(image.size), min(image.size)
    if long > LONGEST_SIDE_PX or long > LARGEST_RATIO * short:
        raise PictureError(
            "{file} is {width} x {height} pixels; a picture has at most {most} on a side, and is at most {ratio} times as long as it is "
            "narrow. Cut it up, or make it smaller.",
            key="photo.too_long",
            file=file,
            width=image.width,
            height=image.height,
            most=LONGEST_SIDE_PX,
            ratio=LARGEST_RATIO,
        )


_DECODER_ERRORS = (
    *(OSError, EOFError, SyntaxError, ValueError, struct.error, RuntimeError, TypeError, LookupError, ArithmeticError),
    *(AttributeError, AssertionError, MemoryError),
)
"""What decoders raise for broken files (RecursionError is a RuntimeError): one photo's failure must not end a folder's job."""


@contextmanager
def opened_image(file: Path) -> Iterator[ImageFile.ImageFile]:
    """Context manager: Pillow's image of a file. Errors of a broken file within the block become a PictureError that names it."""
    try:
        format = photo_format(file)
        if format is None:
            raise UnidentifiedImageError
        _load_decoder(format, file)
        with Image.open(file, formats=(format,)) as image:
            _check_size(image, file)
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
    except _DECODER_ERRORS as problem:
        reason = " ".join(str(problem).split())[:200] or type(problem).__name__
        raise PictureError(
            "{file} is broken or cut off ({reason}). Replace it, or remove it from the data.",
            key="photo.broken",
            file=file,
            reason=reason,
        ) from None


def _load_decoder(format: str, file: Path) -> None:
    """Enable Pillow's decoder of a format. Raises PictureError if a package for it is missing."""
    if format == "HEIF":
        try:
            import pillow_heif
        except ImportError:
            raise PictureError(
                "{file} is a HEIC photo, which needs pillow-heif. Install it (pip install 'lianpu[heif]'), or save the photo as a JPEG.",
                key="photo.needs_heif",
                file=file,
            ) from None
        pillow_heif.register_heif_opener()
    elif format not in Image.OPEN:
        Image.init()
        if format not in Image.OPEN:
            raise PictureError(f"{file} is {format}, which the Pillow here cannot read. Update it: pip install --upgrade pillow")


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 if there is none, or if the EXIF block is damaged."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except (OSError, EOFError, SyntaxError, ValueError, TypeError, KeyError, IndexError, struct.error):
        return 1
    return orientation if isinstance(orientation, int) and orientation in UPRIGHT else 1


def mode_with_depth(image: ImageFile.ImageFile) -> str:
    """Pillow's mode, with `;16` for files of 16 bits."""
    raw = image.tile[0].args if image.tile else ""
    raw_mode = raw[0] if isinstance(raw, tuple) and raw else raw
    wide = isinstance(raw_mode, str) and ";16" in raw_mode and ";16" not in image.mode
    return f"{image.mode};16" if wide else image.mode


def is_transparent(image: Image.Image) -> bool:
    """Whether it has an alpha channel or a transparent colour."""
    return bool({"A", "a"} & set(image.getbands())) or "transparency" in image.info


def pixels_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray | None, bytes]:
    """RGB and alpha as stored, and the ICC profile of the RGB values. CMYK, and grey with a grey profile, become sRGB."""
    icc = image.info.get("icc_profile") or b""
    if image.mode == "CMYK":
        return np.asarray(_as_srgb(image, icc)), None, b""
    alpha = None
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        rgb = _wide_to_8_bit(np.asarray(image), image.mode)[..., None].repeat(3, axis=2)
    elif is_transparent(image):
        rgba = np.asarray(image.convert("RGBA"))
        rgb, alpha = rgba[:, :, :3].copy(), rgba[:, :, 3].copy()
    else:
        rgb = np.array(image if image.mode == "RGB" else image.convert("RGB"), dtype=np.uint8)
    if has_grey_profile(icc):
        return np.array(_as_srgb(Image.fromarray(rgb[:, :, 0]), icc)), alpha, b""
    return rgb, alpha, icc


def has_grey_profile(icc: bytes) -> bool:
    """Whether an ICC profile describes grey values: it cannot be the profile of RGB ones."""
    return icc[16:20] == b"GRAY"


def _as_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """A CMYK or grey image converted by its profile; plainly if it has none, or a damaged one."""
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


def _wide_to_8_bit(values: np.ndarray, mode: str) -> Picture:
    """Grey values of more than 8 bits scaled to 8: 65535 becomes 255.

    Modes I and F have no defined range: values up to 255 stay, and floats up to 1 are shares of white.
    """
    wide = np.nan_to_num(values.astype(np.float64))
    largest = wide.max() if wide.size else 0.0
    if mode.startswith("I;16") or largest > 255:
        wide = wide / 257.0
    elif mode == "F" and largest <= 1:
        wide = wide * 255.0
    return np.clip(np.rint(wide), 0, 255).astype(np.uint8)


def on_white(rgb: np.ndarray, alpha: np.ndarray) -> Picture:
    """RGB (H, W, 3) with alpha (H, W) composited on white."""
    image = Image.fromarray(np.dstack([rgb, alpha]))
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.array(Image.alpha_composite(white, image).convert("RGB"), dtype=np.uint8)


def _turned(values: np.ndarray, turn: Image.Transpose | None) -> np.ndarray:
    return values if turn is None else np.array(Image.fromarray(values).transpose(turn))


def exif_block(image: Image.Image, format: str) -> bytes:
    """The EXIF block without its thumbnail; empty without one."""
    block = exif_of_tiff(image) if format == "TIFF" else bytes(image.info.get("exif") or b"")
    return without_small_picture(with_head(block))


def xmp_packet(image: Image.Image) -> bytes | None:
    """The XMP packet, wherever the format stores it; None without one."""
    found = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp")
    if isinstance(found, str):
        found = found.encode("utf-8")
    return bytes(found) if isinstance(found, bytes) and found else None


def dots_per_inch(image: Image.Image) -> tuple[float, float] | None:
    """Dots per inch across and down; None if missing or impossible."""
    try:
        across, down = (float(value) for value in image.info["dpi"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (across, down) if 1 <= across <= 65_000 and 1 <= down <= 65_000 else None


def jpeg_options(image: JpegImagePlugin.JpegImageFile) -> dict[str, Any]:
    """Quantization tables, subsampling and progressive flag that keep at least the file's quality."""
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
    """What 8-bit RGB cannot keep of an image of `count` pictures, in words."""
    lost = []
    if ";16" in mode_with_depth(image) or image.mode in ("I", "F"):
        lost.append("more than 8 bits per colour")
    if image.mode == "CMYK":
        lost.append("CMYK (converted to sRGB)")
    if has_grey_profile(image.info.get("icc_profile") or b""):
        lost.append("the grey colour profile (converted to sRGB)")
    if count > 1:
        lost.append("the further pictures of the file (depth, gain map or preview)")
    return tuple(lost)
