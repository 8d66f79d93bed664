"""The deployment table: what each model costs in bytes and milliseconds on this machine, how far its edits are from the first, and advice."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lianpu.dataset.faces import Faces
from lianpu.devices import describe_machine
from lianpu.editors.editor import Editor
from lianpu.editors.loading import load_editor
from lianpu.errors import ModelError
from lianpu.export.graph import file_bytes
from lianpu.export.timing import OnProgress, Timing, paired_speed, time_in_turn, torch_threads
from lianpu.files import write_json
from lianpu.runs import Checkpoint, Run, open_run

_FACES_AT_ONCE = 8


@dataclass(frozen=True)
class Fidelity:
    """PSNR between the edits of two editors: 10 log10(2^2 / mean squared difference), the range [-1, 1] being 2 wide.

    Args:
        psnr_db: over all pixels of all faces.
        worst_db: of the face with the lowest.
        faces: how many were edited.
    """

    psnr_db: float
    worst_db: float
    faces: int


def compare_edits(editor: Editor, reference: Editor, faces: Faces, seed: int = 0) -> Fidelity:
    """The fidelity of `editor` to `reference` on faces edited to the labels of other faces. Equal edits count as 200 dB."""
    requests = editor.info.request(faces.labels, faces.labels[np.random.default_rng(seed).permutation(len(faces))])
    errors = []
    for start in range(0, len(faces), _FACES_AT_ONCE):
        rows = np.arange(start, min(start + _FACES_AT_ONCE, len(faces)))
        batch, _ = faces.batch(rows)
        difference = editor.edit(batch, requests[rows]) - reference.edit(batch, requests[rows])
        errors.append(difference.double().square().mean(dim=(1, 2, 3)).numpy())
    per_face = np.concatenate(errors)
    return Fidelity(_psnr_db(float(per_face.mean())), _psnr_db(float(per_face.max())), len(faces))


def _psnr_db(mean_squared_difference: float) -> float:
    return float(10 * np.log10(4.0 / max(mean_squared_difference, 4e-20)))


ASKED_PSNR_DB = 30.0
WORTH_TIMES = 1.1
"""INT8 must be at least this many times as fast as the float ONNX model to be worth its loss."""
WORSE_SHARE = 0.1
"""A distance that grows by more than this share is named."""


_ADVICE = {
    "not_measured": "INT8 was not measured on {machine}: make it with lianpu quantize RUN, then compare again.",
    "alone": "INT8 was measured alone on {machine}: compare it with the float model before you ship it.",
    "unfaithful": "Do not ship INT8: its edits are {psnr} dB from FP32's, where {asked} is asked ({times} times as fast as {reference} on "
    "{machine}, {size} of its size). Calibrate with more faces or another --method, or ship ONNX FP32.",
    "slow": "Do not ship INT8 here for speed: it is {times} times as fast as {reference} on {machine}, {size} of its size{loss}. "
    "Ship ONNX FP32, unless the size of the download matters.",
    "noisy": "No advice on speed: INT8 is {times} times as fast as {reference} on {machine}, and {worth} is asked; the machine is too busy to "
    "tell ({size} of its size{loss}). Compare again on a quiet machine, or with more --runs.",
    "ship": "Ship INT8 here: {times} times as fast as {reference} on {machine}, {size} of its size{loss}.",
    "ship_look": "Ship INT8 here: {times} times as fast as {reference} on {machine}, {size} of its size{loss}. But {worse}: look at the pictures "
    "first.",
}


@dataclass(frozen=True)
class Advice:
    """Whether to ship INT8 here, and why.

    Args:
        kind: which of the sentences; the report has them in every language, as `quantization.advice_KIND`.
        values: what is filled in, as text.
    """

    kind: str
    values: Mapping[str, str]

    def __str__(self) -> str:
        return _ADVICE[self.kind].format(**self.values)


def advise(rows: Sequence[Mapping[str, Any]], cpu: str, threads: int) -> Advice:
    """One paragraph: ship INT8 here or not, and why. `rows` are those of benchmark.json.

    Speed counts only beyond the noise: by the paired 95 % interval of `Row.speed`, where there is one.
    """
    by_model = {str(row["model"]): row for row in rows}
    pytorch, onnx, int8 = (by_model.get(name) for name in ("PyTorch FP32", "ONNX FP32", "ONNX INT8"))
    machine = {"machine": f"{cpu} with {threads} thread{'' if threads == 1 else 's'}", "cpu": cpu, "threads": str(threads)}
    if int8 is None:
        return Advice("not_measured", machine)
    reference = onnx or pytorch
    if reference is None:
        return Advice("alone", machine)
    low = high = reference["latency_ms"] / int8["latency_ms"]
    times = f"{low:.2f}"
    if speed := int8.get("times_float"):
        low, middle, high = speed
        times = f"{middle:.2f} ({low:.2f}–{high:.2f})"
    psnr = int8["psnr_to_fp32_db"]
    values = machine | {
        "times": times,
        "reference": str(reference["model"]),
        "size": f"{int8['bytes'] / reference['bytes']:.0%}",
        "loss": "" if psnr is None else f", PSNR {psnr:.1f} dB to FP32",
        "psnr": "-" if psnr is None else f"{psnr:.1f}",
    }
    if psnr is not None and psnr < ASKED_PSNR_DB:
        return Advice("unfaithful", values | {"asked": f"{ASKED_PSNR_DB:.0f}"})
    if high < WORTH_TIMES:
        return Advice("slow", values)
    if low < WORTH_TIMES:
        return Advice("noisy", values | {"worth": f"{WORTH_TIMES:g}"})
    worse = _worse_distances(reference, int8)
    if not worse:
        return Advice("ship", values)
    grown = [f"{metric} grows from {before:.4g} to {after:.4g}" for metric, before, after in worse]
    shown = [f"{metric} {before:.4g} → {after:.4g}" for metric, before, after in worse]
    return Advice("ship_look", values | {"worse": ", ".join(grown), "changes": ", ".join(shown)})


def _worse_distances(reference: Mapping[str, Any], int8: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Distances that grew by more than `WORSE_SHARE`: the metric, and its two values."""
    before = {score["metric"]: score["value"] for score in reference["scores"]}
    return [
        (score["metric"], before[score["metric"]], score["value"])
        for score in int8["scores"]
        if score["better"] == "lower"
        and "infinity" not in score["metric"]
        and score["value"] > before.get(score["metric"], float("inf")) * (1 + WORSE_SHARE)
    ]


