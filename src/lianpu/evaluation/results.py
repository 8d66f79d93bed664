"""What an evaluation found, and its file in the run's scores folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lianpu.errors import ScoreError, shown
from lianpu.evaluation.protocol import OVERALL, NotMeasured, Score
from lianpu.metrics.attribute_classifier import AttributeAccuracy


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
    """

    origin: Origin
    seconds: float
    scores: tuple[Score, ...]
    by_attribute: tuple[Score, ...]
    floor: tuple[Score, ...]
    not_measured: tuple[NotMeasured, ...]
    notes: tuple[str, ...]
    judge: Judge | None

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
        """The Frechet distance of the feature network that was used: `fid` or the stand-in's."""
        metric = next((name for name in self.metrics() if name == "fid" or name.startswith("frechet_")), "")
        return self.find(metric, transform)

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
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as problem:
            raise ScoreError(f"{source} is damaged ({shown(problem)}). Evaluate again: lianpu evaluate RUN") from None


def _judge_from_json(value: Mapping[str, Any] | None) -> Judge | None:
    if value is None:
        return None
    accuracy = {name: AttributeAccuracy(**numbers) for name, numbers in value["accuracy"].items()}
    return Judge(accuracy, value["train_count"])
