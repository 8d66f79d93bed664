"""What is on disk, listed once per folder: cheap for 200,000 pictures."""

import os
from collections.abc import Iterable
from pathlib import Path

from lianpu.dataset.table import FaceTable
from lianpu.errors import DataError
from lianpu.photo.formats import photos_in


def picture_names(folder: Path) -> list[str]:
    """Names of the pictures that lie directly in a folder, sorted; hidden files are passed over."""
    return [photo.name for photo in photos_in(folder)] if _entries(folder) else []


def folder_names(folder: Path) -> list[str]:
    """Names of the folders that lie directly in a folder, sorted; hidden ones and `__MACOSX` are passed over."""
    return sorted(entry.name for entry in _entries(folder) if entry.is_dir() and not entry.name.startswith((".", "__")))


def missing_pictures(table: FaceTable) -> list[str]:
    """Those of the table's files that are not on disk, in the table's order."""
    parents = {parent for parent, _ in map(_parent_and_name, table.files)}
    present = {parent: _listed(table.root / parent) for parent in parents}
    return [file for file in table.files if _is_missing(file, present)]


def unlisted_pictures(table: FaceTable) -> list[str]:
    """Pictures on disk that the table does not know: without labels, or in no split."""
    known = set(table.files)
    parents = sorted({parent for parent, _ in map(_parent_and_name, table.files)})
    on_disk = [f"{parent}/{name}" if parent else name for parent in parents for name in picture_names(table.root / parent)]
    return [file for file in on_disk if file not in known]


def refuse_missing_pictures(table: FaceTable) -> None:
    """Raise DataError, with their number and the first one, where pictures of the table are not on disk."""
    missing = missing_pictures(table)
    if missing:
        raise DataError(
            f"{len(missing)} of {len(table.files)} labelled pictures are not on disk; the first is {table.root / missing[0]}. "
            f"Put them there, or remove them from labels and split. See all: lianpu data check {table.source} DATA_DIR --csv problems.csv"
        )


def first_file(candidates: Iterable[Path]) -> Path | None:
    """The first of the paths that is a file."""
    return next((file for file in candidates if file.is_file()), None)


def first_folder(candidates: Iterable[Path]) -> Path | None:
    """The first of the paths that is a folder."""
    return next((folder for folder in candidates if folder.is_dir()), None)


def _listed(folder: Path) -> set[str]:
    return {entry.name for entry in _entries(folder)}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    """The names in a folder; empty if it is missing."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as problem:
        raise DataError(f"{folder} cannot be listed ({problem.strerror}). Change its permissions.") from None


def _parent_and_name(file: str) -> tuple[str, str]:
    parent, _, name = file.rpartition("/")
    return parent, name


def _is_missing(file: str, present: dict[str, set[str]]) -> bool:
    parent, name = _parent_and_name(file)
    return name not in present[parent]
