"""The training curve: losses from the log, distances from the scores of checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lianpu.evaluation.protocol import Score
from lianpu.evaluation.results import EvaluationResult


@dataclass(frozen=True)
class CurvePoint:
    """One row of the curve: a scored checkpoint. Losses are those last logged at or before its step, None when none were."""

    step: int
    epoch: float | None
    d_loss: float | None
    g_loss: float | None
    distance: Score


def training_curve(steps: Sequence[Mapping[str, Any]], results: Sequence[EvaluationResult]) -> tuple[CurvePoint, ...]:
    """The curve, oldest step first; results without a distance are left out.

    Args:
        steps: lines of steps.jsonl, oldest first.
        results: of checkpoints of the same run.

    Raises:
        ScoreError: a file is damaged.
    """
    points = []
    for result in sorted(results, key=lambda result: result.origin.step):
        distance = result.distance()
        if distance is None:
            continue
        step = result.origin.step
        before = [line for line in steps if line["step"] <= step]
        points.append(CurvePoint(step, result.origin.epoch, _latest(before, "d_loss"), _latest(before, "g_loss"), distance))
    return tuple(points)


def _latest(lines: Sequence[Mapping[str, Any]], name: str) -> float | None:
    return next((float(line[name]) for line in reversed(lines) if line.get(name) is not None), None)
