"""Everything a report can be made from: the files of a run folder, read and checked once. Missing files are no error, damaged ones are."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianpu.errors import RunError
from lianpu.files import read_json
from lianpu.report.layers import ModelSize
from lianpu.report.values import Values, as_values
from lianpu.runs import Run

DISTANCES = ("fid", "frechet_efficientnet_lite0")
"""Distances between sets of pictures that can head a report, the best known first. Only `fid` may be called FID."""


@dataclass(frozen=True)
class Score:
    """One measured figure, with all that fixed it. `transform` is `overall` or as `Black_Hair -> Blond_Hair`."""

    metric: str
    transform: str
    value: float | None
    deviation: float | None
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


@dataclass(frozen=True)
class RunFiles:
    """The contents of a run folder. None, or empty, is what no stage has written yet."""

    run: Run
    config: Values
    steps: tuple[Values, ...]
    state: Values | None
    environment: Values | None
    scored: tuple[Scored, ...]
    parity: Values | None
    quantization: Values | None
    benchmark: Values | None

    @property
    def checkpoints(self) -> tuple[Scored, ...]:
        """The scored checkpoints of this run, oldest first."""
        return tuple(sorted((one for one in self.scored if one.is_checkpoint), key=lambda one: one.step or 0))

    @property
    def main(self) -> Scored | None:
        """The score file that the report is about: the newest scored checkpoint, or else any scored file."""
        return self.checkpoints[-1] if self.checkpoints else (self.scored[-1] if self.scored else None)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Attribute names in the order of the label vector."""
        return self.config.texts("data", "attributes", "names") or self.config.texts("selected_attrs")

    @property
    def last_step(self) -> int:
        """How far training got, by log and checkpoints; 0 before it started."""
        logged = (self.steps[-1].integer("step") or 0) if self.steps else 0
        return max((logged, *self.run.checkpoint_steps()))

    def model_size(self) -> ModelSize | None:
        """The settings that fix the networks, None when config.yaml lacks one of them."""
        model = self.config.section("model")
        names = ("image_size", "g_conv_dim", "d_conv_dim", "g_repeat_num", "d_repeat_num")
        sizes = {name: number for name in names if (number := model.integer(name)) is not None}
        return ModelSize(**sizes, attribute_count=len(self.attributes)) if len(sizes) == len(names) and self.attributes else None

    def last_logged(self, name: str) -> tuple[float, int] | None:
        """The last logged value of that name, and its step."""
        for line in reversed(self.steps):
            value = line.number(name)
            if value is not None:
                return value, line.integer("step") or 0
        return None


def read_run_files(run: Run) -> RunFiles:
    """What the run folder holds now.

    Raises:
        RunError: config.yaml is missing, or a file is damaged; the message names it.
    """
    return RunFiles(
        run=run,
        config=Values(_name(run, run.config_file), run.read_config()),
        steps=_read_steps(run),
        state=_read_state(run),
        environment=_read_if_there(run, run.environment_file),
        scored=tuple(_read_scored(run, file) for file in sorted(run.scores_folder.glob("*.json"))),
        parity=_read_if_there(run, run.parity_file),
        quantization=_read_if_there(run, run.quantization_file),
        benchmark=_read_if_there(run, run.benchmark_file),
    )


def _name(run: Run, file: Path) -> str:
    return file.relative_to(run.folder).as_posix()


def _read_if_there(run: Run, file: Path) -> Values | None:
    return as_values(_name(run, file), read_json(file, _damaged)) if file.exists() else None


def _damaged(message: str) -> RunError:
    return RunError(f"{message}. Run the command that writes it again, or remove the file.")


def _read_steps(run: Run) -> tuple[Values, ...]:
    source = _name(run, run.steps_file)
    lines = tuple(as_values(f"{source}, line {number}", line) for number, line in enumerate(run.read_steps(), start=1))
    for line in lines:
        if line.integer("step") is None:
            raise RunError(f"{line.source}, has no 'step'. Remove that line, or restore the file.")
    return lines


def _read_state(run: Run) -> Values | None:
    states = [file for step in run.checkpoint_steps() if (file := run.checkpoint(step).state_file).exists()]
    return _read_if_there(run, states[-1]) if states else None


def _read_scored(run: Run, file: Path) -> Scored:
    values = as_values(_name(run, file), read_json(file, _damaged))
    return Scored(
        name=file.stem,
        source=values.source,
        file=values.text("file") or "",
        kind=values.text("kind") or "",
        step=values.integer("step"),
        epoch=values.number("epoch"),
        command=read_command(values),
        scores=tuple(_read_score(row) for row in values.rows("scores")),
        floor=tuple(_read_score(row) for row in values.rows("floor")),
        by_attribute=tuple(_read_score(row) for row in values.rows("by_attribute")),
        not_measured=tuple(
            Reason(row.text("metric") or "", row.text("transform") or "overall", row.text("reason") or "")
            for row in values.rows("not_measured")
        ),
        notes=values.texts("notes"),
        accuracies=_read_accuracies(values.section("classifier", "accuracy")),
        classifier_train_count=values.integer("classifier", "train_count"),
    )


def _read_score(row: Values) -> Score:
    metric = row.text("metric")
    if metric is None:
        raise RunError(f"{row.source}: a score has no 'metric'. Evaluate again: lianpu evaluate")
    return Score(
        metric=metric,
        transform=row.text("transform") or "overall",
        value=row.number("value"),
        deviation=row.number("std"),
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


def read_command(values: Values) -> str:
    """The command that a file was written by, one line; an empty text when it does not say."""
    command = values.mapping.get("command")
    if isinstance(command, list):
        return " ".join(str(word) for word in command)
    return " ".join(str(command).split()) if command else ""
