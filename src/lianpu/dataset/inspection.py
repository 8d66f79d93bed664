"""A look at every picture file: can it be read, what kind is it, is it there twice."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import PictureError
from lianpu.files import sha256_of
from lianpu.photo.reading import PictureFacts, picture_facts, read_image

_BLOCK = 1024


@dataclass(frozen=True)
class GoodPicture:
    """A picture that was decoded whole.

    Args:
        file: as the table names it.
        sha256: of the bytes of the file.
        facts: size and kind of its pixels.
    """

    file: str
    sha256: str
    facts: PictureFacts


@dataclass(frozen=True)
class BrokenPicture:
    """A picture that training could not read, and why."""

    file: str
    reason: str


def inspect_pictures(
    root: Path, files: Sequence[str], on_progress: Callable[[int, int], None] | None = None
) -> Iterator[GoodPicture | BrokenPicture]:
    """What each of the files below root is, in their order; decoded exactly as training does, by threads."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for first in range(0, len(files), _BLOCK):
            block = files[first : first + _BLOCK]
            for done, picture in enumerate(pool.map(lambda file: inspect_picture(root, file), block), start=first + 1):
                if on_progress is not None:
                    on_progress(done, len(files))
                yield picture


def inspect_picture(root: Path, file: str) -> GoodPicture | BrokenPicture:
    """What one file is."""
    path = root / file
    try:
        facts = picture_facts(path)
        read_image(path)
        return GoodPicture(file, sha256_of(path), facts)
    except PictureError as problem:
        return BrokenPicture(file, str(problem).removeprefix(f"{path} "))


def same_bytes(pictures: Sequence[GoodPicture]) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more files that are the same to the byte, in the order given."""
    by_hash: dict[str, list[str]] = defaultdict(list)
    for picture in pictures:
        by_hash[picture.sha256].append(picture.file)
    return tuple(tuple(files) for files in by_hash.values() if len(files) > 1)


def conversions(facts: PictureFacts) -> tuple[str, ...]:
    """What reading changes in a picture before it is 8-bit RGB and upright; nothing for a usual one."""
    changes = {
        f"{facts.mode} pixels become RGB": facts.mode not in ("RGB", "RGBA"),
        "transparency is laid on white": facts.transparent,
        f"turned upright (EXIF orientation {facts.orientation})": facts.orientation != 1,
    }
    return tuple(change for change, happens in changes.items() if happens)
