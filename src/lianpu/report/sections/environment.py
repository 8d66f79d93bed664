"""Section 6: the machine that trained, how long it took and how much memory."""

from __future__ import annotations

from lianpu.report.document import Cell, Facts, Part, Section
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


def _training_time(material: Material, values: Values) -> Cell:
    seconds = values.number("train_seconds")
    cell = material.language.duration(seconds)
    step = material.files.last_step
    if seconds is None or not step:
        return cell
    return Cell(cell.text, material.say("environment.per_step", steps=f"{step:,}", milliseconds=f"{1000 * seconds / step:,.0f}"))
