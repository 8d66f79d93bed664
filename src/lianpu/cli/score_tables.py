"""Scores as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from lianpu.evaluation.protocol import Score
from lianpu.evaluation.results import EvaluationResult, Judge
from lianpu.evaluation.run_scores import CurvePoint

HEADINGS = {
    "fid": "FID",
    "kid": "KID",
    "is": "IS",
    "frechet": "Frechet",
    "kernel": "kernel",
    "inception_score": "inception score",
    "lpips_edit": "LPIPS edit",
    "lpips_reconstruction": "LPIPS back",
    "attribute_success": "success",
    "attribute_success_unedited": "(unedited)",
    "identity": "identity",
    "edit_change": "change",
    "change_outside": "outside",
    "reconstruction_l1": "back L1",
}
ARROWS = {"lower": "↓", "higher": "↑", "neither": ""}
NOT_MEASURED = "-"


def score_table(result: EvaluationResult) -> Table:
    """One row per transform, `overall` first; last the floor: the scores of unedited held-out faces."""
    network = next((score.protocol.features for score in result.scores if score.protocol.real_count), "")
    title = f"{result.origin.file} ({result.origin.kind}, step {result.origin.step:,})"
    table = Table(title=f"{title}; distances by {network}" if network else title)
    table.add_column("transform", no_wrap=True)
    for heading in ("edits", "real"):
        table.add_column(heading, justify="right")
    metrics = result.metrics()
    for metric in metrics:
        arrow = ARROWS[next(score.better for score in result.scores if score.metric == metric)]
        table.add_column(f"{_heading(metric)} {arrow}".strip(), justify="right")
    for transform in result.transforms():
        scores = [score for score in result.scores if score.transform == transform]
        edits, real = (max((getattr(s.protocol, f"{kind}_count") for s in scores), default=0) for kind in ("fake", "real"))
        cells = [_cell(next((score for score in scores if score.metric == metric), None)) for metric in metrics]
        table.add_row(transform, str(edits or NOT_MEASURED), str(real or NOT_MEASURED), *cells)
    if result.floor:
        table.add_section()
        counts = result.floor[0].protocol
        cells = [_cell(next((score for score in result.floor if score.metric == metric), None)) for metric in metrics]
        table.add_row("unedited faces (floor)", str(counts.fake_count), str(counts.real_count or NOT_MEASURED), *cells)
    return table


def judge_table(judge: Judge, by_attribute: Sequence[Score]) -> Table:
    """The classifier's accuracy, and the share of overall edits in which it finds the requested attributes."""
    table = Table(title=f"The classifier that judges success: trained on {judge.train_count:,} faces, scored on held-out faces")
    for heading in ("attribute", "accuracy", "balanced accuracy", "faces with it", "edits that change it", "success ↑"):
        table.add_column(heading, justify="left" if heading == "attribute" else "right")
    for name, accuracy in judge.accuracy.items():
        balanced = NOT_MEASURED if accuracy.balanced_accuracy is None else f"{accuracy.balanced_accuracy:.1%}"
        edits = next((score for score in by_attribute if score.transform == name), None)
        count, success = (str(edits.protocol.fake_count), f"{edits.value:.1%}") if edits else (NOT_MEASURED, NOT_MEASURED)
        table.add_row(name, f"{accuracy.accuracy:.1%}", balanced, f"{accuracy.positives} of {accuracy.count}", count, success)
    return table


def curve_table(points: Sequence[CurvePoint]) -> Table:
    """The training curve, one row per scored checkpoint."""
    metric = _heading(points[-1].distance.metric) if points else "distance"
    table = Table(title="Training curve")
    for heading in ("step", "epoch", "D loss", "G loss", f"{metric} ↓"):
        table.add_column(heading, justify="right")
    for point in points:
        losses = [NOT_MEASURED if loss is None else f"{loss:.3f}" for loss in (point.d_loss, point.g_loss)]
        epoch = NOT_MEASURED if point.epoch is None else f"{point.epoch:.1f}"
        table.add_row(f"{point.step:,}", epoch, *losses, _cell(point.distance))
    return table


def notes_of(result: EvaluationResult) -> tuple[str, ...]:
    """The result's notes, then why scores are missing: each reason once, with the scores that it concerns."""
    concerned: dict[str, list[str]] = {}
    for missing in result.not_measured:
        concerned.setdefault(missing.reason, []).append(f"{missing.metric} of {missing.transform}")
    shown = {reason: names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"] for reason, names in concerned.items()}
    return (*result.notes, *(f"not measured ({', '.join(names)}): {reason}" for reason, names in shown.items()))


def _heading(metric: str) -> str:
    short = next((name for name in ("frechet", "kernel", "inception_score") if metric.startswith(f"{name}_")), metric)
    return HEADINGS.get(short, metric)


def _cell(score: Score | None) -> str:
    if score is None:
        return NOT_MEASURED
    if score.metric.startswith("attribute_success"):
        return f"{score.value:.1%}"
    return f"{score.value:.4g}" if score.std is None or not score.std else f"{score.value:.4g} ± {score.std:.2g}"
