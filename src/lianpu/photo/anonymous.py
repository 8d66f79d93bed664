"""The metadata of a photo whose faces are hidden: a white list, for names, places, serial numbers and small pictures have many pockets."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

from PIL import Image

from lianpu.photo.reading import PhotoFile

_MAIN = frozenset((0x010F, 0x0110, 0x0112, 0x011A, 0x011B, 0x0128, 0x0213))
"""Make, model, orientation, resolution (3), and the position of the chroma samples."""

_EXIF_DIRECTORY = 0x8769

_CAPTURE = frozenset(
    (
        *(0x829A, 0x829D, 0x8822, 0x8827, 0x8830, 0x9000, 0x9101, 0x9102, 0x9201, 0x9202, 0x9203, 0x9204, 0x9205, 0x9206, 0x9207),
        *(0x9208, 0x9209, 0x920A, 0xA001, 0xA002, 0xA003, 0xA20E, 0xA20F, 0xA210, 0xA217, 0xA300, 0xA301, 0xA402, 0xA403, 0xA404),
        *(0xA405, 0xA406, 0xA407, 0xA408, 0xA409, 0xA40A, 0xA40C, 0xA432, 0xA433, 0xA434),
    )
)
"""Exposure, aperture, sensitivity, flash, focal length, white balance, lens and the like; no dates, owners, notes, serial numbers or ids."""

_LONGEST_TEXT, _MOST_NUMBERS, _MOST_BYTES = 64, 16, 4
"""What one entry may hold; a picture fits in none of them."""

_PROFILE_TAGS = frozenset(
    (
        *(b"wtpt", b"bkpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"lumi", b"cicp"),
        *(b"A2B0", b"A2B1", b"A2B2", b"B2A0", b"B2A1", b"B2A2", b"gamt", b"desc", b"cprt"),
    )
)
"""Tags of an ICC profile (ICC.1:2022) that say how colours are meant, and its two required texts."""

_PROFILE_TYPES = frozenset(
    (b"XYZ ", b"sf32", b"curv", b"para", b"mft1", b"mft2", b"mAB ", b"mBA ", b"cicp", b"desc", b"mluc", b"text")
)
"""The types that these tags have."""

_LONGEST_PROFILE_TEXT = 600

_PROFILE_HEADER = 128


def anonymous(photo: PhotoFile) -> PhotoFile:
    """The photo with no metadata but orientation, resolution, colour profile and camera settings; its pixels stay as they are."""
    return replace(photo, exif=anonymous_exif(photo.exif), icc=anonymous_profile(photo.icc), xmp=None)


def anonymous_exif(exif: bytes) -> bytes:
    """A new EXIF block with the tags of the white list; empty where the old one is empty, damaged, or has none of them."""
    old, new = Image.Exif(), Image.Exif()
    try:
        old.load(exif)
        kept = {tag: old[tag] for tag in old if tag in _MAIN and _is_plain(old[tag])}
        captured = old.get_ifd(_EXIF_DIRECTORY)
        settings = {tag: value for tag, value in captured.items() if tag in _CAPTURE and _is_plain(value)}
        new.update(kept)
        if settings:
            new[_EXIF_DIRECTORY] = settings
        return new.tobytes() if kept or settings else b""
    except Exception:  # a damaged block raises whatever Pillow's parser stumbles over; without it nobody is named
        return b""


def _is_plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return len(value) <= _MOST_NUMBERS and all(not isinstance(one, (tuple, str, bytes)) and _is_plain(one) for one in value)
    if isinstance(value, str):
        return len(value) <= _LONGEST_TEXT and value.isprintable()
    if isinstance(value, bytes):
        return len(value) <= _MOST_BYTES
    return isinstance(value, (int, float)) or hasattr(value, "numerator")


def anonymous_profile(icc: bytes) -> bytes:
    """The ICC profile with the tags of the white list alone; empty where it cannot be read."""
    try:
        (count,) = struct.unpack_from(">I", icc, _PROFILE_HEADER)
        entries = [struct.unpack_from(">4s2I", icc, _PROFILE_HEADER + 4 + 12 * index) for index in range(min(count, 100))]
    except struct.error:
        return b""
    kept = []
    for name, offset, length in entries:
        data = icc[offset : offset + length]
        is_text = name in (b"desc", b"cprt")
        if (
            name in _PROFILE_TAGS
            and data[:4] in _PROFILE_TYPES
            and len(data) == length
            and not (is_text and length > _LONGEST_PROFILE_TEXT)
        ):
            kept.append((name, data))
    table, body = struct.pack(">I", len(kept)), b""
    first = _PROFILE_HEADER + 4 + 12 * len(kept)
    for name, data in kept:
        table += struct.pack(">4s2I", name, first + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(icc[:_PROFILE_HEADER])
    header[84:_PROFILE_HEADER] = bytes(_PROFILE_HEADER - 84)  # the profile's id is a hash of what it held
    struct.pack_into(">I", header, 0, first + len(body))
    return bytes(header) + table + body if kept else b""
