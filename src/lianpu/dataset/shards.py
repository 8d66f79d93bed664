"""Labelled pictures in Parquet or Arrow files, as the Hugging Face Hub and `datasets` keep them: unpacked once into pictures and a labels.csv."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from lianpu.dataset.table import FaceTable, Split
from lianpu.dataset.table_csv import LABEL_WORDS, read_csv
from lianpu.dataset.text_files import LICENCE_FILE
from lianpu.errors import DataError
from lianpu.files import disk_errors_named, write_text
from lianpu.models.store.download import alone
from lianpu.models.store.hub import ADDRESS, fetch_repo
from lianpu.photo.formats import FORMATS, format_of

LAYOUT = "Parquet or Arrow files with a column of pictures and columns of labels; or the name of such a data set on the Hugging Face Hub (user/name)"
OnProgress = Callable[[int, int], None]

ROWS_AT_ONCE = 64
"""Rows that are in memory at a time, pictures included."""

_FOLDER_OF = 10_000
"""Pictures in a folder of the unpacked copy."""

_SPLIT_WORDS: dict[str, Split] = {
    "train": "train",
    "validation": "val",
    "valid": "val",
    "val": "val",
    "dev": "val",
    "test": "test",
}
_PICTURE_NAMES = ("image", "img", "picture", "photo", "face", "jpg", "png", "webp")
_ENDINGS = (".parquet", ".arrow")
_LABELS, _PARTIAL, _MADE_OF = "labels.csv", "labels.partial", "made_of.json"
_CONVERTED = "refs/convert/parquet"
"""The branch in which the Hub keeps data sets that were not uploaded as Parquet."""


def unpack_shards(address: Path, on_progress: OnProgress | None = None) -> Path:
    """A folder with the pictures and labels of Parquet or Arrow files, as `read_csv` reads it; made once, then found again.

    It lies in $LIANPU_DATASETS, or ~/.cache/lianpu/datasets. Pictures keep their bytes; of all rows only `ROWS_AT_ONCE` are in memory.

    Args:
        address: a file (.parquet, .arrow), a folder with such files, or a data set of the Hub: `user/name`, `user/name@revision`, or
            `user/name/folder` where the repository has several. Files and folders named train, validation or test are splits.
        on_progress: called with rows unpacked, and rows in all.

    Raises:
        DataError: no such files, no column of pictures, or no column that can be labels.
        ModelError: the data set cannot be had from the Hub.
    """
    root = address if address.exists() else _fetched(address)
    shards = _shards_below(root)
    copy = _copies_folder() / f"{re.sub(r'[^A-Za-z0-9.-]+', '-', str(address))[-60:].strip('.-')}-{_identity(shards)}"
    if not (copy / _LABELS).is_file():
        with alone(copy, "unpacks"), disk_errors_named(copy):
            if not (copy / _LABELS).is_file():
                shutil.rmtree(copy, ignore_errors=True)  # what a process that was killed left
                _unpack(root, shards, copy, on_progress)
    return copy


def read_shards(copy: Path) -> FaceTable:
    """The faces of a folder that `unpack_shards` made. Raises DataError as `read_csv` does."""
    made = json.loads((copy / _MADE_OF).read_text(encoding="utf-8"))
    return replace(read_csv(copy), source="huggingface", one_class=bool(made["one_class"]))


@dataclass(frozen=True)
class _Shard:
    """A file of rows, and the split that its name or folder says; None where they say none."""

    file: Path
    split: Split | None


@dataclass(frozen=True)
class _Column:
    """A column of labels: yes and no where `classes` is empty; else numbers of these classes, each an attribute of its own."""

    name: str
    classes: tuple[str, ...] = ()

    def can_be(self, values: Sequence[object]) -> bool:
        """Whether these values are labels."""
        if self.classes:
            return all(value is None or (isinstance(value, int) and -1 <= value < len(self.classes)) for value in values)
        return all(value is None or _word(value) in LABEL_WORDS for value in values)

    def words(self, value: object) -> list[str]:
        """A value as labels.csv spells it; nothing where it is unknown."""
        if not self.classes:
            return ["" if value is None else _word(value)]
        return ["" if value in (None, -1) else str(int(value == number)) for number in range(len(self.classes))]


def _word(value: object) -> str:
    return str(value).strip().lower()


def _unpack(root: Path, shards: Sequence[_Shard], copy: Path, on_progress: OnProgress | None) -> None:
    schema = _schema(shards[0].file)
    picture = _picture_column(schema, root)
    labels = _label_columns(schema, shards, picture)
    if not labels:
        others = ", ".join(name for name in schema.names if name != picture)
        raise DataError(
            f"{root} has no column of labels: one holds 1 and 0 (or -1), true and false, yes and no, or classes. "
            f"It has, beside the pictures in '{picture}': {others or 'nothing'}."
        )
    total, done = sum(_row_count(shard.file) for shard in shards), 0
    with_splits = any(shard.split for shard in shards)
    copy.mkdir(parents=True)
    with (copy / _PARTIAL).open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream, lineterminator="\n")
        attributes = [name for column in labels for name in column.classes or (column.name,)]
        rows.writerow(["file", *attributes, *(["split"] if with_splits else [])])
        for shard in shards:
            for batch in _batches(shard.file, [picture, *(column.name for column in labels)]):
                values = [batch.column(column.name).to_pylist() for column in labels]
                for at, content in enumerate(batch.column(picture).to_pylist()):
                    data = _picture_bytes(content, shard.file, f"row {done + 1} of {root}")
                    name = f"images/{done // _FOLDER_OF:04d}/{done:08d}{FORMATS.get(format_of(data) or '', ('.jpg',))[0]}"
                    if not done % _FOLDER_OF:
                        (copy / name).parent.mkdir(parents=True)
                    (copy / name).write_bytes(data)
                    words = [
                        word
                        for column, column_values in zip(labels, values, strict=True)
                        for word in column.words(column_values[at])
                    ]
                    rows.writerow([name, *words, *([shard.split or "train"] if with_splits else [])])
                    done += 1
                if on_progress is not None:
                    on_progress(done, total)
    for folder in (root, root.parent):
        if root.is_dir() == (folder == root) and (licence := _licence(folder)):
            write_text(copy / LICENCE_FILE, licence)
    write_text(copy / _MADE_OF, json.dumps({"from": str(root), "one_class": len(labels) == 1 and bool(labels[0].classes)}))
    (copy / _PARTIAL).rename(copy / _LABELS)  # last: a copy that has it is whole


def _picture_column(schema: Any, root: Path) -> str:
    """The name of the column of pictures: binary, or a struct of bytes and path as `datasets` writes it."""
    found = [
        field.name
        for field in schema
        if pyarrow.types.is_binary(field.type)
        or pyarrow.types.is_large_binary(field.type)
        or (pyarrow.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    usual = [name for name in found if name.lower() in _PICTURE_NAMES]
    if len(found) == 1 or len(usual) == 1:
        return str((usual or found)[0])
    if found:
        raise DataError(f"{root} has several columns of pictures: {', '.join(found)}. Name the right one 'image'.")
    raise DataError(f"{root} has no column of pictures (bytes, or a struct with 'bytes'). It has: {', '.join(schema.names)}.")


def _label_columns(schema: Any, shards: Sequence[_Shard], picture: str) -> list[_Column]:
    """The columns all of whose values can be labels, in the order of the files. Reads every column but the pictures'."""
    classes = _class_names(schema)
    columns = {
        field.name: _Column(field.name, classes.get(field.name, ()))
        for field in schema
        if field.name != picture and not pyarrow.types.is_nested(field.type)
    }
    for shard in shards:
        for batch in _batches(shard.file, list(columns), rows=10_000):
            for name in list(columns):
                if not columns[name].can_be(batch.column(name).unique().to_pylist()):
                    del columns[name]
    return list(columns.values())


