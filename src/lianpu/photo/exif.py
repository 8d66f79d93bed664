"""EXIF blocks as bytes, without their thumbnails."""

from __future__ import annotations

import struct
from itertools import zip_longest

from PIL import Image

_HEAD = b"Exif\x00\x00"

_ORIENTATION = 0x0112

_SMALL_PICTURES = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Tags for offset and length of a thumbnail: as JPEG, and as strips."""

_SIZES = {1: 1, 3: 2, 4: 4, 6: 1, 8: 2, 9: 4, 13: 4}

_INTEGERS = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 13: "I"}
"""Types of whole numbers in TIFF, and their letters in `struct`. Offsets are LONG by the standard, but readers take any of these."""

_MOST_STRIPS = 1000

_OF_THE_PIXELS = frozenset(
    (
        *(254, 255, 256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 320, 322, 323, 324, 325, 330, 338, 339, 347),
        *(529, 530, 532, 700, 34377, 34675),
    )
)
"""TIFF tags of the pixel storage, and those of XMP, Photoshop data and the ICC profile."""


def with_head(exif: bytes) -> bytes:
    """The block as a JPEG stores it: a WebP may hold it without `Exif`, and then no reader finds it in a JPEG."""
    return _HEAD + exif if exif[:4] in (b"II*\0", b"MM\0*") else exif


def without_small_picture(exif: bytes) -> bytes:
    """The EXIF block with its thumbnail, which shows the photo before the edit, overwritten by zeros; all offsets stay.

    Entries that cannot be parsed stay.
    """
    body = bytearray(exif[len(_HEAD) :] if exif.startswith(_HEAD) else exif)
    try:
        order = {b"II": "<", b"MM": ">"}[bytes(body[:2])]
        first = struct.unpack_from(order + "I", body, 4)[0]
        end = first + 2 + 12 * struct.unpack_from(order + "H", body, first)[0]
        second = struct.unpack_from(order + "I", body, end)[0]
        if second:
            _blank(body, order, second)
            struct.pack_into(order + "I", body, end, 0)
    except (KeyError, struct.error):
        return exif
    return (_HEAD if exif.startswith(_HEAD) else b"") + bytes(body)


def with_orientation(exif: bytes, orientation: int) -> bytes:
    """The EXIF block with this orientation; created if there was none."""
    read = Image.Exif()
    try:
        read.load(exif)
        if read.get(_ORIENTATION, 1) == orientation:
            return exif
        read[_ORIENTATION] = orientation
        return read.tobytes()
    except _PROBLEMS:
        read = Image.Exif()
        read[_ORIENTATION] = orientation
        return read.tobytes()


_PROBLEMS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    AttributeError,
    RuntimeError,
    struct.error,
)
"""What Pillow raises for damaged blocks."""


def can_be_rewritten(exif: bytes) -> bool:
    """Whether the tags of a block can be read and written one by one, as a TIFF needs them; other formats take its bytes."""
    try:
        tags = Image.Exif()
        tags.load(exif)
        for directory in (0x8769, 0x8825):
            tags.get_ifd(directory)
        tags.tobytes()
    except _PROBLEMS:
        return False
    return True


def exif_of_tiff(image: Image.Image) -> bytes:
    """The EXIF tags of a TIFF as a block, without those of the pixel storage."""
    found = image.getexif()
    kept = Image.Exif()
    for tag in found:
        if tag not in _OF_THE_PIXELS:
            kept[tag] = found.get_ifd(tag) if tag in (0x8769, 0x8825) else found[tag]
    return kept.tobytes() if len(kept) else b""


def _blank(body: bytearray, order: str, directory: int) -> None:
    """Zero a directory and the thumbnail that it points to."""
    count = struct.unpack_from(order + "H", body, directory)[0]
    values = {}
    for index in range(count):
        tag, kind, number = struct.unpack_from(order + "HHI", body, directory + 2 + 12 * index)
        values[tag] = _numbers(body, order, directory + 10 + 12 * index, kind, number)
    for where, how_long in _SMALL_PICTURES:
        for offset, length in zip_longest(values.get(where, ())[:_MOST_STRIPS], values.get(how_long, ())):
            if offset is None or not 0 <= offset < len(body):
                continue
            stop = len(body) if length is None or length < 0 else min(len(body), offset + length)
            body[offset:stop] = bytes(stop - offset)
    stop = min(len(body), directory + 2 + 12 * count + 4)
    body[directory:stop] = bytes(stop - directory)


def _numbers(body: bytearray, order: str, at: int, kind: int, number: int) -> tuple[int, ...]:
    """The integers of an entry, at most 1,000; empty for other types."""
    if kind not in _INTEGERS:
        return ()
    if _SIZES[kind] * number > 4:
        at = struct.unpack_from(order + "I", body, at)[0]
    number = max(0, min(number, _MOST_STRIPS, (len(body) - at) // _SIZES[kind]))
    return struct.unpack_from(f"{order}{number}{_INTEGERS[kind]}", body, at)
