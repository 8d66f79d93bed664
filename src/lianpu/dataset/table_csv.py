"""A CSV of labels: one row per picture, one column per attribute."""

import csv
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path, PurePosixPath

import numpy as np

from lianpu.dataset.splits import split_by_hash
from lianpu.dataset.table import MIDDLE_SQUARE, SPLITS, UNLABELLED, FaceTable, Split
from lianpu.dataset.text_files import LOOKED_AT, UNKNOWN_LICENCE, licence_of, read_text, refuse_lines, refuse_odd_table
from lianpu.errors import DataError, nearest_name

LAYOUT = "labels.csv: a picture's path in the first column, an attribute in each other one (1/0, 1/-1, true/false, yes/no, empty where unknown), perhaps a column split"

LABEL_WORDS = {"1": 1, "0": 0, "-1": 0, "1.0": 1, "0.0": 0, "-1.0": 0, "true": 1, "false": 0, "yes": 1, "no": 0, "": UNLABELLED}
"""What a cell may hold, in lower case, and the label that it means."""
_SPLIT_COLUMN = "split"


def looks_like_csv(root: Path) -> bool:
    """Whether this is a .csv file, or a folder with one."""
    return bool(_csv_files(root))


def read_csv(root: Path) -> FaceTable:
    """The faces of a .csv file, or of `labels.csv` (or the only .csv) in a folder.

    Paths are relative to the .csv, or to the folder `images` next to it. Without a column `split` (train, val, test), one
    face in ten is held out by the hash of its path.

    Raises:
        DataError: no such file, or a column, row or value is wrong; file and line are said.
    """
    file = _csv_file(root)
    (_, heading), *rows = _rows(file) or [(1, [])]
    refuse_odd_table(file, [heading, *(row for _, row in rows[:LOOKED_AT])], LABEL_WORDS)
    attributes, split_at = _header(file, heading)
    files: list[str] = []
    labels: list[list[int]] = []
    splits: list[Split] = []
    seen: set[str] = set()
    problems: list[tuple[int, str]] = []
    for number, row in rows:
        cells = [cell.strip() for cell in row]
        if problem := _problem_of(cells, attributes, split_at, seen):
            problems.append((number, problem))
            continue
        seen.add(cells[0])
        files.append(cells[0])
        splits += [split for split in SPLITS if split_at and split == cells[split_at].lower()]
        labels.append([LABEL_WORDS[cell.lower()] for at, cell in enumerate(cells) if at not in (0, split_at)])
    refuse_lines(file, problems, "Fix the file.")
    if not files:
        raise DataError(f"{file} labels no pictures. Write a row for each.")
    values = np.array(labels, dtype=np.uint8)
    return FaceTable(
        source="csv",
        root=_picture_folder(file.parent, files[0]),
        files=tuple(files),
        attributes=attributes,
        labels=values,
        splits=tuple(splits) if split_at else split_by_hash(files, values),
        alignment=MIDDLE_SQUARE,
        licence=licence_of(file.parent, UNKNOWN_LICENCE),
    )


_SAID = ("1", "0", "-1", "true", "false", "yes", "no")
"""The spellings that messages name."""


def _rows(file: Path) -> list[tuple[int, list[str]]]:
    """The rows that hold something, each with the number of its last line."""
    reader = csv.reader(StringIO(read_text(file), newline=""), skipinitialspace=True)
    rows = []
    try:
        for row in reader:
            if any(row):
                rows.append((reader.line_num, row))
    except csv.Error as problem:
        refuse_lines(file, [(reader.line_num, f"no CSV ({problem})")], "Is a quotation mark not closed? Fix the file.")
    return rows


def _header(file: Path, cells: Sequence[str]) -> tuple[tuple[str, ...], int | None]:
    """The attribute names, and the place of the split column or None."""
    names = [cell.strip() for cell in cells]
    split_at = next((at for at, name in enumerate(names) if at and name.lower() == _SPLIT_COLUMN), None)
    attributes = tuple(name for at, name in enumerate(names) if at not in (0, split_at))
    if not attributes or any(name and name.lower() in LABEL_WORDS for name in attributes):
        refuse_lines(
            file, [(1, f"expected the column names file, ATTRIBUTE, ..., got '{','.join(names)[:60]}'")], f"Layout: {LAYOUT}."
        )
    problems = [(1, f"the column {name} is there twice") for name, count in Counter(attributes).items() if count > 1]
    problems += [(1, f"column {names.index('') + 1} has no name")] if "" in attributes else []
    refuse_lines(file, problems, "Fix the file.")
    return attributes, split_at


def _problem_of(cells: Sequence[str], attributes: Sequence[str], split_at: int | None, seen: set[str]) -> str:
    """What is wrong with a row; an empty string when nothing is."""
    columns = len(attributes) + (2 if split_at else 1)
    if len(cells) != columns:
        return f"{len(cells)} cells for {columns} columns"
    name = cells[0]
    if not name:
        return "the first cell, the picture's path, is empty"
    if "\\" in name or "\0" in name or PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        return f"{name} is no path below the .csv with forward slashes"
    if name in seen:
        return f"{name} is there a second time"
    wrong = next((cell for at, cell in enumerate(cells) if at not in (0, split_at) and cell.lower() not in LABEL_WORDS), None)
    if wrong is not None:
        return f"'{wrong}' for {name} is none of {', '.join(_SAID)}"
    if split_at and cells[split_at].lower() not in SPLITS:
        return f"split '{cells[split_at]}' of {name} is none of {', '.join(SPLITS)}{nearest_name(cells[split_at], SPLITS)}"
    return ""


def _picture_folder(folder: Path, first: str) -> Path:
    return folder / "images" if not (folder / first).exists() and (folder / "images" / first).exists() else folder


def _csv_file(root: Path) -> Path:
    files = _csv_files(root)
    if not files:
        raise DataError(f"{root} has no labels.csv. Layout: {LAYOUT}.")
    if len(files) > 1:
        raise DataError(
            f"{root} has several .csv files: {', '.join(file.name for file in files)}. Name the right one labels.csv, or give it as DATA_DIR."
        )
    return files[0]


def _csv_files(root: Path) -> list[Path]:
    if root.is_file():
        return [root] if root.suffix.lower() == ".csv" else []
    return [root / "labels.csv"] if (root / "labels.csv").is_file() else sorted(root.glob("*.csv"))
