"""Files that a person brings: recognised by their bytes, whatever they are called, and copied into our folder."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.files import atomic_file
from lianpu.models.store.archives import members_like, members_named, open_zip, unpack_bz2, unpack_member
from lianpu.models.store.conversion import convert_model_file
from lianpu.models.store.locate import folders_inside, models_folder, what_is_wrong, why_refused
from lianpu.models.table import MODEL_FILES, ModelFile

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """A model file that was recognised: where it came from, and where it lies now."""

    entry: ModelFile
    source: str
    file: Path
    was_here: bool
    """Whether our folder had it before."""


@dataclass(frozen=True)
class NearMiss:
    """A file with the name of a model file, but not its bytes; or one that could not be put in place."""

    entry: ModelFile
    source: str
    problem: str


@dataclass(frozen=True)
class ImportReport:
    """What an import found, in the order in which it was met."""

    imported: tuple[Imported, ...]
    near_misses: tuple[NearMiss, ...]


def import_models(path: Path, on_progress: OnProgress | None = None) -> ImportReport:
    """Copy into our folder what `path` holds of the table: a file, a .zip, .whl or .bz2, or a folder (and the folders just inside it).

    The user's file stays as it is, and so does what our folder holds already. A .tflite file is converted at once.

    Args:
        path: what to look at.
        on_progress: called with files checked, and files in all.

    Raises:
        WeightsError: nothing is there, nothing was recognised (the message names near misses), or a zip is not to be trusted.
        LianpuError: the disk is full or our folder cannot be written.
    """
    files = list(_files_at(path))
    found: list[Imported | NearMiss] = []
    for index, file in enumerate(files):
        found += _import_file(file, was_named=file == path)
        if on_progress:
            on_progress(index + 1, len(files))
    imported = tuple(item for item in found if isinstance(item, Imported))
    near_misses = tuple(item for item in found if isinstance(item, NearMiss))
    if not imported:
        raise WeightsError(_nothing_found(path, len(files), near_misses))
    return ImportReport(imported, near_misses)


def _files_at(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise WeightsError(f"{path} is not there. Give a model file, a folder or a zip of them.")
    try:
        return [file for folder in (path, *folders_inside(path)) for file in sorted(folder.iterdir()) if file.is_file()]
    except OSError as problem:
        raise WeightsError(f"{path} cannot be read ({problem.strerror}).") from None


def _import_file(file: Path, *, was_named: bool) -> list[Imported | NearMiss]:
    """What one file turns out to be. In a folder only archives with the name or the size of a known one are opened."""
    size = file.stat().st_size
    for entry in MODEL_FILES:
        if entry.size_bytes == size and not what_is_wrong(file, entry):
            return [_place(entry, str(file), lambda target: _copy(file, target))]
    archives = {entry.archive: entry for entry in MODEL_FILES if entry.archive}
    packed = next((archive for archive in archives if file.name == archive.file or size == archive.size_bytes), None)
    if packed and packed.file.endswith(".bz2"):
        entry = archives[packed]
        return [_place(entry, str(file), lambda target: unpack_bz2(file, entry, target))]
    if packed or (was_named and file.suffix.lower() in (".zip", ".whl")) or _is_known_wheel(file):
        return _import_zip(file)
    return [
        NearMiss(entry, str(file), what_is_wrong(file, entry))
        for entry in MODEL_FILES
        if file.name in (entry.file, *entry.other_names)
    ]


def _is_known_wheel(file: Path) -> bool:
    """Whether a file is called as a wheel that holds files of the table, of whatever system."""
    wheels = {entry.wheel for entry in MODEL_FILES if entry.wheel}
    return file.suffix == ".whl" and any(file.name.startswith(f"{wheel.package}-{wheel.version}-") for wheel in wheels)


def _import_zip(file: Path) -> list[Imported | NearMiss]:
    found: list[Imported | NearMiss] = []
    with open_zip(file) as archive:
        for entry in MODEL_FILES:
            if like := members_like(archive, entry)[:1]:
                found.append(_place(entry, f"{file}: {like[0].filename}", _unpacker(archive, like[0], entry)))
            else:
                found += [
                    NearMiss(
                        entry, f"{file}: {member.filename}", f"expected {entry.size_bytes:,} bytes, got {member.file_size:,}"
                    )
                    for member in members_named(archive, entry)
                ]
    return found


def _unpacker(archive: zipfile.ZipFile, member: zipfile.ZipInfo, entry: ModelFile) -> Callable[[Path], str]:
    return lambda target: unpack_member(archive, member, entry, target)


def _place(entry: ModelFile, source: str, write: Callable[[Path], str]) -> Imported | NearMiss:
    """Have `write` put the entry at its place, unless it is there already; never over another file."""
    if refusal := why_refused(entry):
        return NearMiss(entry, source, refusal)
    target = models_folder() / entry.file
    if os.path.lexists(target):
        if target.is_file() and not what_is_wrong(target, entry):
            return _made_ready(Imported(entry, source, target, was_here=True))
        return NearMiss(entry, source, f"{target} is in its place and holds other bytes; move that away and import again")
    if problem := write(target):
        return NearMiss(entry, source, problem)
    return _made_ready(Imported(entry, source, target, was_here=False))


def _made_ready(imported: Imported) -> Imported:
    """The same, converted where what runs is another file."""
    if imported.entry.onnx:
        convert_model_file(imported.file, imported.entry)
    return imported


def _copy(file: Path, target: Path) -> str:
    with atomic_file(target) as partial:
        shutil.copyfile(file, partial)
    return ""


def _nothing_found(path: Path, file_count: int, near_misses: tuple[NearMiss, ...]) -> str:
    if near_misses:
        listed = "; ".join(f"{miss.source} is not {miss.entry.name}: {miss.problem}" for miss in near_misses)
        return f"Nothing was imported. {listed}. Have the right file: {near_misses[0].entry.how_to_get}."
    return f"{path}: none of {file_count:,} files is a model file that Lianpu knows (known by their bytes, not their names). See: lianpu models list."
