"""Points without boxes: a CSV with one face a row, and iBUG's .pts files beside their pictures."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from lianpu.errors import DataError
from lianpu.image import PICTURE_ENDINGS
from lianpu.landmarks.labels import FaceLabel
from lianpu.landmarks.scheme68 import COUNT, Points68

_HEADING = ["filename", *(f"{axis}{index}" for index in range(COUNT) for axis in "xy")]


def read_csv(file: Path) -> tuple[FaceLabel, ...]:
    """The faces of a CSV with the columns filename, x0, y0 to x67, y67; a row without numbers is a picture without a face found.

    Pictures lie in `images/` beside the file, or beside it.

    Raises:
        DataError: other columns, or a number that is none; the message names the line.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            rows = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise DataError(f"{file} cannot be read as CSV ({problem}).") from None
    if not rows or [name.strip() for name in rows[0]] != _HEADING:
        got = ",".join(rows[0])[:60] if rows else ""
        raise DataError(f"{file} begins with '{got}'. A landmark CSV has the columns filename,x0,y0 to x67,y67.")
    folder = file.parent / "images" if (file.parent / "images").is_dir() else file.parent
    labels = [
        FaceLabel(folder / row[0].strip(), _row_points(row[1:], f"{file}, line {number}"), None)
        for number, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row[1:])
    ]
    if not labels:
        raise DataError(f"{file} holds no row with points. Give labelled faces.")
    return tuple(labels)


def _row_points(cells: list[str], where: str) -> Points68:
    if len(cells) != 2 * COUNT:
        raise DataError(f"{where} has {len(cells)} numbers instead of {2 * COUNT}. Mend or remove the row.")
    return _points(cells, where)


def _points(cells: list[str], where: str) -> Points68:
    try:
        points = np.array([float(cell) for cell in cells], dtype=np.float32).reshape(COUNT, 2)
    except ValueError as problem:
        raise DataError(f"{where} holds what is no number ({problem}). Mend or remove it.") from None
    if not np.isfinite(points).all():
        raise DataError(f"{where} holds a number that is not finite. Mend or remove it.")
    return points


def read_pts_folder(folder: Path) -> tuple[FaceLabel, ...]:
    """The faces of all .pts files in a folder and the folders within, each with the picture of the same name.

    iBUG counts pixels from 1, as MATLAB does; the points here count from 0.

    Raises:
        DataError: there is no .pts file, or one has no picture or not 68 points.
    """
    files = sorted(folder.rglob("*.pts"))
    if not files:
        raise DataError(f"{folder} holds no .pts file. Give a folder of .pts files beside their pictures, an .xml or a .csv.")
    return tuple(FaceLabel(_picture_of(file), read_pts(file), None) for file in files)


def read_pts(file: Path) -> Points68:
    """The 68 points of a .pts file, counted from 0. Raises DataError when it has others."""
    try:
        _, opened, rest = file.read_text(encoding="utf-8").partition("{")
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{file} cannot be read ({problem}).") from None
    body, closed, _ = rest.partition("}")
    numbers = body.split()
    if not opened or not closed or len(numbers) != 2 * COUNT:
        raise DataError(f"{file} holds {len(numbers) / 2:g} points between braces instead of {COUNT}. Mend or remove it.")
    return _points(numbers, str(file)) - 1


def _picture_of(file: Path) -> Path:
    for ending in PICTURE_ENDINGS:
        for candidate in (file.with_suffix(ending), file.with_suffix(ending.upper())):
            if candidate.is_file():
                return candidate
    raise DataError(
        f"{file} has no picture of the same name ({', '.join(PICTURE_ENDINGS)}) beside it. Add it, or remove the file."
    )
