"""Scores as tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table

from lianpu.evaluation.protocol import Score, is_frechet
from lianpu.evaluation.results import Difference, EvaluationResult, Judge
from lianpu.evaluation.run_scores import CurvePoint

HEADINGS = {
    "fid": "FID",
    "kid": "KID",
    "is": "IS",
    "fid_infinity": "FID∞",
    "frechet_infinity": "Frechet∞",
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
    shown, floor = without_bare_frechet(result.scores), without_bare_frechet(result.floor)
    metrics = tuple(dict.fromkeys(score.metric for score in shown))
    for metric in metrics:
        arrow = ARROWS[next(score.better for score in shown if score.metric == metric)]
        table.add_column(f"{_heading(metric)} {arrow}".strip(), justify="right")
    for transform in result.transforms():
        scores = [score for score in shown if score.transform == transform]
        edits, real = (max((getattr(s.protocol, f"{kind}_count") for s in scores), default=0) for kind in ("fake", "real"))
        cells = [score_cell(next((score for score in scores if score.metric == metric), None)) for metric in metrics]
        table.add_row(transform, str(edits or NOT_MEASURED), str(real or NOT_MEASURED), *cells)
    if result.floor:
        table.add_section()
        counts = result.floor[0].protocol
        cells = [score_cell(next((score for score in floor if score.metric == metric), None)) for metric in metrics]
        table.add_row("unedited faces (floor)", str(counts.fake_count), str(counts.real_count or NOT_MEASURED), *cells)
    return table


def without_bare_frechet(scores: Sequence[Score]) -> list[Score]:
    """The scores to show: Frechet distances of few pictures only where they could not be extrapolated."""
    extrapolated = any(is_frechet(score.metric) and "infinity" in score.metric for score in scores)
    return [score for score in scores if not (extrapolated and score.is_bare_frechet)]


def judge_table(judge: Judge, by_attribute: Sequence[Score]) -> Table:
    """The classifier's accuracy, and the share of overall edits in which it finds the requested attributes."""
    table = Table(title=f"The classifier that judges success: trained on {judge.train_count:,} faces, scored on held-out faces")
    for heading in ("attribute", "accuracy", "balanced accuracy", "faces with it", "edits that change it", "success ↑"):
        table.add_column(heading, justify="left" if heading == "attribute" else "right")
    for name, accuracy in judge.accuracy.items():
        balanced = NOT_MEASURED if accuracy.balanced_accuracy is None else f"{accuracy.balanced_accuracy:.1%}"
        edits = next((score for score in by_attribute if score.transform == name), None)
        count, success = (str(edits.protocol.fake_count), score_cell(edits)) if edits else (NOT_MEASURED, NOT_MEASURED)
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
        table.add_row(f"{point.step:,}", epoch, *losses, score_cell(point.distance))
    return table


def notes_of(result: EvaluationResult) -> tuple[str, ...]:
    """The result's notes, then why scores are missing: each reason once, with the scores that it concerns."""
    concerned: dict[str, list[str]] = {}
    for missing in result.not_measured:
        concerned.setdefault(missing.reason, []).append(f"{missing.metric} of {missing.transform}")
    shown = {reason: names if len(names) < 4 else [*names[:2], f"{len(names) - 2} more"] for reason, names in concerned.items()}
    return (*result.notes, *(f"not measured ({', '.join(names)}): {reason}" for reason, names in shown.items()))


def _heading(metric: str) -> str:
    short = next(
        (name for name in ("frechet_infinity", "frechet", "kernel", "inception_score") if metric.startswith(f"{name}_")), metric
    )
    return HEADINGS.get(short, metric)


def score_cell(score: Score | None) -> str:
    """A score with its 95 % interval below it, or else with its spread."""
    if score is None:
        return NOT_MEASURED
    share = score.metric.startswith("attribute_success")
    value = f"{score.value:.1%}" if share else f"{score.value:.4g}"
    if score.low is not None and score.high is not None:
        ends = (f"{100 * end:.3g}" if share else f"{end:.3g}" for end in (score.low, score.high))
        return f"{value}\n({' to '.join(ends)})"
    return value if not score.std else f"{value} ± {score.std:.2g}"


def difference_lines(differences: Sequence[Difference], first: str, second: str) -> list[str]:
    """`B is better than A by 4.1 points (1.2 to 7.3), 100 faces` for each score in which two models differ; one line for the rest."""
    lines, alike = [], []
    for one in differences:
        share = one.metric == "attribute_success"
        value, low, high = (100 * end if share else end for end in (one.interval.value, one.interval.low, one.interval.high))
        if one.winner == "neither":
            alike.append(f"{_heading(one.metric)} {value:+.3g} ({low:.3g} to {high:.3g})")
            continue
        better, worse, sign = (second, first, 1) if one.winner == "second" else (first, second, -1)
        sign *= 1 if one.better == "higher" else -1
        ends = sorted((sign * low, sign * high))
        unit = " points" if share else ""
        lines.append(
            f"{_heading(one.metric)}: {better} is better than {worse} by {sign * value:.3g}{unit} ({ends[0]:.3g} to {ends[1]:.3g}), "
            f"{one.faces} faces"
        )
    if alike:
        lines.append(f"No difference that is sure, or that says which is better ({second} minus {first}): {', '.join(alike)}")
    return lines
