"""Section 5: the exported files and how exact they are; the table of the models stands in its own file."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Facts, Part, Section
from lianpu.report.language import scientific
from lianpu.report.sections.material import Material
from lianpu.report.sections.model_table import model_table
from lianpu.report.values import Values


def quantization(material: Material) -> Section:
    """Facts of the export, then the table of the model files."""
    say = material.say
    return material.section(
        "quantization",
        [
            Part(tuple(_export(material)), "5.1", say("quantization.export")),
            Part(tuple(model_table(material)), "5.2", say("quantization.comparison")),
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
    if why := int8.text("why"):
        rows.append(("quantization.why", Cell(why)))
    return material.facts(rows)
