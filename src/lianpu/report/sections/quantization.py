"""The section on export and quantization: the models compared, and what quantization cost."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Facts, Figure, Figures, Paragraph, Part, Section, Table
from lianpu.report.language import readable_time, scientific
from lianpu.report.scored import DISTANCES, read_score
from lianpu.report.sections.material import Material, against, compact_protocol
from lianpu.report.sections.score_cell import EDITED, score_cell
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
    if kind := benchmark.text("advice_kind"):
        names = ("machine", "times", "reference", "size", "loss", "psnr", "asked", "worth", "worse", "cpu", "threads", "changes")
        values = {name: benchmark.text("advice_values", name) or "" for name in names}
        yield Paragraph(say(f"quantization.advice_{kind}", **values), tone="verdict")
    elif advice := benchmark.text("advice"):  # of an earlier version
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
    found = next((score for score in row.rows("scores") if score.text("metric") == metric), None)
    return score_cell(material, metric, None if found is None else read_score(found))


def _scored_metrics(rows: tuple[Values, ...]) -> tuple[str, ...]:
    """The distance that the rows were scored with, FID before the stand-in, and attribute success where it was measured."""
    measured = {score.text("metric") for row in rows for score in row.rows("scores")}
    extrapolated = [name for name in DISTANCES if "infinity" in name]  # measured where the pictures are few
    distance = next((name for name in (*extrapolated, *DISTANCES) if name in measured), DISTANCES[0])
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


def quantization(material: Material) -> Section:
    """Facts of the export, then the table of the model files."""
    say = material.say
    parts = [
        Part(tuple(_export(material)), "5.1", say("quantization.export")),
        Part(tuple(model_table(material)), "5.2", say("quantization.comparison")),
    ]
    if material.files.tournament is not None:
        parts.append(Part(tuple(_tournament(material, material.files.tournament)), "5.3", say("quantization.tournament")))
    return material.section("quantization", parts)


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


def _tournament(material: Material, found: Values) -> Iterator[Block]:
    """What was tried, as a table and a plot, and what follows."""
    say = material.say
    columns = (
        Column(say("quantization.candidate")),
        Column(say("quantization.size"), numeric=True),
        Column(say("quantization.psnr"), numeric=True),
        Column(say("quantization.face_ms"), numeric=True),
        Column(say("quantization.times_float"), numeric=True),
    )
    winner = found.section("winner")
    entries = found.rows("entries")
    won = tuple(place for place, row in enumerate(entries) if (row.text("file"), row.text("engine")) == _of(winner))
    yield Table(
        columns,
        tuple(_candidate(material, row, place == 0) for place, row in enumerate(entries)),
        (found.source,),
        strong_rows=won,
    )
    named = [say(f"quantization.on_{key}", value=value) for key in ("cpu", "threads") if (value := found.text(key))]
    yield Paragraph(say("quantization.conditions", conditions=say("language.between_notes").join(named)), tone="small")
    if material.gallery.tournament:
        figure = Figure(material.gallery.tournament, say("quantization.tournament_alt"), say("quantization.tournament_caption"))
        yield Figures((figure,), sources=(found.source,))
    asked = {
        name: f"{found.number(key) or 0:g}"
        for name, key in (("budget", "budget_psnr_db"), ("worth", "worth_times"), ("max_ms", "max_ms"))
    }
    if winner.mapping:
        verdict = say("quantization.tournament_ship", name=winner.text("name"), engine=winner.text("engine"), **asked)
    else:
        verdict = say(f"quantization.tournament_none{'_within' if found.number('max_ms') else ''}", **asked)
    yield Paragraph(verdict, tone="verdict")


def _of(entry: Values) -> tuple[str | None, str | None]:
    return entry.text("file"), entry.text("engine")


def _candidate(material: Material, row: Values, is_float: bool) -> tuple[Cell, ...]:
    language = material.language
    psnr, worst, taken = (row.number(name) for name in ("psnr_db", "psnr_db_worst_face", "latency_ms"))
    times = row.numbers("times_float")
    fidelity = language.cell(
        None if psnr is None else f"{psnr:.1f} dB",
        "" if worst is None else material.say("quantization.worst_face", psnr=f"{worst:.1f}"),
    )
    return (
        Cell(row.text("name") or "–", row.text("engine") or ""),
        language.bytes(row.number("bytes")),
        Cell("–") if is_float else fidelity,
        language.cell(None if taken is None else f"{taken:,.1f} ms"),
        language.cell(f"{times[1]:.2f}×", f"{times[0]:.2f}–{times[2]:.2f}") if len(times) == 3 else Cell("–"),
    )


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
    for key in ("per_channel", "equalized_channels", "reduce_range"):
        value = int8.text(key)
        rows.append(
            (
                f"quantization.{key}",
                language.cell(None if value is None else say(f"quantization.{'yes' if value == 'True' else 'no'}")),
            )
        )
    rows.append(("quantization.calibration", language.cell(int8.text("calibration_faces"), int8.text("calibration_split") or "")))
    if count := int8.integer("convolutions_in_int8"):
        kept = int8.section("kept_in_float").mapping
        floats = say("language.between_notes").join(f"{kind} ×{number}" for kind, number in kept.items())
        rows.append(
            ("quantization.in_int8", Cell(f"Conv ×{count}", say("quantization.in_float", operators=floats) if floats else ""))
        )
    kind = int8.text("why_kind")
    if why := say(f"quantization.why_{kind}") if kind else int8.text("why"):
        rows.append(("quantization.why", Cell(why)))
    return material.facts(rows)
