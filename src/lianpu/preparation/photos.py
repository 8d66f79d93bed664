"""The photos of a folder, one after the other: never all of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lianpu.errors import DataError
from lianpu.image import PICTURE_ENDINGS


def walk_photos(folder: Path, but: Path) -> Iterator[str]:
    """Paths of all pictures below a folder, relative to it, with forward slashes, in the order in which the disk lists them.

    Hidden files and folders are passed over, links to folders are not followed, nor is the folder `but` looked into (what is made
    may lie among the photos). Memory does not grow with the number of photos. A name that is no UTF-8 is spelled with backslashes, so
    that it can be told; such a photo is not found under it.

    Raises:
        DataError: a folder cannot be listed.
    """
    waiting = [""]
    skipped = but.resolve()
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(folder / place) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    path = f"{place}/{entry.name}" if place else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        if Path(entry.path).resolve() != skipped:
                            waiting.append(path)
                    elif entry.name.lower().endswith(PICTURE_ENDINGS):
                        yield path.encode("utf-8", "backslashreplace").decode()
        except OSError as problem:
            raise DataError(f"{folder / place} cannot be listed ({problem.strerror}). Change its permissions.") from None
