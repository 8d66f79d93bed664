"""What every section is made from: the files of the run, the comparison with other models, and phrases that several sections need."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from lianpu.report.document import Cell, Paragraph, Part, Section
from lianpu.report.gallery import Gallery
from lianpu.report.language import Language
from lianpu.report.run_files import RunFiles
from lianpu.report.values import Values


@dataclass(frozen=True)
class Material:
    """The files of a run, the pictures made from them, and the language to say it in."""

    files: RunFiles
    gallery: Gallery
    language: Language

    def say(self, key: str, **values: object) -> str:
        """The language's text of that key."""
        return self.language.say(key, **values)

    def command(self, name: str, *flags: str) -> str:
        """The command that would measure something of this run."""
        return " ".join(["lianpu", name, shlex.quote(str(self.files.run.folder)), *flags])

    def missing(self, what: str, command: str) -> Paragraph:
        """The sentence that something was not measured, and the command that measures it."""
        return Paragraph(self.say("missing_with_command", what=what, command=command), tone="small")

    def facts(self, rows: Iterable[tuple[str, Cell]]) -> tuple[tuple[str, Cell], ...]:
        """Rows with their names translated: `config.seed` and so on are keys of the language."""
        return tuple((self.say(key), cell) for key, cell in rows)

    def section(self, name: str, parts: Iterable[Part]) -> Section:
        """A section with its number, title and anchor."""
        return Section(name, self.say(f"{name}.number"), self.say(f"{name}.title"), tuple(parts))


def compact_protocol(protocols: Iterable[dict[str, object]], language: Language) -> str:
    """What fixed a metric, over all its scores: `features Inception; real 100 (val); edited 12 to 53`.

    Entries that differ between the scores (counts per transform) are shown as a range or a list.
    """
    together: dict[str, list[object]] = {}
    for protocol in protocols:
        for key, value in protocol.items():
            if key != "metric" and _says_something(key, value) and value not in together.setdefault(key, []):
                together[key].append(value)
    return language.say("protocol.between").join(_entry(key, values, language) for key, values in together.items() if values)


def _says_something(key: str, value: object) -> bool:
    """Whether a protocol's entry is one; no real faces needed (a count of 0 from the split `none`) is not."""
    return value not in (None, "", "none") and not (key.endswith("_count") and value == 0)


def _entry(key: str, values: list[object], language: Language) -> str:
    name = language.say(f"protocol.{key}") if language.has(f"protocol.{key}") else key
    if key == "data":
        values = [str(value)[:12] for value in values]
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if len(values) > 1 and len(numbers) == len(values):
        return f"{name} {min(numbers):,}–{max(numbers):,}"
    return f"{name} {', '.join(merge_numbers([_spell(value) for value in values]))}"


def merge_numbers(texts: list[str]) -> list[str]:
    """Texts that differ only in whole numbers as one: `100 subsets of 13` and `100 subsets of 60` as `100 subsets of 13–60`."""
    frames = {re.sub(r"\d+", "{}", text) for text in texts}
    if len(texts) < 2 or len(frames) > 1 or "{}" not in (frame := frames.pop()):
        return texts
    columns = zip(*([int(number) for number in re.findall(r"\d+", text)] for text in texts), strict=True)
    ranges = iter([f"{min(column)}–{max(column)}" if min(column) < max(column) else str(column[0]) for column in columns])
    return [re.sub(r"\{\}", lambda _: next(ranges), frame)]


def _spell(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value >= 10_000:
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return "×".join(str(entry) for entry in value)
    return str(value)


@dataclass(frozen=True)
class Ratio:
    """One model against the first row of the table: how many times as fast, and its share of the size."""

    source: str
    speed_ratio: float | None
    size_ratio: float | None
    psnr_db: float | None


def int8_against_pytorch(files: RunFiles) -> Ratio | None:
    """The INT8 model against PyTorch, None when they were not compared."""
    rows = files.benchmark.rows("rows") if files.benchmark else ()
    int8 = [row for row in rows if "INT8" in (row.text("model") or "")]
    return against(rows[0], int8[0]) if int8 and int8[0] is not rows[0] else None


def against(first: Values, row: Values) -> Ratio:
    """A row of benchmark.json against the first one."""
    return Ratio(
        source=row.source,
        speed_ratio=_divide(first.number("latency_ms"), row.number("latency_ms")),
        size_ratio=_divide(row.number("bytes"), first.number("bytes")),
        psnr_db=row.number("psnr_to_fp32_db"),
    )


def _divide(upper: float | None, lower: float | None) -> float | None:
    return None if upper is None or not lower else upper / lower
