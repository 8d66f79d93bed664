"""Contact sheets: for each attribute a page of thumbnails on which a person sees what is wrong, and says so with a click.

The pages stand in the prepared folder, show its own pictures, and need neither network nor server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import jinja2

from lianpu.files import write_text
from lianpu.preparation.labels import CORRECTIONS_FILE, NO, UNKNOWN, YES, Label
from lianpu.preparation.tables import IMAGES

SHEETS = "sheets"
SHOWN = 300
"""Faces in a section of a page, the least sure: with more, a page no longer opens quickly."""


SHOWN_IN_INDEX = 6
"""The least sure faces of each value that the index shows."""


@dataclass(frozen=True)
class Thumbnail:
    """A thumbnail: the file, how likely it has the attribute (None when nothing tells), and who says so."""

    file: str
    chance: float | None
    source: str

    @property
    def url(self) -> str:
        """The address of the picture relative to a page."""
        return f"../{IMAGES}/{quote(self.file)}"


class SheetFaces:
    """What one page shows: all faces are counted, the least sure of each value are kept. Memory stays the same for any number."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys((YES, NO, UNKNOWN), 0)
        self._kept: dict[int, list[tuple[float, str, Thumbnail]]] = {value: [] for value in self._counts}

    def add(self, file: str, label: Label) -> None:
        """Count a face, and keep it if it is among the least sure of its value."""
        self._counts[label.value] += 1
        estimate = label.estimate
        shown = Thumbnail(file, estimate.chance if estimate else None, estimate.source if estimate else "not measured")
        order = -shown.chance if label.value == UNKNOWN and shown.chance is not None else label.confidence
        kept = self._kept[label.value]
        kept.append((order, file, shown))
        if len(kept) >= 2 * SHOWN:
            kept.sort(key=lambda entry: entry[:2])
            del kept[SHOWN:]

    def count(self, value: int) -> int:
        """How many faces have the value."""
        return self._counts[value]

    def shown(self, value: int) -> list[Thumbnail]:
        """The thumbnails of a value: the least sure first; of the unlabelled, the likeliest first."""
        return [shown for _, _, shown in sorted(self._kept[value], key=lambda entry: entry[:2])[:SHOWN]]


@dataclass(frozen=True)
class Section:
    """A part of a page: what the faces in it are called, how many there are, and those shown."""

    value: int
    title: str
    count: int
    faces: list[Thumbnail] = field(default_factory=list)


def write_sheets(folder: Path, sheets: Mapping[str, SheetFaces], confidence: float) -> Path:
    """Write a page per attribute and an index of them into `sheets/`; gives the index."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("lianpu.preparation", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = list(sheets)
    common = {"names": names, "confidence": confidence, "folder": str(folder), "corrections_file": CORRECTIONS_FILE}
    for name, faces in sheets.items():
        page = environment.get_template("sheet.html.j2").render(name=name, sections=_sections(faces), **common)
        write_text(folder / SHEETS / f"{name}.html", page)
    rows = [(name, _sections(faces)) for name, faces in sheets.items()]
    return write_text(
        folder / SHEETS / "index.html",
        environment.get_template("index.html.j2").render(rows=rows, shown=SHOWN_IN_INDEX, **common),
    )


def _sections(faces: SheetFaces) -> list[Section]:
    titles = {YES: "yes", UNKNOWN: "unlabelled", NO: "no"}
    return [Section(value, title, faces.count(value), faces.shown(value)) for value, title in titles.items()]
