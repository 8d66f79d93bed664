"""Model files out of a .zip or a .bz2, without trusting either: only files that the table knows, at most as long as it says.

Nothing is ever written under a name from the archive, so `../` could do no harm; an archive with such names is refused all the same:
whoever made it meant no good.
"""

from __future__ import annotations

import bz2
import hashlib
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from lianpu.errors import WeightsError
from lianpu.files import atomic_file
from lianpu.models.table import ModelFile

MAX_RATIO = 100
"""A zip that says it unpacks to more than this many times its own size is a bomb (weights shrink to no less than half)."""

ALWAYS_ALLOWED_BYTES = 64 << 20
"""Below this total the ratio does not matter."""

MAX_MEMBERS = 10_000

_BLOCK_BYTES = 1 << 20

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged, encrypted or strangely packed archive raises."""


@contextmanager
def open_zip(file: Path) -> Iterator[zipfile.ZipFile]:
    """The zip, once its list of members holds nothing that an honest one holds.

    Raises:
        WeightsError: it is no zip, is damaged, or has names that leave its folder, links, or the sizes of a bomb.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _BROKEN as problem:
        raise WeightsError(f"{file} cannot be read as a zip ({problem}). Download it again.") from None
    with archive:
        if reason := _what_is_unsafe(archive.infolist(), file.stat().st_size):
            raise WeightsError(
                f"{file} is not unpacked: {reason}. Nothing was written. Have the archive from where its authors publish it."
            )
        yield archive


def _what_is_unsafe(members: list[zipfile.ZipInfo], packed_bytes: int) -> str:
    if len(members) > MAX_MEMBERS:
        return f"it has {len(members):,} members (a bomb?)"
    for member in members:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or re.match(r"[A-Za-z]:", name):
            return f"its member '{member.filename}' has an absolute name"
        if ".." in name.split("/"):
            return f"its member '{member.filename}' leads out of the folder"
        if stat.S_ISLNK(member.external_attr >> 16):
            return f"its member '{member.filename}' is a link"
    total = sum(member.file_size for member in members)
    if total > max(ALWAYS_ALLOWED_BYTES, MAX_RATIO * packed_bytes):
        return f"it says that its {packed_bytes:,} bytes unpack to {total:,} (a bomb?)"
    return ""


def members_like(archive: zipfile.ZipFile, entry: ModelFile) -> list[zipfile.ZipInfo]:
    """The members that may be the entry, in any folder: of its length, those with its name first."""
    of_length = [member for member in archive.infolist() if member.file_size == entry.size_bytes and not member.is_dir()]
    return sorted(of_length, key=lambda member: not _has_name_of(member, entry))


def members_named(archive: zipfile.ZipFile, entry: ModelFile) -> list[zipfile.ZipInfo]:
    """The members that go by a name of the entry, in any folder, whatever their length."""
    return [member for member in archive.infolist() if _has_name_of(member, entry)]


def _has_name_of(member: zipfile.ZipInfo, entry: ModelFile) -> bool:
    return PurePosixPath(member.filename.replace("\\", "/")).name in (entry.file, *entry.other_names)


def unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, entry: ModelFile, target: Path) -> str:
    """Write a member to `target` if it is the entry, byte for byte; else say what sets it apart, and write nothing.

    Raises:
        LianpuError: the disk is full or the folder cannot be written.
    """
    try:
        stream = archive.open(member)
    except _BROKEN as problem:
        return f"cannot be read ({problem})"
    with stream:
        return _write(stream, entry, target)


def unpack_bz2(file: Path, entry: ModelFile, target: Path) -> str:
    """Write what a .bz2 holds to `target` if it is the entry, byte for byte; else say what sets it apart, and write nothing.

    Raises:
        LianpuError: the disk is full or the folder cannot be written.
    """
    with bz2.open(file) as stream:
        return _write(stream, entry, target)


class _OtherBytesError(Exception):
    pass


def _write(stream: IO[bytes], entry: ModelFile, target: Path) -> str:
    digest, size = hashlib.sha256(), 0
    try:
        with atomic_file(target) as partial, partial.open("wb") as writer:
            while block := _read(stream):
                size += len(block)
                if size > entry.size_bytes:
                    raise _OtherBytesError(f"holds more than the {entry.size_bytes:,} bytes of {entry.file}")
                digest.update(block)
                writer.write(block)
            if size != entry.size_bytes:
                raise _OtherBytesError(f"expected {entry.size_bytes:,} bytes, got {size:,}")
            if digest.hexdigest() != entry.sha256:
                raise _OtherBytesError(f"expected SHA-256 {entry.sha256}, got {digest.hexdigest()}")
    except _OtherBytesError as problem:
        return str(problem)
    return ""


def _read(stream: IO[bytes]) -> bytes:
    try:
        return stream.read(_BLOCK_BYTES)
    except _BROKEN as problem:
        raise _OtherBytesError(f"cannot be read ({problem})") from None
