"""Scores in a run folder: one file per scored model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianpu.editors.loading import load_editor
from lianpu.evaluation.card import CardMaker
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.protocol import OVERALL, Score
from lianpu.evaluation.results import EvaluationResult
from lianpu.evaluation.scoring import OVERALL_ONLY, score_editor
from lianpu.runs import Checkpoint, Run


def score_in_run(
    run: Run,
    model: Checkpoint | Path,
    judges: Judges,
    transforms: tuple[str, ...] = (),
    *,
    batch_size: int,
    train_count: int,
    command: str = "",
    device: str = "auto",
    with_card: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> EvaluationResult:
    """Scores of a model of a run, also left in its scores folder.

    Args:
        model: a checkpoint, or a model file (exported, quantized).
        batch_size, train_count: of the run; they turn steps into epochs.
        transforms, on_progress: as in `score_editor`.
        with_card: also leave the scorecard (`evaluation/card.py`) in the run.

    Raises:
        LianpuError: the model cannot be loaded or does not fit the faces.
    """
    faces = judges.held_out
    editor = load_editor(model, device, attributes=faces.attributes, image_size=faces.image_size)  # for published checkpoints
    maker = CardMaker(editor, judges, run.card_folder(score_name(model))) if with_card else None
    result = score_editor(
        editor,
        judges,
        transforms,
        file=relative_file(run, model),
        epoch=round(editor.info.step * batch_size / train_count, 3),
        command=command,
        on_progress=on_progress,
        on_edits=maker.add if maker else None,
    )
    if maker:
        maker.write(result)
    run.write_score(score_name(model), result.to_json())
    return result


def score_name(model: Checkpoint | Path) -> str:
    """The name of a model's score file: `step-000200000` for a checkpoint, else the file's name without ending."""
    if isinstance(model, Checkpoint):
        return f"step-{model.folder.name}"
    return f"step-{model.name}" if model.is_dir() else model.stem


def relative_file(run: Run, model: Checkpoint | Path) -> str:
    """The model's path relative to the run folder, or as it is when it lies elsewhere."""
    path = (model.folder if isinstance(model, Checkpoint) else model).resolve()
    inside = path.is_relative_to(run.folder.resolve())
    return path.relative_to(run.folder.resolve()).as_posix() if inside else path.as_posix()


def read_results(run: Run) -> dict[str, EvaluationResult]:
    """All results in the scores folder by name. Raises ScoreError or RunError for a damaged file."""
    return {
        name: EvaluationResult.from_json(values, str(run.scores_folder / f"{name}.json"))
        for name, values in run.read_scores().items()
    }


def transforms_for_curve(run: Run, model: Checkpoint | Path, transforms: tuple[str, ...]) -> tuple[str, ...]:
    """What to score of a checkpoint for the curve: the last one in full, others overall only, but no row that is there is lost."""
    if score_name(model) == score_name(run.last_checkpoint()):
        return transforms
    known = run.read_scores().get(score_name(model))
    has_rows = known is not None and any(score["transform"] != OVERALL for score in known["scores"])
    return transforms if has_rows else OVERALL_ONLY


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
