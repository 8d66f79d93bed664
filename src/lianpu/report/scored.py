"""Score files as the report knows them: one evaluation of one model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lianpu.errors import RunError
from lianpu.report.values import Values, read_command

DISTANCES = ("fid", "fid_infinity", "frechet_efficientnet_lite0", "frechet_infinity_efficientnet_lite0")
"""Distances between sets of pictures that can head a report, the best known first. Only `fid` may be called FID."""


@dataclass(frozen=True)
class Score:
    """One measured figure, with all that fixed it. `transform` is `overall` or as `Black_Hair -> Blond_Hair`."""

    metric: str
    transform: str
    value: float | None
    deviation: float | None
    low: float | None
    high: float | None
    protocol: Mapping[str, Any]
    source: str

    @property
    def protocol_key(self) -> str:
        """Equal for scores that may be compared."""
        return json.dumps(self.protocol, sort_keys=True, default=str)


@dataclass(frozen=True)
class Reason:
    """Why a figure could not be had."""

    metric: str
    transform: str
    text: str


@dataclass(frozen=True)
class Accuracy:
    """How well the independent classifier tells one attribute on held-out real faces, from 0 to 1."""

    attribute: str
    accuracy: float | None
    balanced_accuracy: float | None
    positives: int | None
    count: int | None


@dataclass(frozen=True)
class Scored:
    """One score file: a checkpoint or another model file that was evaluated.

    Args:
        floor: what unedited held-out faces get in place of edits: the best that these counts allow.
        by_attribute: success of all edits together per attribute; `transform` is the attribute's name.
        not_measured: figures that could not be had, and why.
        notes: what the evaluation says a reader must know.
    """

    name: str
    source: str
    file: str
    kind: str
    step: int | None
    epoch: float | None
    command: str
    scores: tuple[Score, ...]
    floor: tuple[Score, ...]
    by_attribute: tuple[Score, ...]
    not_measured: tuple[Reason, ...]
    notes: tuple[str, ...]
    accuracies: tuple[Accuracy, ...]
    classifier_train_count: int | None

    @property
    def is_checkpoint(self) -> bool:
        """Whether this is one of the run's own checkpoints, and so a point of the curve."""
        return self.name.startswith("step-") and self.step is not None

    def find(self, metric: str, transform: str = "overall") -> Score | None:
        """The score of a metric and transform, None when it was not measured."""
        return next((score for score in self.scores if score.metric == metric and score.transform == transform), None)

    def transforms(self) -> tuple[str, ...]:
        """The transforms that were to be scored, in the order of the file; last those that got no number at all."""
        names = [score.transform for score in self.scores] + [reason.transform for reason in self.not_measured]
        return tuple(name for name in dict.fromkeys(names) if name != "overall")

    def unedited(self, metric: str) -> Score | None:
        """The overall score that the same faces get without any edit, None when it was not measured."""
        return next((score for score in self.floor if score.metric == metric), None) or self.find(f"{metric}_unedited")

    def metrics(self) -> tuple[str, ...]:
        """The metrics that were measured, in the order of the file."""
        return tuple(dict.fromkeys(score.metric for score in self.scores))

    def distance(self) -> Score | None:
        """The distance that heads the report: FID where it was measured, else the stand-in under its own name."""
        overall = [score for name in DISTANCES if (score := self.find(name)) is not None and score.value is not None]
        return overall[0] if overall else None


def read_scored(name: str, values: Values) -> Scored:
    """The contents of a score file of that name. Raises RunError, naming it, for what cannot be a score file."""
    return Scored(
        name=name,
        source=values.source,
        file=values.text("file") or "",
        kind=values.text("kind") or "",
        step=values.integer("step"),
        epoch=values.number("epoch"),
        command=read_command(values),
        scores=_without_bare_distances([read_score(row) for row in values.rows("scores")]),
        floor=_without_bare_distances([read_score(row) for row in values.rows("floor")]),
        by_attribute=tuple(read_score(row) for row in values.rows("by_attribute")),
        not_measured=tuple(
            Reason(row.text("metric") or "", row.text("transform") or "overall", row.text("reason") or "")
            for row in values.rows("not_measured")
        ),
        notes=values.texts("notes"),
        accuracies=_read_accuracies(values.section("classifier", "accuracy")),
        classifier_train_count=values.integer("classifier", "train_count"),
    )


ENOUGH_FOR_DISTANCE = 2048
"""Pictures below which a Frechet distance is not shown by itself where it was extrapolated to endless sets."""


def _without_bare_distances(scores: Sequence[Score]) -> tuple[Score, ...]:
    if not any("infinity" in score.metric for score in scores):
        return tuple(scores)
    return tuple(score for score in scores if "infinity" in score.metric or score.metric not in DISTANCES or _of_many(score))


def _of_many(score: Score) -> bool:
    counts = [score.protocol.get(name) for name in ("real_count", "fake_count")]
    return all(isinstance(count, int) and count >= ENOUGH_FOR_DISTANCE for count in counts)


def read_score(row: Values) -> Score:
    """A score of a file. Raises RunError where it names no metric."""
    metric = row.text("metric")
    if metric is None:
        raise RunError(f"{row.source}: a score has no 'metric'. Evaluate again: lianpu evaluate")
    return Score(
        metric=metric,
        transform=row.text("transform") or "overall",
        value=row.number("value"),
        deviation=row.number("std"),
        low=row.number("low"),
        high=row.number("high"),
        protocol=row.section("protocol").mapping,
        source=row.source,
    )


def _read_accuracies(values: Values) -> tuple[Accuracy, ...]:
    def read(attribute: str) -> Accuracy:
        one = values.section(attribute)
        return Accuracy(
            attribute, one.number("accuracy"), one.number("balanced_accuracy"), one.integer("positives"), one.integer("count")
        )

    return tuple(read(str(attribute)) for attribute in values.mapping)