def _class_names(schema: Any) -> dict[str, tuple[str, ...]]:
    """The names of the classes of those columns that `datasets` has marked as such; yes and no are no classes."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        named = {
            name: tuple(map(str, one["names"])) for name, one in features.items() if isinstance(one, dict) and "names" in one
        }
    except (KeyError, TypeError, ValueError):
        return {}
    return {name: names for name, names in named.items() if not {word.lower() for word in names} <= LABEL_WORDS.keys()}


def _picture_bytes(content: Any, file: Path, where: str) -> bytes:
    data = content.get("bytes") if isinstance(content, dict) else content
    path = content.get("path") if isinstance(content, dict) else None
    if not data and path and (named := (file.parent / path).resolve()).is_relative_to(file.parent.resolve()) and named.is_file():
        return named.read_bytes()
    if not data:
        raise DataError(f"The picture in {where} is empty{f' (it names {path}, which is not beside the file)' if path else ''}.")
    return bytes(data)


def _batches(file: Path, columns: list[str], rows: int = ROWS_AT_ONCE) -> Iterator[Any]:
    """Record batches of at most `rows` rows of a file, with these columns only."""
    try:
        if file.suffix.lower() == ".parquet":
            yield from pyarrow.parquet.ParquetFile(file).iter_batches(batch_size=rows, columns=columns)
            return
        with pyarrow.memory_map(str(file)) as mapped, pyarrow.ipc.open_stream(mapped) as stream:
            for batch in stream:
                for first in range(0, batch.num_rows, rows):
                    yield batch.select(columns).slice(first, rows)
    except (pyarrow.ArrowException, KeyError, OSError) as problem:
        raise _broken(file, problem) from None


def _schema(file: Path) -> Any:
    try:
        if file.suffix.lower() == ".parquet":
            return pyarrow.parquet.read_schema(file)
        with pyarrow.memory_map(str(file)) as mapped, pyarrow.ipc.open_stream(mapped) as stream:
            return stream.schema
    except (pyarrow.ArrowException, OSError) as problem:
        raise _broken(file, problem) from None


def _row_count(file: Path) -> int:
    if file.suffix.lower() == ".parquet":
        return int(pyarrow.parquet.read_metadata(file).num_rows)
    return sum(batch.num_rows for batch in _batches(file, [], rows=1 << 30))


def _broken(file: Path, problem: Exception) -> DataError:
    reason = " ".join(str(problem).split())[:200]
    return DataError(
        f"{file} cannot be read as {file.suffix[1:].capitalize()} with the columns of the others ({reason}). Fetch it again."
    )


def _shards_below(root: Path) -> list[_Shard]:
    """The files of rows in a folder and below, sorted; where some are of a split, all others are training ones."""
    files = (
        [root]
        if root.is_file()
        else sorted(file for file in root.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
    )
    files = [file for file in files if file.suffix.lower() in _ENDINGS]
    if not files:
        raise DataError(f"{root} holds no .parquet or .arrow files. Layout: {LAYOUT}.")
    return [_Shard(file, _split_of(file.relative_to(root.parent if root.is_file() else root))) for file in files]


def _split_of(file: Path) -> Split | None:
    """The split that a file's name begins with (`validation-00000-of-00002.parquet`), or the innermost folder that is called so."""
    for part in reversed(file.with_suffix("").parts):
        word = re.match(r"[a-z]+", part.lower())
        if word and word[0] in _SPLIT_WORDS:
            return _SPLIT_WORDS[word[0]]
    return None


