"""The parts a report is made of. Sections say it once with these; the HTML and the Markdown template both print them.

Texts are plain, except that a pair of `backticks` marks code. Templates escape everything else.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell of a table: its text, a smaller second line, and whether the text is a figure that is missing."""

    text: str
    small: str = ""
    missing: bool = False


@dataclass(frozen=True)
class Column:
    """A column's title; numeric ones are set to the right, unbroken ones keep to one line a cell."""

    title: str
    numeric: bool = False
    unbroken: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of cells. `sources` are the files that the figures come from; `strong_rows` are indices of totals and averages."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sources: tuple[str, ...] = ()
    caption: str = ""
    strong_rows: tuple[int, ...] = ()

    kind = "table"

    def __post_init__(self) -> None:
        assert all(len(row) == len(self.columns) for row in self.rows), f"{self.caption or self.columns}: a row of another length"


@dataclass(frozen=True)
class Facts:
    """Names and values, one pair a line: a table without a head."""

    rows: tuple[tuple[str, Cell], ...]
    sources: tuple[str, ...] = ()

    kind = "facts"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph. `tone`: `` (plain), `verdict`, `warning`, or `small` (protocols and footnotes)."""

    text: str
    tone: str = ""

    kind = "paragraph"


@dataclass(frozen=True)
class Bullets:
    """A short list; `small` for footnotes."""

    items: tuple[str, ...]
    tone: str = ""

    kind = "bullets"


@dataclass(frozen=True)
class Card:
    """A headline figure: what it is, its value, what to know about it, and the file it comes from."""

    label: str
    value: Cell
    note: str = ""
    source: str = ""


@dataclass(frozen=True)
class Cards:
    """The headline figures."""

    cards: tuple[Card, ...]

    kind = "cards"


@dataclass(frozen=True)
class Code:
    """Text to be shown as it stands. `syntax`: `yaml`, `bash`."""

    text: str
    syntax: str
    sources: tuple[str, ...] = ()

    kind = "code"


@dataclass(frozen=True)
class Figure:
    """A picture of the report's pictures folder, by file name; `alt` is what it shows, for those who cannot see it."""

    file: str
    alt: str
    caption: str = ""


@dataclass(frozen=True)
class Figures:
    """Pictures. `layout`: `single` (full width), `pair` (two in a row where there is room), `strips` (one thin one per row)."""

    figures: tuple[Figure, ...]
    layout: str = "single"
    sources: tuple[str, ...] = ()

    kind = "figures"


Block = Table | Facts | Paragraph | Bullets | Cards | Code | Figures


@dataclass(frozen=True)
class Part:
    """A numbered part of a section, such as 3.1; without number and title it is what comes before the first one."""

    blocks: tuple[Block, ...]
    number: str = ""
    title: str = ""


@dataclass(frozen=True)
class Section:
    """One of the six sections. `number` is as the language counts: `1`, `一`. One without a title is all of its page."""

    anchor: str
    number: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Document:
    """A whole report in one language. `language` is the HTML `lang`: `en`, `zh-CN`."""

    language: str
    title: str
    subtitle: str
    contents_title: str
    source_word: str
    footer: str
    sections: tuple[Section, ...]
