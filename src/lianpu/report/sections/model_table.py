"""The table of section 5.2: size, time, distance and likeness of the model files, with the conditions they were measured under."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Paragraph, Table
from lianpu.report.language import readable_time
from lianpu.report.scored import DISTANCES
from lianpu.report.sections.comparison import against
from lianpu.report.sections.material import Material, compact_protocol
from lianpu.report.sections.success import EDITED
from lianpu.report.sections.verdict import int8_facts
from lianpu.report.values import Values


def model_table(material: Material) -> Iterator[Block]:
    """The table, its conditions, and the advice; or how to measure it."""
    benchmark, say = material.files.benchmark, material.say
    rows = benchmark.rows("rows") if benchmark else ()
    if benchmark is None or not rows:
        yield material.missing(say("quantization.comparison"), material.command("compare"))
        return
    yield _table(material, benchmark, rows)
    yield Paragraph(_conditions(material, benchmark), tone="small")
    if advice := benchmark.text("advice"):
        facts = int8_facts(material)
        yield Paragraph(material.language.join((*facts, say("quantization.advice", advice=advice))), tone="verdict")


def _table(material: Material, benchmark: Values, rows: tuple[Values, ...]) -> Table:
    language, say = material.language, material.say
    metrics = _scored_metrics(rows)
    columns = (
        Column(say("quantization.model")),
        Column(say("quantization.size"), numeric=True),
        Column(say("quantization.latency"), numeric=True),
        Column(say("quantization.speed"), numeric=True),
        *(Column(language.metric_column(metric), numeric=True) for metric in metrics),
        Column(say("quantization.psnr"), numeric=True),
    )
    return Table(columns, tuple(_row(material, rows[0], row, metrics) for row in rows), (benchmark.source,))


def _row(material: Material, first: Values, row: Values, metrics: tuple[str, ...]) -> tuple[Cell, ...]:
    language = material.language
    ratio = against(first, row)
    low, high = row.number("latency_ms_p10"), row.number("latency_ms_p90")
    spread = "" if low is None or high is None else f"{low:,.1f}–{high:,.1f}"
    latency = row.number("latency_ms")
    size = "" if ratio.size_ratio is None or row is first else f"{ratio.size_ratio:.2f}×"
    worst = row.number("psnr_to_fp32_db_worst_face")
    psnr = language.cell(
        None if ratio.psnr_db is None else f"{ratio.psnr_db:.1f} dB",
        "" if worst is None else material.say("quantization.worst_face", psnr=f"{worst:.1f}"),
    )
    return (
        Cell(row.text("model") or "–", f"`{row.text('file')}`" if row.text("file") else ""),
        language.bytes(row.number("bytes"), size),
        language.cell(None if latency is None else f"{latency:,.1f} ms", spread),
        language.cell(None if ratio.speed_ratio is None else f"{ratio.speed_ratio:.2f}×"),
        *(_score(material, row, metric) for metric in metrics),
        Cell("–") if row is first else psnr,
    )


def _score(material: Material, row: Values, metric: str) -> Cell:
    value = next((score.number("value") for score in row.rows("scores") if score.text("metric") == metric), None)
    return material.language.percent(value) if metric == EDITED else material.language.number(value)


def _scored_metrics(rows: tuple[Values, ...]) -> tuple[str, ...]:
    """The distance that the rows were scored with, FID before the stand-in, and attribute success where it was measured."""
    measured = {score.text("metric") for row in rows for score in row.rows("scores")}
    distance = next((name for name in DISTANCES if name in measured), DISTANCES[0])
    return (distance, EDITED) if EDITED in measured else (distance,)


def _conditions(material: Material, benchmark: Values) -> str:
    """Machine and counts behind the latencies, and the protocol of the distance."""
    language, say = material.language, material.say
    keys = ("cpu", "threads", "batch", "image_size", "runs", "psnr_faces", "created")
    named = [say(f"quantization.on_{key}", value=readable_time(value)) for key in keys if (value := benchmark.text(key))]
    sentences = [say("quantization.conditions", conditions=say("language.between_notes").join(named))]
    scores = [score for row in benchmark.rows("rows") for score in row.rows("scores")]
    for metric in _scored_metrics(benchmark.rows("rows")):
        protocols = [dict(score.section("protocol").mapping) for score in scores if score.text("metric") == metric]
        if protocols:
            entries = compact_protocol(protocols, language)
            sentences.append(say("quantization.protocol", metric=language.metric(metric), entries=entries))
    return language.join(sentences)
