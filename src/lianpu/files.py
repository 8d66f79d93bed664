"""Files that are either wholly there or not at all: atomic writes, hashes and sizes."""

import errno
import glob
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lianpu.errors import LianpuError

_NOT_WRITABLE = (
    errno.ENOENT,  # the folder was removed, or is of a kind that holds no files of ours, as /proc
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.EFBIG,
    errno.EIO,
)


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """A path next to `target` to write to; it takes the place of `target` when the block ends well, else it is removed.

    Raises:
        LianpuError: the disk is full or the folder cannot be written; `target` is as it was.
    """
    target = Path(target)
    with disk_errors_named(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=_hidden(target.stem), suffix=f".partial{target.suffix}")
        os.close(handle)
        partial = Path(name)
        try:
            yield partial
            os.chmod(partial, 0o666 & ~_umask())
            flush_to_disk(partial)
            os.replace(partial, target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _hidden(name: str) -> str:
    """The beginning of a temporary name: short, because `name` may fill all that a disk allows."""
    return f".{encodable(name)[:20]}."


LONGEST_NAME = 255
"""Bytes of a file's name on the usual disks."""


def fitted_name(start: str, end: str, spare: int = 0) -> str:
    """`start` + `end` where a disk holds so long a name; else with `start` cut, and told apart by ten digits of its hash.

    Args:
        start: a name as the system gives it, perhaps not UTF-8.
        end: kept whole, such as `.parts.png`.
        spare: further bytes that must fit.
    """
    room = LONGEST_NAME - len(os.fsencode(end)) - spare
    stored = os.fsencode(start)
    if len(stored) <= room:
        return start + end
    mark = f"-{hashlib.sha256(stored).hexdigest()[:10]}"
    return stored[: room - len(mark)].decode("utf-8", "ignore") + mark + end


def encodable(name: str) -> str:
    """A name with `\\udcff` in place of each byte that is no UTF-8, so that it can be written into any file; see `as_on_disk`."""
    return name.encode("utf-8", "backslashreplace").decode()


def as_on_disk(name: str, folder: Path) -> str:
    """The name of a file in `folder` that `encodable` gave; where a file is really called like that, the same name."""
    if "\\udc" not in name or (folder / name).exists():
        return name
    return re.sub(r"\\udc([89a-f][0-9a-f])", lambda found: chr(0xDC00 + int(found[1], 16)), name)


def is_leftover(path: Path) -> bool:
    """Whether a name is one that `atomic_file` or `atomic_folder` writes under: a killed process leaves it behind."""
    return path.name.startswith(".") and (".partial" in path.suffixes or path.suffix == ".old")


def remove_partial_files(folder: Path) -> None:
    """Remove what a killed process left of files and folders that it was writing into `folder`. Nobody else may be writing there."""
    for leftover in (*Path(folder).glob(".*.partial.*"), *Path(folder).glob(".*.partial")):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def remove_leftovers_of(target: Path) -> None:
    """Remove what killed processes left of `target` while they wrote it. Nobody else may be writing it."""
    for leftover in target.parent.glob(f"{glob.escape(_hidden(target.stem))}*.partial{glob.escape(target.suffix)}"):
        leftover.unlink(missing_ok=True)


@contextmanager
def atomic_folder(target: Path) -> Iterator[Path]:
    """A folder next to `target` to fill; it takes the place of `target` when the block ends well, else it is removed.

    A folder that stood at `target` is set aside first, and put back if the new one cannot take its place.

    Raises:
        LianpuError: the disk is full or the parent cannot be written; `target` is as it was.
    """
    target = Path(target)
    with disk_errors_named(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=target.parent, prefix=_hidden(target.name), suffix=".partial"))
        aside = partial.with_suffix(".old")
        try:
            yield partial
            os.chmod(partial, 0o777 & ~_umask())
            for file in partial.rglob("*"):
                if file.is_file():
                    flush_to_disk(file)
            if target.exists():
                os.replace(target, aside)
            try:
                os.replace(partial, target)
            except OSError:
                if aside.exists():
                    os.replace(aside, target)
                raise
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def write_text(target: Path, text: str) -> Path:
    """`target`, holding `text` as UTF-8, written atomically. Bytes of names that are no UTF-8 become `\\udcff`, which JSON reads back."""
    with atomic_file(target) as partial:
        partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    return target


def write_json(target: Path, value: Any) -> Path:
    """`target`, holding `value` as indented JSON, written atomically. NaN is refused: JSON has none."""
    return write_text(target, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def append_text(target: Path, text: str) -> Path:
    """`target` with `text` added at its end, as `write_text` encodes it. Only what replaces a file is atomic: a crash may leave part of `text`."""
    with disk_errors_named(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a", encoding="utf-8", errors="backslashreplace") as stream:
            stream.write(text)
    return target


def read_json(file: Path, make_error: Callable[[str], LianpuError]) -> Any:
    """What a JSON file holds; a missing or broken one raises `make_error(message)`."""
    try:
        return json.loads(Path(file).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise make_error(f"{file} is not there") from None
    except (OSError, ValueError, RecursionError) as problem:
        raise make_error(f"{file} cannot be read as JSON ({problem})") from None


def read_json_lines(file: Path, make_error: Callable[[str], LianpuError]) -> list[Any]:
    """What the lines of a JSONL file hold; a last line cut by a crash is left out. A broken line before raises `make_error(message)`."""
    lines = Path(file).read_bytes().splitlines()
    values = []
    for number, line in enumerate(lines, start=1):
        try:
            values.append(json.loads(line))
        except (ValueError, RecursionError):
            if number < len(lines):
                raise make_error(f"{file}, line {number}, is no JSON. Restore the file, or remove that line.") from None
    return values


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, 64 hexadecimal digits."""
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _sha256_by_blocks(stream)


def _sha256_by_blocks(stream: Any) -> str:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


@contextmanager
def disk_errors_named(target: Path) -> Iterator[None]:
    """Within the block a full disk or a folder that may not be written becomes a LianpuError that names `target`."""
    try:
        yield
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            raise LianpuError(
                "The disk is full: {file} could not be written and was left as it was. Free some space and run the command again.",
                key="file.disk_full",
                file=target,
            ) from problem
        if problem.errno in _NOT_WRITABLE:
            raise LianpuError(
                "{file} cannot be written ({reason}). Choose a folder that you may write to.",
                key="file.not_writable",
                file=target,
                reason=problem.strerror,
            ) from problem
        raise


def flush_to_disk(file: Path) -> None:
    """Have the system write the file to its disk now, so that it survives a loss of power."""
    with file.open("rb+") as stream:
        os.fsync(stream.fileno())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
