"""Labelled faces, from whatever form they are kept in."""

from __future__ import annotations

from pathlib import Path

from lianpu.errors import DataError
from lianpu.landmarks.ibug_xml import read_xml
from lianpu.landmarks.labels import FaceLabel
from lianpu.landmarks.point_files import read_csv, read_pts_folder


def read_labels(data: Path, only: Path | None = None) -> tuple[FaceLabel, ...]:
    """The labelled faces in `data`: an .xml in iBUG 300-W's layout, a .csv with x0,y0 to x67,y67, or a folder of .pts files.

    Args:
        data: the file or folder.
        only: a text file with names of pictures, one a line; only these are taken.

    Raises:
        DataError: nothing is there, or it is none of these, or a label or a picture is missing or broken.
    """
    if data.is_dir():
        labels = read_pts_folder(data)
    elif not data.exists():
        raise DataError(f"{data} is not there. Give an .xml or .csv of labelled faces, or a folder of .pts files.")
    elif data.suffix.lower() == ".xml":
        labels = read_xml(data)
    elif data.suffix.lower() == ".csv":
        labels = read_csv(data)
    else:
        raise DataError(f"{data}: labelled faces are read from .xml, .csv or a folder of .pts files, not from '{data.suffix}'.")
    chosen = labels if only is None else _only(labels, only)
    if missing := next((label.picture for label in chosen if not label.picture.is_file()), None):
        raise DataError(f"{data} names {missing}, which is not there. Put the picture there, or remove its label.")
    return chosen


def _only(labels: tuple[FaceLabel, ...], only: Path) -> tuple[FaceLabel, ...]:
    try:
        lines = only.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{only} cannot be read as a list of pictures ({problem}). Give a text file, one name a line.") from None
    names = {Path(line.strip()).name for line in lines if line.strip()}
    chosen = tuple(label for label in labels if label.picture.name in names)
    if not chosen:
        raise DataError(f"None of the {len(names)} pictures that {only} names has a label. Give another list, or other data.")
    return chosen
