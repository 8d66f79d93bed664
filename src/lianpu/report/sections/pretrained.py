"""Section 2: the pretrained models that the project knows, with their licences, and whether this machine has them."""

from __future__ import annotations

from lianpu.models.store.locate import find_model_file
from lianpu.models.table import MODEL_FILES, ModelFile
from lianpu.report.document import Cell, Column, Paragraph, Part, Section, Table
from lianpu.report.language import as_megabytes
from lianpu.report.sections.material import Material

FAMILIES = (("2.1", "insightface"), ("2.2", "bisenet"), ("2.3", "dlib"), ("2.4", "yunet"), ("2.5", "lianpu"), ("2.6", "metrics"))


def pretrained(material: Material) -> Section:
    """One table per family of model files; families that the table of weights adds are shown with the metric networks."""
    parts = [_part(material, number, name) for number, name in FAMILIES]
    return material.section("pretrained", [Part((Paragraph(material.say("pretrained.intro")),)), *parts])


def family_of(model: ModelFile) -> str:
    """Which part of the section a model file belongs to."""
    family = model.family.lower()
    return next((name for _, name in FAMILIES if name in family), "metrics")


def _part(material: Material, number: str, name: str) -> Part:
    models = [model for model in MODEL_FILES if family_of(model) == name]
    say = material.say
    columns = (
        Column(say("pretrained.file")),
        Column(say("pretrained.use")),
        Column(say("pretrained.file_size"), numeric=True),
        Column(say("pretrained.licence")),
        Column(say("pretrained.here")),
    )
    rows = tuple(_row(material, model) for model in models)
    blocks = (Paragraph(say(f"pretrained.{name}_intro")), Table(columns, rows, (say("pretrained.source"),)))
    return Part(blocks, number, say(f"pretrained.{name}"))


def _row(material: Material, model: ModelFile) -> tuple[Cell, ...]:
    language = material.language
    digest = f"SHA-256 {model.sha256[:16]}…" if model.sha256 else material.say("pretrained.no_hash")
    present = find_model_file(model.name) is not None
    trained = "" if model.trained_on == "not published" else model.trained_on
    use = material.say(f"pretrained.uses.{model.name}") if language.has(f"pretrained.uses.{model.name}") else model.used_for
    return (
        Cell(f"`{model.file}`", digest),
        Cell(
            use, material.say("pretrained.trained_on", data=trained) if trained else material.say("pretrained.training_unknown")
        ),
        Cell(as_megabytes(model.size_bytes)) if model.size_bytes else language.cell(None),
        Cell(model.licence, material.say("pretrained.commercial" if model.commercial_use else "pretrained.not_commercial")),
        Cell(material.say("pretrained.present")) if present else Cell(material.say("pretrained.absent"), missing=True),
    )
