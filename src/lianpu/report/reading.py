"""A report as someone wrote it, Markdown or HTML, taken apart into the blocks that a check asks about."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path

from lianpu.errors import RunError

SECTION_WORDS = {
    "overview": ("overview", "summary", "概述", "概况"),
    "pretrained": ("pretrained", "pre-trained", "预训练"),
    "environment": ("environment", "hardware", "环境"),
    "quantization": ("quanti", "量化"),
    "evaluation": ("evaluation", "results", "评估", "结果"),
    "configuration": ("config", "settings", "配置"),
}
"""The six sections, and words of their headings in English and Chinese; a heading has the first section whose word it holds."""

MOST_BYTES = 64 * 2**20


@dataclass(frozen=True)
class Block:
    """A piece of the document.

    Args:
        kind: `heading`, `text` (a paragraph or an entry of a list), `table` or `code`.
        line: where it begins, from 1.
        section: a key of SECTION_WORDS, empty before the first.
        title: the nearest heading above it.
        text: what it says; of a table, all its cells.
        rows: of a table, its head first; each cell with backticks, without other markup. Its smaller second line follows a line break.
        syntax: of code.
        sources: the files that a line under it names.
    """

    kind: str
    line: int
    section: str
    title: str
    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    syntax: str = ""
    sources: tuple[str, ...] = ()

    @property
    def head(self) -> tuple[str, ...]:
        """The first row of a table."""
        return self.rows[0] if self.rows else ()

    def column(self, words: str) -> int | None:
        """The first column whose title has the pattern, None without one."""
        return next((place for place, title in enumerate(self.head) if re.search(words, title, re.IGNORECASE)), None)


@dataclass(frozen=True)
class WrittenReport:
    """The blocks of a report, in order."""

    file: Path
    blocks: tuple[Block, ...]

    def of(self, kind: str, *sections: str) -> tuple[Block, ...]:
        """Blocks of a kind, of some sections only where any are named."""
        return tuple(block for block in self.blocks if block.kind == kind and (not sections or block.section in sections))

    def prose(self, *sections: str) -> str:
        """All that some sections (all without a name) say outside of code."""
        return "\n".join(
            block.text for block in self.blocks if block.kind != "code" and (not sections or block.section in sections)
        )


def read_report(file: Path) -> WrittenReport:
    """A report of anyone, Markdown or HTML.

    Raises:
        RunError: the file is not there, is no text, or has none of the six sections.
    """
    if not file.is_file():
        raise RunError(f"{file} is not there, or no file. Give a report: Markdown or HTML.")
    if file.stat().st_size > MOST_BYTES:
        raise RunError(f"{file} is larger than {MOST_BYTES // 2**20} MB, too large for a report. Give a Markdown or HTML file.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise RunError(f"{file} is no text in UTF-8. Give a report as Markdown or HTML.") from None
    blocks = take_apart(text)
    if not any(block.section for block in blocks):
        raise RunError(
            f"{file} has none of the six sections of a report (overview, pretrained models, configuration, evaluation, "
            "quantization, environment). Give a report of a training."
        )
    return WrittenReport(file, blocks)


def take_apart(text: str) -> tuple[Block, ...]:
    """The blocks of a report's text; it is HTML where it begins so, else Markdown."""
    found = _Collector()
    if re.match(r"\s*<(!doctype|html)\b", text, re.IGNORECASE):
        parser = _PageReader(found)
        parser.feed(text)
        parser.close()
    else:
        _read_markdown(text, found)
    return tuple(found.blocks)


def plain(text: str) -> str:
    """Text of a cell or paragraph without emphasis, links and escapes; `backticks` stay, a smaller second line becomes a line of its own."""
    text = re.sub(r"<br\s*/?>", "\n", text)
    text = re.sub(r"</?(small|sub|sup|b|i|em|strong|span|wbr)\b[^>]*>", "", text)
    text = re.sub(r"!\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?<!\\)\[([^\]]*)\]\([^)]*\)", r"\1", text)
    text = re.sub(r"(?<!\\)\*\*(.+?)(?<!\\)\*\*", r"\1", text)
    text = re.sub(r"\\([\\`*_{}\[\]()#+\-.!|~<>])", r"\1", text)
    return "\n".join(" ".join(line.split()) for line in html.unescape(text).split("\n")).strip()


