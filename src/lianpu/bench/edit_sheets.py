"""Contact sheets of edits, before and after side by side, and the list in which a person grades them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from lianpu.files import write_text
from lianpu.photo.writing import write_image

if TYPE_CHECKING:
    from lianpu.faces.results import Subject
    from lianpu.imaging.picture import Picture

TILE_PX = 256
"""Side of each picture on a sheet: smaller ones hide dirt."""

FACES, COLUMNS = 20, 3
"""Faces on a sheet at most, and beside each other: below 2,000 px a side."""

_CAPTION_PX = 18

_AROUND = 2.2
"""A photo whose longer side is more than so many times the face's window is cut to the face."""

GRADES_FILE = "grades.csv"


@dataclass
class Sheets:
    """The sheets of one request, each written as soon as it is full, so that memory stays flat."""

    folder: Path
    name: str
    files: list[Path] = field(default_factory=list)
    graded: list[tuple[str, str, str]] = field(default_factory=list)
    _tiles: list[Picture] = field(default_factory=list)

    def add(self, file: str, before: Picture, after: Picture, subject: Subject, caption: str) -> None:
        """A face: its key (`face_key`), the picture before and after, and what is written below."""
        window = window_around(subject, before.shape)
        pair = np.hstack([_tile(picture[window]) for picture in (before, after)])
        self._tiles.append(np.vstack([pair, _caption(f"{Path(file).name}  {caption}", pair.shape[1])]))
        self.graded.append((file, self.name, f"{self.name}-{len(self.files) + 1}.png"))
        if len(self._tiles) == FACES:
            self.close()

    def close(self) -> None:
        """Write what is left."""
        if not self._tiles:
            return
        columns = min(COLUMNS, len(self._tiles))
        empty = np.full_like(self._tiles[0], 255)
        tiles = self._tiles + [empty] * (-len(self._tiles) % columns)
        rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
        self.files.append(write_image(self.folder / f"{self.name}-{len(self.files) + 1}.png", np.vstack(rows)))
        self._tiles.clear()


def write_grades(folder: Path, sheets: Sequence[Sheets]) -> Path:
    """A table with a row per face and request, whose last two columns a person fills: grade (1 broken to 5 "I would post it") and reason.

    A list that is there already is kept, for grades may stand in it.
    """
    file = folder / GRADES_FILE
    if not file.is_file():
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("request", "file", "sheet", "grade", "reason"))
        writer.writerows((name, photo, sheet, "", "") for one in sheets for photo, name, sheet in one.graded)
        write_text(file, text.getvalue())
    return file


def window_around(subject: Subject, shape: tuple[int, ...]) -> tuple[slice, slice]:
    """The rows and columns of a picture (H, W, 3) that a sheet shows: all of it, or, of a large photo, the face and what is around it."""
    height, width = shape[:2]
    rows, columns = subject.window
    side = max(rows.stop - rows.start, columns.stop - columns.start)
    if max(height, width) <= _AROUND * side:
        return slice(0, height), slice(0, width)
    half = round(0.75 * side)
    y, x = (rows.start + rows.stop) // 2, (columns.start + columns.stop) // 2
    return slice(max(0, y - half), min(height, y + half)), slice(max(0, x - half), min(width, x + half))


def _tile(picture: Picture) -> Picture:
    """The picture in the middle of a white square."""
    height, width = picture.shape[:2]
    scale = TILE_PX / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    tile = np.full((TILE_PX, TILE_PX, 3), 255, np.uint8)
    top, left = (TILE_PX - size[1]) // 2, (TILE_PX - size[0]) // 2
    tile[top : top + size[1], left : left + size[0]] = small
    return tile


def _caption(text: str, width: int) -> Picture:
    line = np.full((_CAPTION_PX, width, 3), 255, np.uint8)
    readable = text.encode("ascii", "replace").decode("ascii")
    cv2.putText(line, readable, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (0, 0, 0), 1, cv2.LINE_AA)
    return np.asarray(line, dtype=np.uint8)
