"""`lianpu compare RUN`: compare the PyTorch, ONNX and INT8 models of a run on this machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.dataset.faces import Dataset
    from lianpu.editors.editor import Editor
    from lianpu.export.comparison import Comparison
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


def main(arguments: list[str]) -> None:
    """Parse the command line, measure, and print the table and the advice."""
    parsed = tyro.cli(CompareArguments, args=arguments, prog="lianpu compare")
    from lianpu.runs import open_run
    from lianpu.terminal import console

    run = open_run(parsed.run)
    comparison = compare_run(run, parsed, shlex.join(["lianpu", "compare", *arguments]))
    console.print(comparison_table(comparison))
    console.print(str(comparison.advice), soft_wrap=True)
    console.print(f"Table: {run.benchmark_file}. Next: lianpu report {run.folder}", soft_wrap=True)


def compare_run(run: Run, parsed: CompareArguments, command: str) -> Comparison:
    """Measure the models of a run: its checkpoint and its exported files."""
    from lianpu.errors import SettingsError
    from lianpu.export.comparison import compare_models
    from lianpu.terminal import stage
    from lianpu.training.record import read_record

    for name, value in (("runs", parsed.runs), ("threads", parsed.threads)):
        if value is not None and value < 1:
            raise SettingsError(f"--{name} is {value}. Give at least 1.")
    dataset = read_record(run).open_dataset(parsed.data_dir)
    score = None if parsed.no_scores else _scorer(run, parsed, dataset)
    with stage("Timing the models in turn") as on_progress:
        return compare_models(
            run,
            _models(run),
            dataset.test,
            score=score,
            threads=parsed.threads,
            runs=parsed.runs,
            command=command,
            on_progress=on_progress,
        )


def comparison_table(comparison: Comparison) -> Table:
    """The comparison as a table."""
    from rich.table import Table

    threads = f"{comparison.threads} thread{'' if comparison.threads == 1 else 's'}"
    table = Table(
        title=f"{comparison.image_size} px, one face at a time, {comparison.cpu}, {threads}, median of {comparison.runs}"
    )
    metrics = list(dict.fromkeys(score["metric"] for row in comparison.rows for score in row.scores))
    for column in ("model", "MB", "ms (10-90 %)", "speed", "PSNR dB"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=column in ("model", "ms (10-90 %)"))
    for metric in metrics:
        table.add_column(metric.replace("_", "\n"), justify="right", no_wrap=True)
    for row in comparison.rows:
        scores = {score["metric"]: score["value"] for score in row.scores}
        table.add_row(
            row.model,
            f"{row.bytes / 1e6:.1f}",
            f"{row.timing.median_ms:.3g} ({row.timing.p10_ms:.3g}-{row.timing.p90_ms:.3g})",
            f"{row.times_pytorch:.2f}x",
            f"{row.fidelity.psnr_db:.1f}" if row.fidelity else "",
            *(f"{scores[metric]:.4g}" if metric in scores else "–" for metric in metrics),
        )
    return table


def _models(run: Run) -> list[Any]:
    """The exported checkpoint (the last one if none was exported) and the exported files."""
    from lianpu.editors.onnx_editor import OnnxEditor

    files = [file for file in (run.onnx_file, run.float16_file, run.int8_file) if file.is_file()]
    step = OnnxEditor(files[0]).info.step if files else None
    checkpoint = run.checkpoint(step) if step in run.checkpoint_steps() and step is not None else run.last_checkpoint()
    return [checkpoint, *files]


def _scorer(run: Run, parsed: CompareArguments, dataset: Dataset) -> Callable[[Editor], list[dict[str, Any]]]:
    from lianpu.devices import pick_device
    from lianpu.evaluation.judges import prepare_judges
    from lianpu.evaluation.scoring import OVERALL_ONLY, score_editor
    from lianpu.terminal import console, stage

    with console.status("Preparing the scores"):
        judges = prepare_judges(
            dataset,
            parsed.metrics,
            max_faces=parsed.max_faces,
            features=parsed.features,
            classifier_folder=run.classifier_folder,
            device=pick_device(parsed.device),
        )

    def score(editor: Editor) -> list[dict[str, Any]]:
        with stage(f"Scoring {editor.kind}") as on_progress:
            return [score.to_json() for score in score_editor(editor, judges, OVERALL_ONLY, on_progress=on_progress).scores]

    return score
