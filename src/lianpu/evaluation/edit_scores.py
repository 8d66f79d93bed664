"""Scores that look at each edit by itself: success in the eyes of the classifier, change, reconstruction."""

from __future__ import annotations

from lianpu.attributes import Labels
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.plan import EditTask, success_by_attribute, success_share
from lianpu.evaluation.protocol import Better, Protocol, Score


def edit_score(
    judges: Judges,
    task: EditTask,
    metric: str,
    value: float,
    better: Better,
    features: str = "pixels",
    resize: str = "none",
    *,
    transform: str | None = None,
    count: int | None = None,
) -> Score:
    """A score of the faces of a task that needs no real faces for comparison."""
    protocol = Protocol(
        metric=metric,
        features=features,
        resize=resize,
        real_count=0,
        fake_count=len(task) if count is None else count,
        real_split="none",
        fake_split=judges.held_out.split,
        seed=judges.seed,
        image_size=judges.held_out.image_size,
        data=judges.data,
    )
    return Score(metric, task.name if transform is None else transform, value, better, protocol)


def success_scores(judges: Judges, task: EditTask, seen: Labels | None) -> list[Score]:
    """Success of the edits, and beside it the same judge's rate on the unedited faces."""
    if seen is None or judges.seen is None or judges.classifier is None:
        return []
    attributes = judges.held_out.attributes
    edited = success_share(attributes, seen, task)
    unedited = success_share(attributes, judges.seen[task.source_rows], task)
    if edited is None or unedited is None:
        return []
    name, resize = _judge_name(judges)
    return [
        edit_score(judges, task, "attribute_success", edited, "higher", name, resize),
        edit_score(judges, task, "attribute_success_unedited", unedited, "neither", name, resize),
    ]


def attribute_scores(judges: Judges, task: EditTask, seen: Labels) -> list[Score]:
    """Success per attribute, over the edits that change it; `transform` is the attribute's name."""
    name, resize = _judge_name(judges)
    shares = success_by_attribute(judges.held_out.attributes, seen, task)
    return [
        edit_score(judges, task, "attribute_success", share, "higher", name, resize, transform=attribute, count=count)
        for attribute, (share, count) in shares.items()
    ]


def _judge_name(judges: Judges) -> tuple[str, str]:
    assert judges.classifier is not None
    info = judges.classifier.info
    name = f"attribute classifier {judges.classifier.digest}, {info.train_count} training faces, {info.steps} steps"
    return name, f"{info.input_px} px, bilinear, antialiased"
