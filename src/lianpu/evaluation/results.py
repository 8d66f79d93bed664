"""What an evaluation found, and its file in the run's scores folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from lianpu.errors import ScoreError, shown
from lianpu.evaluation.protocol import OVERALL, Better, NotMeasured, Score, compare_scores, is_frechet
from lianpu.metrics.attribute_classifier import AttributeAccuracy
from lianpu.metrics.intervals import Interval, bootstrap

ASKED = "asked"
"""In `EvaluationResult.by_face`: how many changes were asked of each face."""


@dataclass(frozen=True)
class Judge:
    """How good the classifier is that success is judged with: on unedited held-out faces, learned from `train_count` faces."""

    accuracy: Mapping[str, AttributeAccuracy]
    train_count: int


@dataclass(frozen=True)
class Origin:
    """Where an evaluated model comes from.

    Args:
        file: the checkpoint folder or model file, relative to the run folder where it lies inside.
        kind: `PyTorch FP32`, `ONNX FP32`, `ONNX float16` or `ONNX INT8`.
        step: training steps behind it.
        epoch: passes over the training split behind it, or None when that is not known.
        command: the command line that asked for the evaluation.
    """

    file: str
    kind: str
    step: int
    epoch: float | None
    command: str


@dataclass(frozen=True)
class EvaluationResult:
    """All numbers of one evaluation of one model.

    Args:
        origin: the model.
        seconds: that the evaluation took, preparation of networks and real faces not counted.
        scores: one per metric and transform, `overall` first.
        by_attribute: success of the overall edits per attribute; `transform` is the attribute's name.
        floor: what unedited held-out faces get in place of edits: the best that these counts allow.
        not_measured: figures that could not be had, each with the reason.
        notes: what a reader must know to read the numbers.
        judge: the classifier, or None if success is not measured.
        by_face: by metric, what each face of the overall edits got; success as changes reached, with `ASKED` how many were asked.
    """

    origin: Origin
    seconds: float
    scores: tuple[Score, ...]
    by_attribute: tuple[Score, ...]
    floor: tuple[Score, ...]
    not_measured: tuple[NotMeasured, ...]
    notes: tuple[str, ...]
    judge: Judge | None
    by_face: Mapping[str, tuple[float, ...]]

    def __repr__(self) -> str:
        overall = ", ".join(f"{score.metric} {score.value:.4g}" for score in self.scores if score.transform == OVERALL)
        return f"<EvaluationResult of {self.origin.file}, step {self.origin.step:,}: {overall or 'no scores'}>"

    def transforms(self) -> tuple[str, ...]:
        """Names of the rows, in order, those without any number too."""
        names = [score.transform for score in self.scores] + [missing.transform for missing in self.not_measured]
        return tuple(dict.fromkeys(names))

    def metrics(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(dict.fromkeys(score.metric for score in self.scores))

    def find(self, metric: str, transform: str = OVERALL) -> Score | None:
        """The score of that metric and transform, or None when it was not measured."""
        matches = (score for score in self.scores if (score.metric, score.transform) == (metric, transform))
        return next(matches, None)

    def distance(self, transform: str = OVERALL) -> Score | None:
        """The Frechet distance of the feature network that was used, `fid` or the stand-in's; of few pictures the extrapolated one."""
        found = [score for score in self.scores if score.transform == transform and is_frechet(score.metric)]
        return next((score for score in found if not score.is_bare_frechet), None) or next(iter(found), None)

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` turns back; what `scores/NAME.json` holds."""
        return {
            **asdict(self.origin),
            "seconds": self.seconds,
            "classifier": asdict(self.judge) if self.judge else None,
            "scores": [score.to_json() for score in self.scores],
            "by_attribute": [score.to_json() for score in self.by_attribute],
            "floor": [score.to_json() for score in self.floor],
            "not_measured": [asdict(missing) for missing in self.not_measured],
            "notes": list(self.notes),
            "by_face": {name: list(values) for name, values in self.by_face.items()},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], source: str) -> EvaluationResult:
        """The result that `to_json` wrote. Raises ScoreError, naming `source`, when it is damaged."""
        try:
            return cls(
                origin=Origin(**{name: value[name] for name in ("file", "kind", "step", "epoch", "command")}),
                seconds=value["seconds"],
                scores=tuple(map(Score.from_json, value["scores"])),
                by_attribute=tuple(map(Score.from_json, value["by_attribute"])),
                floor=tuple(map(Score.from_json, value["floor"])),
                not_measured=tuple(NotMeasured(**missing) for missing in value["not_measured"]),
                notes=tuple(value["notes"]),
                judge=_judge_from_json(value["classifier"]),
                by_face={name: tuple(map(float, values)) for name, values in value.get("by_face", {}).items()},
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as problem:
            raise ScoreError(f"{source} is damaged ({shown(problem)}). Evaluate again: lianpu evaluate RUN") from None


def _judge_from_json(value: Mapping[str, Any] | None) -> Judge | None:
    if value is None:
        return None
    accuracy = {name: AttributeAccuracy(**numbers) for name, numbers in value["accuracy"].items()}
    return Judge(accuracy, value["train_count"])


@dataclass(frozen=True)
class Difference:
    """How much better or worse the second of two models is than the first, on the same faces.

    Args:
        metric: of the score.
        interval: second minus first, with its 95 % interval.
        faces: how many were edited by both.
        better: which way is better.
    """

    metric: str
    interval: Interval
    faces: int
    better: Better

    @property
    def winner(self) -> Literal["first", "second", "neither"]:
        """`neither` where the interval holds 0, or the metric only describes."""
        if self.better == "neither" or self.interval.low <= 0 <= self.interval.high:
            return "neither"
        return "second" if (self.interval.value > 0) == (self.better == "higher") else "first"


def paired_differences(first: EvaluationResult, second: EvaluationResult) -> tuple[Difference, ...]:
    """Differences of the overall scores of two models that edited the same faces, by a bootstrap over the faces.

    Raises:
        ScoreError: a score that both have was measured by two protocols.
    """
    found = []
    for name in first.by_face:
        ours, theirs = first.find(name), second.find(name)
        if ours is None or theirs is None or name not in second.by_face:
            continue
        compare_scores(ours, theirs)
        pairs = np.stack(
            [first.by_face[name], second.by_face[name], first.by_face.get(ASKED, ()) or np.ones(len(first.by_face[name]))]
        )
        asked = pairs[2] if name == "attribute_success" else np.ones(pairs.shape[1])
        drawn = bootstrap(np.stack([pairs[1] - pairs[0], asked], axis=1), ours.protocol.seed, _share_of_sums)
        found.append(Difference(name, drawn, pairs.shape[1], ours.better))
    return tuple(found)


def _share_of_sums(drawn: np.ndarray) -> float:
    difference, asked = drawn.sum(axis=0)
    return float(difference / asked) if asked else 0.0
