"""Section 5: the exported files, how exact they are, and the comparison of size, speed and quality."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Facts, Paragraph, Part, Section, Table
from lianpu.report.language import readable_time, scientific
from lianpu.report.run_files import DISTANCES
from lianpu.report.sections.comparison import against
from lianpu.report.sections.material import Material, compact_protocol
from lianpu.report.values import Values


def quantization(material: Material) -> Section:
    """Facts of the export, then the table of the model files."""
    say = material.say
    return material.section(
        "quantization",
        [
            Part(tuple(_export(material)), "5.1", say("quantization.export")),
            Part(tuple(_comparison(material)), "5.2", say("quantization.comparison")),
        ],
    )


def _export(material: Material) -> Iterator[Block]:
    parity, int8 = material.files.parity, material.files.quantization
    if parity is None:
        yield material.missing(material.say("quantization.onnx_export"), material.command("export"))
    else:
        yield Facts(_parity_rows(material, parity), (parity.source,))
    if int8 is None:
        yield material.missing(material.say("quantization.int8_export"), material.command("quantize"))
    else:
        yield Facts(_int8_rows(material, int8), (int8.source,))


def _parity_rows(material: Material, parity: Values) -> tuple[tuple[str, Cell], ...]:
    language = material.language
    difference, limit = parity.number("max_abs_difference"), parity.number("limit")
    shown = None if difference is None else scientific(difference)
    verdict = (
        ""
        if difference is None or limit is None
        else material.say(
            "quantization.parity_held" if difference <= limit else "quantization.parity_broken", limit=scientific(limit)
        )
    )
    return material.facts(
        (
            ("quantization.file", _file_cell(material, parity)),
            ("quantization.opset", language.cell(parity.text("opset"))),
            ("quantization.size", language.bytes(parity.number("bytes"))),
            ("quantization.parity", language.cell(shown, verdict)),
            ("quantization.faces", language.cell(parity.text("faces"))),
            ("quantization.versions", language.cell(_versions(parity))),
        )
    )


def _file_cell(material: Material, values: Values) -> Cell:
    file = values.text("file")
    return material.language.cell(None if file is None else f"`{file}`")


def _versions(values: Values) -> str | None:
    named = [
        f"{title} {version}"
        for key, title in (("torch", "PyTorch"), ("onnxruntime", "ONNX Runtime"))
        if (version := values.text(key))
    ]
    return ", ".join(named) or None


def _int8_rows(material: Material, int8: Values) -> tuple[tuple[str, Cell], ...]:
    language, say = material.language, material.say
    rows: list[tuple[str, Cell]] = [
        ("quantization.int8_file", _file_cell(material, int8)),
        ("quantization.size", language.bytes(int8.number("bytes"))),
        ("quantization.method", language.cell(int8.text("method"))),
    ]
    for key in ("per_channel", "reduce_range"):
        value = int8.text(key)
        rows.append(
            (
                f"quantization.{key}",
                language.cell(None if value is None else say(f"quantization.{'yes' if value == 'True' else 'no'}")),
            )
        )
    rows.append(("quantization.calibration", language.cell(int8.text("calibration_faces"))))
    if why := int8.text("why"):
        rows.append(("quantization.why", Cell(why)))
    return material.facts(rows)


def _comparison(material: Material) -> Iterator[Block]:
    benchmark, say = material.files.benchmark, material.say
    rows = benchmark.rows("rows") if benchmark else ()
    if benchmark is None or not rows:
        yield material.missing(say("quantization.comparison"), material.command("compare"))
        return
    yield _comparison_table(material, benchmark, rows)
    yield Paragraph(_conditions(material, benchmark), tone="small")
    if advice := benchmark.text("advice"):
        yield Paragraph(say("quantization.advice", advice=advice), tone="verdict")


def _comparison_table(material: Material, benchmark: Values, rows: tuple[Values, ...]) -> Table:
    language, say = material.language, material.say
    metric = _distance_name(rows)
    columns = (
        Column(say("quantization.model")),
        Column(say("quantization.size"), numeric=True),
        Column(say("quantization.latency"), numeric=True),
        Column(say("quantization.speed"), numeric=True),
        Column(language.metric_column(metric), numeric=True),
        Column(say("quantization.psnr"), numeric=True),
    )
    return Table(columns, tuple(_comparison_row(material, rows[0], row, metric) for row in rows), (benchmark.source,))


def _comparison_row(material: Material, first: Values, row: Values, metric: str) -> tuple[Cell, ...]:
    language = material.language
    ratio = against(first, row)
    low, high = row.number("latency_ms_p10"), row.number("latency_ms_p90")
    spread = "" if low is None or high is None else f"{low:,.1f}–{high:,.1f}"
    latency = row.number("latency_ms")
    size = "" if ratio.size_ratio is None or row is first else f"{ratio.size_ratio:.2f}×"
    distance = next((score.number("value") for score in row.rows("scores") if score.text("metric") == metric), None)
    reference = Cell("–")
    return (
        Cell(row.text("model") or "–", f"`{row.text('file')}`" if row.text("file") else ""),
        language.bytes(row.number("bytes"), size),
        language.cell(None if latency is None else f"{latency:,.1f} ms", spread),
        language.cell(None if ratio.speed_ratio is None else f"{ratio.speed_ratio:.2f}×"),
        language.number(distance),
        reference if row is first else language.cell(None if ratio.psnr_db is None else f"{ratio.psnr_db:.1f} dB"),
    )


def _distance_name(rows: tuple[Values, ...]) -> str:
    """The distance that the rows were scored with, FID before the stand-in."""
    measured = {score.text("metric") for row in rows for score in row.rows("scores")}
    return next((name for name in DISTANCES if name in measured), DISTANCES[0])


def _conditions(material: Material, benchmark: Values) -> str:
    """Machine and counts behind the latencies, and the protocol of the distance."""
    language, say = material.language, material.say
    keys = ("cpu", "threads", "batch", "image_size", "runs", "created")
    named = [say(f"quantization.on_{key}", value=readable_time(value)) for key in keys if (value := benchmark.text(key))]
    metric = _distance_name(benchmark.rows("rows"))
    protocols = [
        dict(score.section("protocol").mapping)
        for row in benchmark.rows("rows")
        for score in row.rows("scores")
        if score.text("metric") == metric
    ]
    sentences = [say("quantization.conditions", conditions=say("language.between_notes").join(named))]
    if protocols:
        sentences.append(
            say("evaluation.protocol_line", metric=language.metric(metric), entries=compact_protocol(protocols, language))
        )
    return language.join(sentences)