Score = Callable[[Editor], list[dict[str, Any]]]
"""Overall scores of an editor as plain values, all under one protocol."""

FIDELITY_FACES = 64


@dataclass(frozen=True)
class Row:
    """One model of the table.

    Args:
        model: `PyTorch FP32`, `ONNX FP32`, `ONNX float16`, `ONNX INT8`.
        file: the model file, relative to the run folder where it lies inside.
        bytes: its size, weights in other files counted.
        timing: of one edit.
        times_pytorch: how many times as fast as the first row.
        scores: as the score callback gave them; empty without one.
        fidelity: to the first row; None for that row itself.
        speed: how many times as fast as the float ONNX model (else the first row), with its paired 95 % interval: low, median, high; None for
            the rows before it.
    """

    model: str
    file: str
    bytes: int
    timing: Timing
    times_pytorch: float
    scores: tuple[dict[str, Any], ...]
    fidelity: Fidelity | None
    speed: tuple[float, float, float] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, as benchmark.json holds them."""
        return {
            "model": self.model,
            "file": self.file,
            "bytes": self.bytes,
            "latency_ms": self.timing.median_ms,
            "latency_ms_p10": self.timing.p10_ms,
            "latency_ms_p90": self.timing.p90_ms,
            "times_pytorch": self.times_pytorch,
            "times_float": self.speed,
            "scores": list(self.scores),
            "psnr_to_fp32_db": self.fidelity.psnr_db if self.fidelity else None,
            "psnr_to_fp32_db_worst_face": self.fidelity.worst_db if self.fidelity else None,
        }


@dataclass(frozen=True)
class Comparison:
    """The table, the machine it was measured on, and what follows."""

    rows: tuple[Row, ...]
    cpu: str
    threads: int
    runs: int
    batch: int
    image_size: int
    fidelity_faces: int
    split: str
    created: str
    command: str
    advice: Advice

    def to_json(self) -> dict[str, Any]:
        """Plain values, as benchmark.json holds them."""
        return {
            "cpu": self.cpu,
            "threads": self.threads,
            "runs": self.runs,
            "batch": self.batch,
            "image_size": self.image_size,
            "psnr_faces": self.fidelity_faces,
            "split": self.split,
            "created": self.created,
            "command": self.command,
            "rows": [row.to_json() for row in self.rows],
            "advice": str(self.advice),
            "advice_kind": self.advice.kind,
            "advice_values": dict(self.advice.values),
        }


@dataclass(frozen=True)
class _Contender:
    editor: Editor
    file: str
    bytes: int


def _float_row(contenders: Sequence[_Contender]) -> int:
    """The row that INT8 is compared with: the float ONNX model, else the first."""
    return next((index for index, one in enumerate(contenders) if one.editor.kind == "ONNX FP32"), 0)


def compare_models(
    run: Run,
    models: Sequence[Run | Checkpoint | Path],
    faces: Faces,
    *,
    score: Score | None = None,
    threads: int | None = None,
    runs: int = 30,
    command: str = "",
    on_progress: OnProgress | None = None,
) -> Comparison:
    """The table of `models`, the first being what the others are compared with; also written to `export/benchmark.json`.

    Latency is of one face at a time, on the CPU, all models in turn in one process.

    Args:
        models: the run itself (its last checkpoint), checkpoints, ONNX files.
        faces: held-out faces.
        score: measures each model under one protocol.
        threads: for PyTorch and ONNX Runtime alike; as many as torch uses now when None.
        runs: timed edits per model.

    Raises:
        LianpuError: a model cannot be loaded, or has other labels or another size than the first.
    """
    count = threads or torch.get_num_threads()
    contenders = [_contender(run, model, count) for model in models]
    _check_same_model([contender.editor for contender in contenders])
    probes = faces.sample(FIDELITY_FACES, seed=0)
    batch, labels = probes.batch([0])
    calls = {str(index): _edit_call(contender.editor, batch, labels) for index, contender in enumerate(contenders)}
    with torch_threads(count):
        timings = list(time_in_turn(calls, runs, on_progress).values())
        rows = tuple(
            Row(
                model=contender.editor.kind,
                file=contender.file,
                bytes=contender.bytes,
                timing=timing,
                times_pytorch=timings[0].median_ms / timing.median_ms,
                scores=tuple(score(contender.editor)) if score else (),
                fidelity=None if contender is contenders[0] else compare_edits(contender.editor, contenders[0].editor, probes),
                speed=paired_speed(timing, timings[_float_row(contenders)]) if contender.editor.kind == "ONNX INT8" else None,
            )
            for contender, timing in zip(contenders, timings, strict=True)
        )
    machine = describe_machine()
    comparison = Comparison(
        rows=rows,
        cpu=machine.cpu,
        threads=count,
        runs=runs,
        batch=1,
        image_size=contenders[0].editor.info.image_size,
        fidelity_faces=len(probes),
        split=faces.split,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        command=command,
        advice=advise([row.to_json() for row in rows], machine.cpu, count),
    )
    write_json(run.benchmark_file, comparison.to_json())
    return comparison


def compare(
    run: Run | Path | str, models: Sequence[Run | Checkpoint | Path | str], faces: Faces, score: Score | None = None
) -> Comparison:
    """The deployment table of a run's models, as `compare_models` makes it with its defaults."""
    opened = run if isinstance(run, Run) else open_run(run)
    return compare_models(opened, [Path(model) if isinstance(model, str) else model for model in models], faces, score=score)


