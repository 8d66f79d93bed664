"""`lianpu compare RUN`: compare the PyTorch, ONNX and INT8 models of a run on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.dataset.faces import Dataset
    from lianpu.editors.editor import Editor
    from lianpu.evaluation.protocol import Score
    from lianpu.evaluation.results import EvaluationResult
    from lianpu.export.comparison import Comparison
    from lianpu.metrics.features import Features
    from lianpu.runs import Run


@dataclass(frozen=True)
class CompareArguments:
    """Compare size, latency, quality and PSNR of a run's PyTorch, ONNX and INT8 models, and write RUN/export/benchmark.json."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    metrics: tuple[str, ...] = ("fid", "attribute_success")
    """Metrics of each model on the held-out faces."""
    max_faces: int | None = None
    """Use at most this many faces of each split for the scores."""
    features: Literal["auto", "inception", "efficientnet-lite0"] = "auto"
    """Feature network of the distances, as in lianpu evaluate."""
    no_scores: bool = False
    """Measure only size, latency and PSNR."""
    runs: int = 30
    """Timed edits per model."""
    threads: int | None = None
    """Threads of PyTorch and ONNX Runtime. Default: PyTorch's own."""
    device: str = "auto"
    """Device of the networks that score; the models themselves are timed on the CPU."""
    data_dir: Path | None = None
    """The data folder, if it was moved since training."""
    against: Path | None = None
    """Another run: only say which of the two last checkpoints is better, paired on the same held-out faces, with 95 % intervals."""


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print the table and the advice."""
    parsed = tyro.cli(CompareArguments, args=arguments, prog="lianpu compare")
    from lianpu.runs import open_run
    from lianpu.terminal import console

    run = open_run(parsed.run)
    if parsed.against is not None:
        for line in against_run(run, open_run(parsed.against), parsed):
            console.print(line, soft_wrap=True, markup=False, highlight=False)
        return
    comparison = compare_run(run, parsed, shlex.join(["lianpu", "compare", *arguments]))
    console.print(comparison_table(comparison))
    console.print(str(comparison.advice), soft_wrap=True)
    console.print(f"Table: {run.benchmark_file}. Next: lianpu report {run.folder}", soft_wrap=True)


def compare_run(run: Run, parsed: CompareArguments, command: str) -> Comparison:
    """Measure the models of a run: its checkpoint and its exported files."""
    from lianpu.errors import SettingsError
    from lianpu.export.comparison import compare_models
    from lianpu.terminal import console, stage
    from lianpu.training.record import read_record

    for name, value in (("runs", parsed.runs), ("threads", parsed.threads)):
        if value is not None and value < 1:
            raise SettingsError(f"--{name} is {value}. Give at least 1.")
    dataset = read_record(run).open_dataset(parsed.data_dir)
    scorer = None if parsed.no_scores else _Scorer(run, parsed, dataset)
    with stage("Timing the models in turn") as on_progress:
        comparison = compare_models(
            run,
            _models(run),
            dataset.test,
            score=None if scorer is None else lambda editor: scorer.score(editor, editor.kind),
            threads=parsed.threads,
            runs=parsed.runs,
            command=command,
            on_progress=on_progress,
        )
    for line in scorer.lines if scorer is not None else ():
        console.print(line, soft_wrap=True, markup=False, highlight=False)
    return comparison


def against_run(run: Run, other: Run, parsed: CompareArguments) -> list[str]:
    """What separates the last checkpoints of two runs, judged alike on the held-out faces of the first, in sentences.

    Raises:
        ScoreError: the runs have other labels or other sizes.
    """
    from lianpu.training.record import read_record

    scorer = _Scorer(run, parsed, read_record(run).open_dataset(parsed.data_dir))
    names = (run.folder.name, other.folder.name) if run.folder.name != other.folder.name else (str(run.folder), str(other.folder))
    for one, name in zip((run, other), names, strict=True):
        scorer.score(_last_editor(one), name)
    return scorer.lines


def _last_editor(run: Run) -> Editor:
    from lianpu.editors.loading import load_editor

    return load_editor(run.last_checkpoint(), "cpu")


def comparison_table(comparison: Comparison) -> Table:
    """The comparison as a table."""
    from rich.table import Table

    from lianpu.cli.score_tables import score_cell, without_bare_frechet

    threads = f"{comparison.threads} thread{'' if comparison.threads == 1 else 's'}"
    table = Table(
        title=f"{comparison.image_size} px, one face at a time, {comparison.cpu}, {threads}, median of {comparison.runs}"
    )
    scored = [without_bare_frechet([_score_of(score) for score in row.scores]) for row in comparison.rows]
    metrics = list(dict.fromkeys(score.metric for scores in scored for score in scores))
    for column in ("model", "MB", "ms (10-90 %)", "speed", "PSNR dB"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=column in ("model", "ms (10-90 %)"))
    for metric in metrics:
        table.add_column(metric.replace("_", "\n"), justify="right", no_wrap=True)
    for row, shown in zip(comparison.rows, scored, strict=True):
        scores = {score.metric: score_cell(score) for score in shown}
        table.add_row(
            row.model,
            f"{row.bytes / 1e6:.1f}",
            f"{row.timing.median_ms:.3g} ({row.timing.p10_ms:.3g}-{row.timing.p90_ms:.3g})",
            f"{row.times_pytorch:.2f}x",
            f"{row.fidelity.psnr_db:.1f}" if row.fidelity else "",
            *(scores.get(metric, "–") for metric in metrics),
        )
    return table


def _score_of(values: Mapping[str, Any]) -> Score:
    from lianpu.evaluation.protocol import Score

    return Score.from_json({name: value for name, value in values.items() if name != "difference"})


def _models(run: Run) -> list[Any]:
    """The exported checkpoint (the last one if none was exported) and the exported files."""
    from lianpu.editors.onnx_editor import OnnxEditor

    files = [file for file in (run.onnx_file, run.float16_file, run.int8_file) if file.is_file()]
    step = OnnxEditor(files[0]).info.step if files else None
    checkpoint = run.checkpoint(step) if step in run.checkpoint_steps() and step is not None else run.last_checkpoint()
    return [checkpoint, *files]


class _Scorer:
    """Scores models under one protocol; what separates each from the first is added to its scores, and kept as `lines`."""

    def __init__(self, run: Run, parsed: CompareArguments, dataset: Dataset) -> None:
        from lianpu.devices import pick_device
        from lianpu.evaluation.judges import prepare_judges
        from lianpu.terminal import console

        with console.status("Preparing the scores"):
            self._judges = prepare_judges(
                dataset,
                parsed.metrics,
                max_faces=parsed.max_faces,
                features=parsed.features,
                classifier_folder=run.classifier_folder,
                device=pick_device(parsed.device),
            )
        self._first: tuple[str, EvaluationResult, list[Features]] | None = None
        self.lines: list[str] = []

    def score(self, editor: Editor, name: str) -> list[dict[str, Any]]:
        """The overall scores of a model, as plain values; from the second model on, with its paired difference to the first."""
        from lianpu.cli.score_tables import difference_lines
        from lianpu.evaluation.results import paired_differences
        from lianpu.evaluation.scores import kernel_difference
        from lianpu.evaluation.scoring import OVERALL_ONLY, score_editor
        from lianpu.terminal import stage

        features: list[Features] = []
        with stage(f"Scoring {name}") as on_progress:
            result = score_editor(editor, self._judges, OVERALL_ONLY, on_progress=on_progress, on_features=features.append)
        values = {score.metric: score.to_json() for score in result.scores}
        if self._first is None:
            self._first = (name, result, features)
            return list(values.values())
        first, before, features_before = self._first
        differences = [*paired_differences(before, result)]
        if features and features_before:
            differences.append(kernel_difference(self._judges, features_before[0], features[0]))
        for one in differences:
            if one.metric in values:
                values[one.metric]["difference"] = {"to": first, "faces": one.faces, **asdict(one.interval)}
        self.lines += difference_lines(differences, first, name)
        return list(values.values())
