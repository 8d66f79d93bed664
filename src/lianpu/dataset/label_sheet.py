"""Label files as CelebA spells them: a line of attribute names, then one row of 1 and -1 per picture; 0 where unknown."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.dataset.table import UNLABELLED
from lianpu.dataset.text_files import LOOKED_AT, numbered_lines, refuse_lines, refuse_odd_table
from lianpu.errors import DataError

_MANY = 50
"""Values in a file from which on it is strange that none says no."""

_VALUES = {"1": 1, "-1": 0, "0": UNLABELLED}


@dataclass(frozen=True)
class LabelSheet:
    """What a label file says.

    Args:
        file: where it was read.
        pictures: N picture names, in the order of the file.
        attributes: A names.
        labels: (N, A) uint8, 1 has the attribute, 0 has not, UNLABELLED is unknown.
    """

    file: Path
    pictures: tuple[str, ...]
    attributes: tuple[str, ...]
    labels: np.ndarray[Any, np.dtype[np.uint8]]


def read_label_sheet(file: Path) -> LabelSheet:
    """The labels in `list_attr_celeba.txt` and its kin (a count, the names, the rows), or in Kaggle's .csv of it (no count).

    Values may be parted by any number of blanks.

    Raises:
        DataError: the count, a row or a value is wrong, a name is there twice (file and line are said), or 0 stands for "has not".
    """
    if file.suffix.lower() == ".csv":
        cells = [line.split(",") for _, line in islice(numbered_lines(file), LOOKED_AT)]
        refuse_odd_table(file, cells, _VALUES)
    lines = _words(file)
    stated = None if file.suffix.lower() == ".csv" else _stated_count(file, lines)
    attributes = _attributes(file, lines)
    pictures: list[str] = []
    rows = bytearray()
    seen: set[str] = set()
    problems: list[tuple[int, str]] = []
    for number, (name, *values) in lines:
        try:
            row = bytes(map(_VALUES.__getitem__, values))
        except KeyError:
            wrong = next(value for value in values if value not in _VALUES)
            problems.append((number, f"'{wrong}' for {name} is none of 1, -1 and 0 (unlabelled)"))
            continue
        if len(row) != len(attributes):
            problems.append((number, f"{name} has {len(row)} values for {len(attributes)} attributes"))
        elif name in seen:
            problems.append((number, f"{name} is there a second time"))
        else:
            seen.add(name)
            pictures.append(name)
            rows += row
    refuse_lines(file, problems)
    if stated is not None and stated != len(pictures):
        raise DataError(
            f"{file}, line 1: it says {stated} pictures, but {len(pictures)} rows follow. "
            "Is the file cut off? Download it again, or fix the count."
        )
    if not pictures:
        raise DataError(f"{file} labels no pictures. Download it again.")
    labels = np.frombuffer(bytes(rows), dtype=np.uint8).reshape(len(pictures), len(attributes))
    _refuse_zeros_for_no(file, labels)
    return LabelSheet(file, tuple(pictures), attributes, labels)


def _refuse_zeros_for_no(file: Path, labels: np.ndarray) -> None:
    """Raise DataError where 0 stands for -1: of many values some are unlabelled and none says no."""
    if labels.size >= _MANY and (labels == UNLABELLED).any() and not (labels == 0).any():
        raise DataError(
            f"{file} has 1 and 0, but no -1. 0 means unlabelled here: write -1 where a face has not the attribute, "
            "or save the labels as labels.csv, where 0 says so."
        )


def _words(file: Path) -> Iterator[tuple[int, list[str]]]:
    commas = file.suffix.lower() == ".csv"
    for number, line in numbered_lines(file):
        yield number, line.replace(",", " ").split() if commas else line.split()


def _stated_count(file: Path, lines: Iterator[tuple[int, list[str]]]) -> int:
    number, words = next(lines, (1, []))
    if len(words) != 1 or not words[0].isdecimal():
        refuse_lines(file, [(number, f"expected the number of pictures alone, got '{' '.join(words)[:60]}'")])
    return int(words[0])


def _attributes(file: Path, lines: Iterator[tuple[int, list[str]]]) -> tuple[str, ...]:
    number, words = next(lines, (2, []))
    if file.suffix.lower() == ".csv":
        words = words[1:]
    if not words or any(word in _VALUES for word in words):
        refuse_lines(file, [(number, f"expected the attribute names, got '{' '.join(words)[:60]}'")])
    twice = [name for name, count in Counter(words).items() if count > 1]
    refuse_lines(file, [(number, f"the attribute {name} is named twice") for name in twice])
    return tuple(words)