class _Collector:
    """Blocks as they come, with the section that they stand in."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._section = self._title = ""

    def heading(self, level: int, text: str, line: int) -> None:
        self._title = text
        if level <= 2:
            found = [name for name, words in SECTION_WORDS.items() if any(re.search(rf"\b{w}|{w}", text.lower()) for w in words)]
            if level == 2:
                self._section = found[0] if found else ""
        self._add("heading", line, text)

    def text(self, text: str, line: int) -> None:
        source = re.match(r"(?:sources?|来源|数据来源)\s*[:：]\s*(.*)", text, re.IGNORECASE | re.DOTALL)
        last = self.blocks[-1] if self.blocks else None
        if source and last is not None and last.kind in ("table", "code", "text"):
            names = re.findall(r"`([^`]+)`", source[1]) or [name.strip() for name in re.split(r"[,，、]", source[1])]
            self.blocks[-1] = Block(
                last.kind, last.line, last.section, last.title, last.text, last.rows, last.syntax, tuple(filter(None, names))
            )
        elif text:
            self._add("text", line, text)

    def table(self, rows: list[list[str]], line: int) -> None:
        width = max(map(len, rows))
        whole = tuple((*row, *[""] * (width - len(row))) for row in rows)
        self._add("table", line, "\n".join("  ".join(row) for row in whole), rows=whole)

    def code(self, text: str, syntax: str, line: int) -> None:
        self._add("code", line, text, syntax=syntax)

    def _add(self, kind: str, line: int, text: str, rows: tuple[tuple[str, ...], ...] = (), syntax: str = "") -> None:
        self.blocks.append(Block(kind, line, self._section, self._title, text, rows, syntax))


def _read_markdown(text: str, found: _Collector) -> None:
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        fence = re.match(r"\s*(`{3,}|~{3,})\s*([\w+-]*)", line)
        heading = re.match(r"(#{1,6})\s+(.*?)\s*#*\s*$", line)
        if fence:
            end = next(
                (place for place in range(at + 1, len(lines)) if re.match(rf"\s*{fence[1]}\s*$", lines[place])), len(lines)
            )
            found.code("\n".join(lines[at + 1 : end]), fence[2].lower(), at + 1)
            at = end + 1
        elif heading:
            found.heading(len(heading[1]), plain(heading[2]), at + 1)
            at += 1
        elif line.lstrip().startswith("|"):
            end = next((place for place in range(at, len(lines)) if not lines[place].lstrip().startswith("|")), len(lines))
            rows = [_cells(row) for row in lines[at:end] if not re.fullmatch(r"[\s|:+-]*-[\s|:+-]*", row)]
            if rows:
                found.table(rows, at + 1)
            at = end
        elif line.strip():
            end = at + 1
            while (
                end < len(lines) and lines[end].strip() and not re.match(r"\s*(#{1,6}\s|\||[-*+]\s|`{3}|~{3}|<sub>)", lines[end])
            ):
                end += 1
            found.text(plain(re.sub(r"^\s*(>|[-*+]\s)\s*", "", " ".join(lines[at:end]))), at + 1)
            at = end
        else:
            at += 1


def _cells(row: str) -> list[str]:
    return [
        plain(cell)
        for cell in re.split(r"(?<!\\)\|", row.strip().removeprefix("|"))[: -1 if row.rstrip().endswith("|") else None]
    ]


_PIECES = {"p", "li", "figcaption", "div", "caption", "dt", "dd"}


class _PageReader(HTMLParser):
    """The same blocks from HTML; scripts, styles and the navigation are left out."""

    def __init__(self, found: _Collector) -> None:
        super().__init__(convert_charrefs=True)
        self._found = found
        self._hidden = 0
        self._pieces: list[str] = []
        self._line = 1
        self._rows: list[list[str]] | None = None
        self._in_code = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "style", "nav", "title", "svg"):
            self._hidden += 1
        elif tag == "table":
            self._flush()
            self._rows, self._line = [], self.getpos()[0]
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag == "pre":
            self._flush()
            self._in_code, self._line = True, self.getpos()[0]
        elif tag == "code" and not self._in_code:
            self._pieces.append("`")
        elif tag in ("br", "small"):
            self._pieces.append("\n")
        elif (tag in _PIECES or re.fullmatch(r"h[1-6]", tag)) and self._rows is None:
            self._flush()

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style", "nav", "title", "svg"):
            self._hidden = max(0, self._hidden - 1)
        elif tag in ("td", "th") and self._rows:
            self._rows[-1].append(self._taken())
        elif tag == "table" and self._rows is not None:
            rows, self._rows = [row for row in self._rows if row], None
            if rows:
                self._found.table(rows, self._line)
        elif tag == "pre":
            text, self._in_code, self._pieces = "".join(self._pieces), False, []
            self._found.code(text, "", self._line)
        elif tag == "code" and not self._in_code:
            self._pieces.append("`")
        elif tag == "span":
            self._pieces.append(" ")
        elif re.fullmatch(r"h[1-6]", tag):
            self._found.heading(int(tag[1]), self._taken().replace("\n", " "), self.getpos()[0])
        elif tag in _PIECES and self._rows is None:
            self._flush()

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._pieces.append(data if self._in_code else re.sub(r"\s+", " ", data))

    def _taken(self) -> str:
        text, self._pieces = "".join(self._pieces), []
        return "\n".join(line for part in text.split("\n") if (line := " ".join(part.split())))

    def _flush(self) -> None:
        if not self._in_code:
            self._found.text(self._taken(), self.getpos()[0])
