"""The sections on the machine and on the pretrained files."""

from __future__ import annotations

from lianpu.models.store.locate import find_model_file
from lianpu.models.table import MODEL_FILES, ModelFile
from lianpu.report.document import Cell, Column, Facts, Paragraph, Part, Section, Table
from lianpu.report.language import as_megabytes
from lianpu.report.sections.material import Material
from lianpu.report.values import Values


def environment(material: Material) -> Section:
    """Machine, versions, hours and peak memory, as environment.json says."""
    values = material.files.environment
    if values is None:
        command = material.files.config.text("command") or "lianpu train"
        return material.section("environment", [Part((material.missing(material.say("environment.machine"), command),))])
    return material.section("environment", [Part((Facts(material.facts(_rows(material, values)), (values.source,)),))])


def _rows(material: Material, values: Values) -> list[tuple[str, Cell]]:
    language, say = material.language, material.say
    gpus = [_gpu(gpu) for gpu in values.rows("gpus")]
    gpu = ", ".join(gpus) or say("environment.no_gpu")
    # A CUDA version that is not there is not a figure that is missing: the machine has no CUDA.
    cuda = values.text("cuda") or say("environment.no_cuda")
    memory = values.number("memory_gb")
    peak = values.number("peak_memory_mb")
    return [
        ("environment.device", language.cell(values.text("device"), values.text("precision") or "")),
        ("environment.gpu", Cell(gpu)),
        ("environment.cpu", language.cell(values.text("cpu"), _cores(material, values))),
        ("environment.memory", language.cell(None if memory is None else f"{memory:,.1f} GiB")),
        ("environment.cuda", Cell(cuda)),
        ("environment.torch", language.cell(values.text("torch"))),
        ("environment.onnxruntime", language.cell(values.text("onnxruntime"))),
        ("environment.versions", language.cell(_versions(values))),
        ("environment.system", language.cell(values.text("system"))),
        ("environment.processes", language.cell(values.text("processes"))),
        ("environment.train_seconds", _training_time(material, values)),
        *_guide_time(material, values),
        ("environment.peak_memory", language.cell(None if peak is None else f"{peak / 1024:,.2f} GiB")),
    ]


def _gpu(gpu: Values) -> str:
    memory = gpu.number("memory_gb")
    return (gpu.text("name") or "GPU") + (f" ({memory:.0f} GiB)" if memory else "")


def _cores(material: Material, values: Values) -> str:
    counts = values.integer("physical_cores"), values.integer("logical_cores"), values.integer("threads")
    if counts[1] is None or counts[2] is None:
        return ""
    return material.say("environment.cores", physical=counts[0] or counts[1], logical=counts[1], threads=counts[2])


def _versions(values: Values) -> str | None:
    named = [f"{title} {version}" for key, title in (("python", "Python"), ("lianpu", "Lianpu")) if (version := values.text(key))]
    return ", ".join(named) or None


def _guide_time(material: Material, values: Values) -> list[tuple[str, Cell]]:
    """How long the guides took that were made before training; nothing where there were none."""
    seconds = values.number("guide_seconds")
    return [("environment.guide_seconds", material.language.duration(seconds))] if seconds else []


def _training_time(material: Material, values: Values) -> Cell:
    seconds = values.number("train_seconds")
    cell = material.language.duration(seconds)
    step = material.files.last_step
    if seconds is None or not step:
        return cell
    return Cell(cell.text, material.say("environment.per_step", steps=f"{step:,}", milliseconds=f"{1000 * seconds / step:,.0f}"))


FAMILIES = (
    ("2.1", "insightface"),
    ("2.2", "bisenet"),
    ("2.3", "dlib"),
    ("2.4", "yunet"),
    ("2.5", "lianpu"),
    ("2.6", "metrics"),
    ("2.7", "mediapipe"),
)


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