def _contender(run: Run, model: Run | Checkpoint | Path, threads: int) -> _Contender:
    editor = load_editor(model, device="cpu", threads=threads)
    if isinstance(model, Path) and model.is_file():
        return _Contender(editor, _shown(run, model), file_bytes(model) if model.suffix == ".onnx" else model.stat().st_size)
    checkpoint = _checkpoint_of(model)
    file = checkpoint.ema_file if checkpoint.ema_file.is_file() else checkpoint.generator_file
    return _Contender(editor, _shown(run, file), file.stat().st_size)


def _checkpoint_of(model: Run | Checkpoint | Path) -> Checkpoint:
    if isinstance(model, Checkpoint):
        return model
    if isinstance(model, Run):
        return model.last_checkpoint()
    checkpoint = Checkpoint(model)
    return checkpoint if checkpoint.state_file.is_file() else open_run(model).last_checkpoint()


def _shown(run: Run, file: Path) -> str:
    inside = file.resolve().is_relative_to(run.folder.resolve())
    return file.resolve().relative_to(run.folder.resolve()).as_posix() if inside else file.name


def _check_same_model(editors: Sequence[Editor]) -> None:
    first = editors[0].info
    for editor in editors[1:]:
        other = editor.info
        if (other.attributes, other.image_size) != (first.attributes, first.image_size):
            raise ModelError(
                f"The {editor.kind} model edits {', '.join(other.attributes.names)} at {other.image_size} px, the {editors[0].kind} one "
                f"{', '.join(first.attributes.names)} at {first.image_size} px. Compare models of one run."
            )
        if (other.run_id, other.step) != (first.run_id, first.step):
            raise ModelError(
                f"The {editor.kind} model is of step {other.step}, run {other.run_id or 'unknown'}; the {editors[0].kind} one of step "
                f"{first.step}, run {first.run_id or 'unknown'}. Export and quantize again, or compare with that checkpoint."
            )


def _edit_call(editor: Editor, batch: torch.Tensor, labels: Any) -> Callable[[], torch.Tensor]:
    return lambda: editor.edit(batch, labels)
