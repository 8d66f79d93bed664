"""Section 4.1: what each metric says, what was measured overall, and under which protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lianpu.report.document import Block, Bullets, Cell, Column, Paragraph, Table
from lianpu.report.scored import Reason, Scored
from lianpu.report.sections.material import Material, compact_protocol
from lianpu.report.sections.score_cell import score_cell
from lianpu.report.sections.success import UNEDITED

EXPLAINED = ("fid", "kid", "is", "lpips_edit", "lpips_reconstruction", "attribute_success", "edit_change")
"""Metrics that the table always names, measured or not."""


def metric_table(material: Material) -> Iterator[Block]:
    """Every metric in words with its overall value, what could not be measured and why, and all protocols."""
    main, say = material.files.main, material.say
    measured = main.metrics() if main else ()
    names = [*EXPLAINED, *(name for name in measured if name not in EXPLAINED)]
    columns = (
        Column(say("evaluation.metric")),
        Column(say("evaluation.meaning")),
        Column(say("evaluation.better"), unbroken=True),
        Column(say("evaluation.overall_value"), numeric=True),
        Column(say("evaluation.unedited_value"), numeric=True),
    )
    shown = [name for name in names if name != UNEDITED]
    rows = tuple(
        (
            Cell(material.language.metric(name), f"`{name}`"),
            Cell(_words(material, name, "meaning")),
            Cell(_words(material, name, "better")),
            score_cell(material, name, main.find(name) if main else None),
            score_cell(material, name, baseline) if main and (baseline := main.unedited(name)) else Cell("–"),
        )
        for name in shown
    )
    yield Table(columns, rows, (main.source,) if main else ())
    if main is None:
        yield material.missing(say("evaluation.scores"), material.command("evaluate"))
        return
    if "fid" not in measured:
        yield material.missing(say("evaluation.inception_metrics"), material.command("evaluate", "--features inception"))
    yield from _protocols(material, main)
    yield from _reasons(material, main)
    if main.notes:
        yield Bullets(main.notes, tone="small")
    if main.command:
        yield Paragraph(say("evaluation.measured_by", command=main.command), tone="small")


def _reasons(material: Material, main: Scored) -> Iterator[Block]:
    """What the evaluation could not measure, one line per reason."""
    by_reason: dict[str, list[Reason]] = {}
    for reason in main.not_measured:
        by_reason.setdefault(reason.text, []).append(reason)
    language = material.language
    lines = []
    for text, reasons in by_reason.items():
        transforms = language.listed(language.transform(name) for name in dict.fromkeys(reason.transform for reason in reasons))
        metrics = language.listed(language.metric(name) for name in dict.fromkeys(reason.metric for reason in reasons))
        what = material.say("evaluation.metrics_of", metrics=metrics, transforms=transforms)
        lines.append(material.say("evaluation.reason", what=what, reason=text))
    if lines:
        yield Bullets(tuple(lines), tone="small")


def _words(material: Material, metric: str, what: str) -> str:
    key = f"metrics.{metric}.{what}"
    return material.say(key) if material.language.has(key) else "–"


def _protocols(material: Material, main: Scored) -> Iterator[Block]:
    """What fixed the figures: first what is the same for all of them, then what each metric adds."""
    common = common_protocol([score.protocol for score in main.scores])
    entries = compact_protocol([common], material.language)
    common_line = material.say("evaluation.common", entries=entries) if entries else ""
    yield Paragraph(material.say("evaluation.protocols", file=main.file, kind=main.kind, common_line=common_line).strip())
    lines = []
    for metric in main.metrics():
        own = [
            {key: value for key, value in score.protocol.items() if key not in common}
            for score in main.scores
            if score.metric == metric
        ]
        entries = compact_protocol(own, material.language)
        lines.append(material.say("evaluation.protocol_line", metric=material.language.metric(metric), entries=entries or "–"))
    yield Bullets(tuple(lines), tone="small")


def common_protocol(protocols: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that all protocols have alike."""
    first = dict(protocols[0]) if protocols else {}
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in protocols)}
