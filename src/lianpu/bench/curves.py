"""`lianpu bench curves RUN...`: a score of several runs against the minutes that they trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.report.charts import Curve
    from lianpu.runs import Run


@dataclass(frozen=True)
class BenchCurvesArguments:
    """How good runs became in how many minutes: a table, and a chart with one line per run.

    Scores come from checkpoints: train with --eval-every, or `lianpu evaluate RUN --every-checkpoint`.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders."""
    metric: str = "attribute_success"
    """The overall score that is shown."""
    out: Path = Path("curves.svg")
    """The chart that is written."""


def main(arguments: list[str]) -> None:
    """Read the runs, print the table, and draw the chart."""
    parsed = tyro.cli(BenchCurvesArguments, args=arguments, prog="lianpu bench curves")
    from rich.table import Table

    from lianpu.errors import DataError
    from lianpu.report.charts import draw_curves
    from lianpu.runs import open_run
    from lianpu.terminal import console

    if not parsed.runs:
        raise DataError("No run was named. Give one or more run folders.")
    curves = [run_curve(open_run(folder), parsed.metric) for folder in parsed.runs]
    table = Table(title=f"{parsed.metric}, overall, against minutes of training")
    for heading in ("run", "minutes", parsed.metric):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for curve in curves:
        for minutes, value in zip(curve.steps, curve.values, strict=True):
            table.add_row(curve.label, f"{minutes:.1f}", f"{value:.4g}")
    console.print(table)
    share = all(0 <= value <= 1 for curve in curves for value in curve.values)
    draw_curves(parsed.out, curves, share=share, marked=True, across="minutes of training")
    console.print(f"Chart: {parsed.out}", markup=False, highlight=False, soft_wrap=True)


def run_curve(run: Run, metric: str) -> Curve:
    """The overall scores of a run's checkpoints against the minutes of training before them.

    Raises:
        ScoreError: no checkpoint was scored by that metric; the ones that were are named.
    """
    from lianpu.errors import ScoreError
    from lianpu.evaluation.protocol import OVERALL
    from lianpu.evaluation.run_scores import read_results
    from lianpu.report.charts import Curve

    seconds = {int(line["step"]): float(line["seconds"]) for line in run.read_steps()}
    results = [result for name, result in read_results(run).items() if name.startswith("step-")]
    points = sorted(
        (_seconds_at(seconds, result.origin.step) / 60, score.value)
        for result in results
        if (score := result.find(metric, OVERALL)) is not None
    )
    if not points:
        known = sorted({score.metric for result in results for score in result.scores})
        raise ScoreError(
            f"{run.folder} has no checkpoint scored by {metric}{' (it has ' + ', '.join(known) + ')' if known else ''}. "
            f"Run: lianpu evaluate {run.folder} --every-checkpoint"
        )
    return Curve(run.folder.name, [minutes for minutes, _ in points], [value for _, value in points])


def _seconds_at(seconds: dict[int, float], step: int) -> float:
    """Seconds of training at the last logged step that is not after `step`."""
    return seconds[max((logged for logged in seconds if logged <= step), default=min(seconds, default=0))] if seconds else 0.0