def _identity(shards: Sequence[_Shard]) -> str:
    """Ten hexadecimal digits that change with the files: their names, sizes and times."""
    digest = hashlib.sha256()
    for shard in shards:
        about = shard.file.stat()
        digest.update(f"{os.fsencode(shard.file)!r} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:10]


def _fetched(address: Path) -> Path:
    """The folder with the files of a data set of the Hub, from the Hub's own cache or from the network."""
    parts = address.as_posix().removeprefix("hf:").strip("/").split("/")
    if len(parts) < 2 or address.is_absolute() or ".." in parts:
        raise DataError(f"{address} is not there, and is no data set of the Hub (user/name). It holds {LAYOUT}.")
    name, _, revision = parts[1].partition("@")
    inner = "/".join(parts[2:])
    for branch in [revision] if revision else ["", _CONVERTED]:
        repo = f"{ADDRESS}{parts[0]}/{name}" + (f"@{branch}" if branch else "")
        folder = fetch_repo(repo, [f"{inner}/*.parquet" if inner else "*.parquet", "README.md"], kind="dataset")
        if any((folder / inner).rglob("*.parquet")):
            return folder / inner
    raise DataError(f"{address}: this data set of the Hub has no Parquet files{f' in {inner}' if inner else ''}.")


def _licence(folder: Path) -> str:
    """What licence.txt says, or the card (README.md) of a data set of the Hub."""
    if (folder / LICENCE_FILE).is_file():
        return (folder / LICENCE_FILE).read_text(encoding="utf-8", errors="replace")
    card = folder / "README.md"
    text = card.read_text(encoding="utf-8", errors="replace") if card.is_file() else ""
    head = text.split("---")[1] if text.startswith("---") else ""
    found = re.search(r"^license:\s*(?:\n\s*-\s*)?(\S.*)$", head, re.MULTILINE)
    return f"{found[1].strip()} (by its card on the Hub)" if found else ""


def _copies_folder() -> Path:
    return Path(os.environ.get("LIANPU_DATASETS") or "~/.cache/lianpu/datasets").expanduser()
