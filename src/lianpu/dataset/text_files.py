"""The small text files of a data folder: numbered lines, licence.txt, alignment.txt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
