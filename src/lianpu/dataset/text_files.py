"""The small text files of a data folder: numbered lines, licence.txt, alignment.txt."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from lianpu.errors import DataError

SHOWN = 3
"""How many of a file's problems are named; the rest are counted."""


def numbered_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file that hold something, each with its number (the first is 1), blanks around them removed.

    Raises:
        DataError: the file cannot be read as UTF-8 text.
    """
    for number, line in enumerate(read_text(file).splitlines(), start=1):
        if stripped := line.strip():
            yield number, stripped


def read_text(file: Path) -> str:
    """What a UTF-8 file holds, without a byte order mark. Raises DataError when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{file} is not there. Check the path.") from None
    except UnicodeDecodeError as problem:
        raise DataError(f"{file} is no UTF-8 text (byte {problem.start}). Save it as UTF-8, or download it again.") from None
    except OSError as problem:
        raise DataError(f"{file} cannot be read ({problem.strerror}).") from None


def refuse_lines(file: Path, problems: Sequence[tuple[int, str]], advice: str = "Fix the file, or download it again.") -> None:
    """Raise DataError for problems: the first ones, each with its line, and their count."""
    if not problems:
        return
    shown = "; ".join(f"line {number}: {text}" for number, text in sorted(problems)[:SHOWN])
    more = f"; and {len(problems) - SHOWN} more problems" if len(problems) > SHOWN else ""
    raise DataError(f"{file}, {shown}{more}. {advice}")


_PICTURE = re.compile(r".+\.[a-z0-9]{2,4}$", re.IGNORECASE)


def refuse_odd_table(file: Path, rows: Sequence[Sequence[str]], values: Collection[str]) -> None:
    """Raise DataError where a table of labels is as other programs write it, with the likely cause in one line instead of a symptom per row.

    Args:
        file: a .csv, for the message.
        rows: its first rows parted by commas, the heading first.
        values: what a label may be, in lower case.
    """
    if len(rows) < 2:
        return
    heading, first = rows[0], rows[1]
    for separator, name in ((";", "';'"), ("\t", "tabs")):
        if len(heading) == 1 and separator in heading[0]:
            raise DataError(
                f"{file} is separated by {name}, and commas are needed. Save it with commas (Excel: CSV UTF-8), or replace each {name}."
            )
    pictures = [at for at, cell in enumerate(first) if _PICTURE.match(cell.strip()) and not _is_number(cell)]
    if pictures and pictures[0] > 0 and _is_number(first[0]):
        name = heading[pictures[0]].strip() if pictures[0] < len(heading) else f"number {pictures[0] + 1}"
        counted = pictures[0] == 1 and all(
            row and row[0].strip() == str(number) for number, row in enumerate(rows[1:], int(float(first[0])))
        )
        cause = "is an index, as pandas writes one: write the file with index=False" if counted else "holds numbers"
        raise DataError(f"{file}: the first column {cause}. Put the pictures' paths (column '{name}') first.")
    if any(name.strip().lower() in values and name.strip() for name in heading[1:]):
        return  # there is no heading
    for at in range(1, len(heading)):
        others = dict.fromkeys(row[at].strip() for row in rows[1:] if at < len(row) and row[at].strip().lower() not in values)
        if heading[at].strip().lower() == "split" or len(rows) < _FEW_ROWS or 2 * len(others) < min(len(rows) - 1, 4):
            continue
        if sum(at < len(row) and row[at].strip() in others for row in rows[1:]) < 0.9 * (len(rows) - 1):
            continue
        shown = ", ".join(list(others)[:3])
        if all(map(_is_number, others)):
            advice = "Turn it into yes or no (such as Young: 1 up to 40 years, else 0), or leave the column out"
        else:
            advice = "Make a column of 1 and 0 for each word, or a folder of pictures for each (dataset: folder)"
        raise DataError(f"{file}: the column {heading[at].strip()} holds {shown} ...; a label is 1 or 0, yes or no. {advice}.")


_FEW_ROWS = 4
"""With fewer rows a strange value is rather a slip than another kind of column."""

LOOKED_AT = 200
"""Rows in which `refuse_odd_table` looks."""


def _is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


ALIGNMENT_FILE = "alignment.txt"
"""Holds one word, as models carry it in their metadata (`celeba-center-crop-178`)."""


def alignment_of(folder: Path, otherwise: str) -> str:
    """The word in the folder's `alignment.txt`; `otherwise` when it has none."""
    file = folder / ALIGNMENT_FILE
    return " ".join(read_text(file).split()) or otherwise if file.is_file() else otherwise


CELEBA_LICENCE = "non-commercial research and education only (CelebA)"
UNKNOWN_LICENCE = "follows the training data"
DRAWN_LICENCE = "drawn by a program, no real faces: free for any use"

LICENCE_FILE = "licence.txt"
"""What it says goes before what a source takes for granted."""


def licence_of(folder: Path, otherwise: str) -> str:
    """The words of the folder's `licence.txt` in one line; `otherwise` when it has none."""
    file = folder / LICENCE_FILE
    return " ".join(read_text(file).split()) or otherwise if file.is_file() else otherwise
