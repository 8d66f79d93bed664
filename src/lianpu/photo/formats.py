"""Photo formats: their list, detection by a file's first bytes, and the photos of a folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lianpu.errors import PictureError

FORMATS: Mapping[str, tuple[str, ...]] = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "JPEG2000": (".jp2", ".j2k", ".jpx"),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif"),
}
"""Formats that are read, by Pillow's name, and their usual endings. Pillow knows more, but EPS, for one, is a program for Ghostscript."""

PHOTO_ENDINGS = tuple(ending for endings in FORMATS.values() for ending in endings)

WRITTEN_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")
"""Endings of photos that can be written; the ending chooses the format."""

FORMAT_WORDS = "JPEG, PNG, WebP, TIFF, BMP, GIF, JPEG 2000, AVIF or HEIC"

_MAGIC = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"BM": "BMP",
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"\0\0\0\x0cjP  \r\n\x87\n": "JPEG2000",
    b"\xff\x4f\xff\x51": "JPEG2000",
}

_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")

_RAW_ENDINGS = frozenset(
    (".3fr", ".arw", ".cr2", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".nef", ".nrw", ".pef", ".sr2", ".srw")
)
"""Raw files of cameras are TIFF files whose first picture is a thumbnail."""


def photo_format(file: Path) -> str | None:
    """The format (a key of FORMATS) according to a file's first bytes, whatever its name; None if it is no photo.

    Raises:
        OSError: the file is missing, a folder, or may not be read.
    """
    with file.open("rb") as stream:
        found = format_of(stream.read(64))
    return None if found == "TIFF" and file.suffix.lower() in _RAW_ENDINGS else found


def format_of(head: bytes) -> str | None:
    """The format (a key of FORMATS) of a photo's bytes, of which the first 64 count; None if they are no photo's."""
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    if found is None and head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        found = "WEBP"
    if found is None and head[4:8] == b"ftyp":
        starts = (8, *range(16, min(len(head), 64, int.from_bytes(head[:4], "big")), 4))
        brands = [head[start : start + 4] for start in starts]
        avif = brands[0] in (b"avif", b"avis") or (brands[0] in (b"mif1", b"msf1") and b"avif" in brands)
        found = "AVIF" if avif else "HEIF" if brands[0] in _HEIF_BRANDS else None
    return found


def is_photo(file: Path) -> bool:
    """Whether a file is a photo by its first bytes or by its ending.

    The ending counts so that a broken photo is reported when read instead of ignored; it also saves opening the file.
    """
    if file.suffix.lower() in PHOTO_ENDINGS:
        return True
    try:
        return file.is_file() and photo_format(file) is not None  # a pipe is not opened: that could block forever
    except OSError:
        return False


def written_ending(file: Path) -> str:
    """The ending for an edited photo: that of its format, or of the nearest one that is written (GIF: PNG, HEIC: JPEG)."""
    try:
        format = photo_format(file)
    except OSError:
        format = None
    ending = FORMATS[format or "JPEG"][0]
    return ending if ending in WRITTEN_ENDINGS else ".png" if format == "GIF" else ".jpg"


def check_ending(file: Path) -> str:
    """The ending of a file in lower case. Raises PictureError if photos cannot be written with it."""
    ending = file.suffix.lower()
    if ending not in WRITTEN_ENDINGS:
        raise PictureError(
            f"{file}: photos are written as {', '.join(WRITTEN_ENDINGS)}, not '{file.suffix}'. Give another ending."
        )
    return ending


@dataclass
class IgnoredFiles:
    """Files that a command ignores because they are no photos: their count and the first few names."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Count one more."""
        self.count += 1
        if len(self.names) < 3:
            self.names.append(name)

    def __str__(self) -> str:
        """One line for people; empty if no file was ignored."""
        if not self.count:
            return ""
        more = f" and {self.count - len(self.names)} more" if self.count > len(self.names) else ""
        return f"{self.count} other file{'s' if self.count > 1 else ''} passed over: {', '.join(self.names)}{more}."


def photos_below(folder: Path, but: Path | None = None, ignored: IgnoredFiles | None = None) -> list[Path]:
    """The photos in a folder and in the folders below it, folder by folder, sorted by name, without hidden ones and links to folders.

    Args:
        folder: the folder to walk.
        but: a folder that is left out, such as that of the results.
        ignored: counts the other files.

    Raises:
        OSError: one cannot be listed.
    """
    photos = photos_in(folder, ignored)
    with os.scandir(folder) as entries:
        inside = sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."))
    for name in inside:
        if but is None or not but.exists() or not (folder / name).samefile(but):
            photos += photos_below(folder / name, but, ignored)
    return photos


def photos_in(folder: Path, ignored: IgnoredFiles | None = None) -> list[Path]:
    """The photos directly in a folder, sorted by name, without hidden files.

    Args:
        folder: the folder to list.
        ignored: counts the other files.

    Raises:
        OSError: it cannot be listed.
    """
    photos = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.startswith(".") or entry.is_dir():
                continue
            if is_photo(file := folder / entry.name):
                photos.append(file)
            elif ignored is not None:
                ignored.add(entry.name)
    return photos
