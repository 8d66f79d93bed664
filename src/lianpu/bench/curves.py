"""`lianpu bench curves RUN...`: compare the scores of runs by their minutes of training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.evaluation.protocol import Score
    from lianpu.evaluation.results import EvaluationResult
    from lianpu.runs import Run


@dataclass(frozen=True)
class BenchCurvesArguments:
    """Compare runs by a score of their checkpoints and the minutes of training: a table, and a chart with one line per run.

    Score the checkpoints first: train with --eval-every, or `lianpu evaluate RUN --every-checkpoint`. Scores with different protocols are
    not compared.
    """

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional]
    """Run folders."""
    metric: str = "attribute_success"
    """The overall score to compare."""
    out: Path = Path("curves.svg")
    """The chart to write."""


def main(arguments: list[str]) -> None:
    """Read the runs, print the table, and draw the chart."""
    parsed = tyro.cli(BenchCurvesArguments, args=arguments, prog="lianpu bench curves")
    from rich.table import Table

    from lianpu.errors import DataError
    from lianpu.evaluation.protocol import compare_scores
    from lianpu.report.charts import Curve, draw_curves
    from lianpu.runs import open_run
    from lianpu.terminal import console

    if not parsed.runs:
        raise DataError("No run is given. Give one or more run folders.")
    scored = [scored_checkpoints(open_run(folder), parsed.metric) for folder in parsed.runs]
    comparisons = [compare_scores(scored[0][-1].score, one[-1].score) for one in scored]
    curves = [
        Curve(folder.name, [point.minutes for point in points], [point.score.value for point in points])
        for folder, points in zip(parsed.runs, scored, strict=True)
    ]
    table = Table(title=f"{parsed.metric}, overall, against minutes of training")
    for heading in ("run", "minutes", parsed.metric):
        table.add_column(heading, justify="left" if heading == "run" else "right")
    for curve, points in zip(curves, scored, strict=True):
        for point in points:
            ends = "" if point.score.low is None else f" ({point.score.low:.3g} to {point.score.high:.3g})"
            table.add_row(curve.label, f"{point.minutes:.1f}", f"{point.score.value:.4g}{ends}")
    console.print(table)
    one = scored[0]
    for curve, comparison, points in zip(curves[1:], comparisons[1:], scored[1:], strict=True):
        console.print(
            f"{curve.label}, last checkpoint: {comparison.second:.4g}, {comparison.difference:+.4g}{_paired(one, points)} "
            f"against {curves[0].label}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    share = all(0 <= value <= 1 for curve in curves for value in curve.values)
    draw_curves(parsed.out, curves, share=share, marked=True, across="minutes of training")
    console.print(f"Chart: {parsed.out}", markup=False, highlight=False, soft_wrap=True)


def _paired(first: list[ScoredCheckpoint], second: list[ScoredCheckpoint]) -> str:
    """The paired 95 % interval of the difference of two last checkpoints, in words; empty where the score is not of single faces."""
    from lianpu.evaluation.results import paired_differences

    metric = first[-1].score.metric
    found = [one for one in paired_differences(first[-1].result, second[-1].result) if one.metric == metric]
    return "".join(f" ({one.interval.low:+.3g} to {one.interval.high:+.3g}, {one.faces} faces)" for one in found)


@dataclass(frozen=True)
class ScoredCheckpoint:
    """The overall score of a checkpoint, all that its evaluation found, and the minutes of training before it."""

    minutes: float
    score: Score
    result: EvaluationResult


def scored_checkpoints(run: Run, metric: str) -> list[ScoredCheckpoint]:
    """A run's checkpoints with their overall scores, oldest first.

    Raises:
        ScoreError: no checkpoint was scored by that metric (the message lists the metrics that were), or not all by one protocol.
    """
    from lianpu.errors import ScoreError
    from lianpu.evaluation.protocol import OVERALL, compare_scores
    from lianpu.evaluation.run_scores import read_results

    seconds = {int(line["step"]): float(line["seconds"]) for line in run.read_steps()}
    results = [result for name, result in read_results(run).items() if name.startswith("step-")]
    points = [
        ScoredCheckpoint(_seconds_at(seconds, result.origin.step) / 60, score, result)
        for result in sorted(results, key=lambda result: result.origin.step)
        if (score := result.find(metric, OVERALL)) is not None
    ]
    if not points:
        known = sorted({score.metric for result in results for score in result.scores})
        raise ScoreError(
            f"{run.folder} has no checkpoint scored by {metric}{' (it has ' + ', '.join(known) + ')' if known else ''}. "
            f"Run: lianpu evaluate {run.folder} --every-checkpoint"
        )
    for point in points:
        compare_scores(points[-1].score, point.score)
    return points


def _seconds_at(seconds: dict[int, float], step: int) -> float:
    """Seconds of training at the last logged step that is not after `step`."""
    return seconds[max((logged for logged in seconds if logged <= step), default=min(seconds, default=0))] if seconds else 0.0
