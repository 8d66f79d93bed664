"""What does not hold in a report: figures that their files do not bear out, and what the rules of `report/rules.py` find."""

from __future__ import annotations

import difflib
import itertools
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from lianpu.report.gallery import draw_gallery
from lianpu.report.language import load_language
from lianpu.report.page import render_html, render_markdown, report_contents
from lianpu.report.reading import SECTION_WORDS, Block, WrittenReport, read_report, take_apart
from lianpu.report.rules import MEAN, NUMBER, RULES, Facts, Finding, first_line, found_at
from lianpu.report.run_files import read_run_files
from lianpu.runs import Run


def check_report(file: Path) -> tuple[Finding, ...]:
    """What does not hold in a report, in the order of its lines; empty where all does.

    A report of ours is compared with the files of its run, figure by figure; one of others with the files that it names.

    Raises:
        RunError: the file is no report, or a file of its run is damaged.
    """
    report = read_report(file)
    facts = Facts.of(report)
    run = _own_run(file)
    found = [
        *(_stale(report, run) if run else _unlike_sources(report)),
        *(finding for rule in RULES for finding in rule(report, facts)),
    ]
    return tuple(sorted(dict.fromkeys(found), key=lambda one: one.line))


# A report against the files that it was made from.


def _own_run(file: Path) -> Run | None:
    run = Run(file.resolve().parent.parent)
    return run if file.resolve().parent == run.report_folder and run.config_file.is_file() else None


def _stale(report: WrittenReport, run: Run) -> Iterator[Finding]:
    """Where a report of ours differs from what the files of its run give now. Section 2 is of the machine that wrote it."""
    language = "zh" if any("训练概述" in block.text for block in report.of("heading")) else "en"
    files = read_run_files(run)
    with tempfile.TemporaryDirectory() as folder:
        document = report_contents(files, draw_gallery(files, Path(folder)), load_language(language))
        is_html = report.file.suffix.lower() == ".html"
        now = take_apart(render_html(document, Path(folder)) if is_html else render_markdown(document))
    for section in SECTION_WORDS:
        if section == "pretrained":
            continue
        written, wanted = (
            [block for block in blocks if block.kind == "table" and block.section == section] for blocks in (report.blocks, now)
        )
        yield from _unlike_tables(written, wanted, run)
        for kind in ("text", "code"):
            texts = [block for block in report.blocks if block.kind == kind and block.section == section]
            yield from _unlike_texts(texts, [block for block in now if block.kind == kind and block.section == section])


def _unlike_tables(written: list[Block], wanted: list[Block], run: Run) -> Iterator[Finding]:
    for was, now in itertools.zip_longest(written, wanted):
        if was is None or now is None or len(was.head) != len(now.head):
            one = was or now
            assert one is not None
            yield found_at("stale", one, f"these tables are not those that {_source(one)} gives now: write the report again")
            return
        told, wants = _by_name(was), _by_name(now)
        for name, row in told.items():
            for at, (says, gives) in enumerate(zip(row, wants.get(name, row), strict=True)):
                if _without_paths(says, run) != _without_paths(gives, run):
                    column = "" if len(row) == 2 else f", {first_line(was.head[at])}"
                    yield found_at(
                        "stale", was, f"'{name[0]}'{column}: the report says {_brief(says)}, {_source(now)} gives {_brief(gives)}"
                    )
        yield from (
            found_at("stale", was, f"'{name[0]}' is not in {_source(now)} any more") for name in told if name not in wants
        )
        yield from (found_at("stale", was, f"'{name[0]}' of {_source(now)} is missing") for name in wants if name not in told)


def _by_name(table: Block) -> dict[tuple[str, int], tuple[str, ...]]:
    """Rows by their first cell, and which of that name they are."""
    found: dict[tuple[str, int], tuple[str, ...]] = {}
    for row in table.rows:
        name = first_line(row[0])
        found[name, sum(one == name for one, _ in found)] = row
    return found


def _unlike_texts(written: list[Block], wanted: list[Block]) -> Iterator[Finding]:
    there = {_without_commands(block.text): block for block in written}
    for block in wanted:
        text = _without_commands(block.text)
        if text in there:
            continue
        near = difflib.get_close_matches(text, list(there), n=1, cutoff=0.5)
        if not near:
            yield found_at("stale", block, f"what the run's files give now is not said: {_brief(text)}")
        else:
            told, now = NUMBER.findall(near[0]), NUMBER.findall(text)
            figures = [pair for pair in zip(told, now, strict=False) if pair[0] != pair[1]][:3]
            shown = ", ".join(f"{old} is now {new}" for old, new in figures) or _brief(text)
            yield found_at("stale", there[near[0]], f"the text is not what the run's files give now: {shown}")


def _without_commands(text: str) -> str:
    return " ".join(re.sub(r"`lianpu [^`]*`", "`lianpu`", text).split())


def _without_paths(text: str, run: Run) -> str:
    return " ".join(text.replace(str(run.folder), "RUN").split())


def _source(block: Block) -> str:
    return ", ".join(block.sources) or "the run folder"


def _brief(text: str) -> str:
    line = " ".join(text.split())
    return f"'{line if len(line) <= 90 else line[:87] + '...'}'"


_SCALES = (1.0, 100.0, 1e-6, 1e-3, 1e3, 1 / 60, 1 / 3600, 2.0**-20, 2.0**-10)
"""Bytes are shown as MB, shares as percent, seconds as hours, and so on."""


def _unlike_sources(report: WrittenReport) -> Iterator[Finding]:
    """Figures of a table that its named files do not hold, where they hold most of the others (means and ratios are in no file)."""
    for table in report.of("table"):
        values: list[float] = []
        for name in table.sources:
            if not re.fullmatch(r"[\w./*-]+\.(json|jsonl|yaml|yml|csv)", name):
                continue
            files = [
                found
                for base in (report.file.parent, report.file.parent.parent)
                for found in sorted(base.glob(name.removeprefix("/")))
            ]
            if not files:
                yield found_at("stale", table, f"the figures are said to come from {name}, which is not there")
            values += [number for file in files for number in _numbers_in(file)]
        if not values:
            continue
        told = [
            (row, title, figure)
            for row in table.rows[1:]
            if not re.search(MEAN, row[0], re.IGNORECASE)
            for title, cell in zip(table.head[1:], row[1:], strict=True)
            for figure in NUMBER.findall(first_line(cell))[:1]
        ]
        unlike = [one for one in told if not _is_among(one[2], values)]
        if len(unlike) * 2 < len(told):
            for row, title, figure in unlike:
                yield found_at("stale", table, f"'{row[0]}', {title}: {figure} is not in {', '.join(table.sources)}")


def _numbers_in(file: Path) -> list[float]:
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return []
    return [float(found) for found in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)]


def _is_among(figure: str, values: Iterable[float]) -> bool:
    told = float(figure.replace(",", "").replace("−", "-"))
    half = 0.5000001 * 10.0 ** -len(figure.partition(".")[2])
    return any(abs(value * scale - told) <= half for value in values for scale in _SCALES)
