"""Everything a report can be made from: the files of a run folder, read and checked once. Missing files are no error, damaged ones are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from lianpu.errors import RunError
from lianpu.files import read_json
from lianpu.report.scored import Scored, read_scored
from lianpu.report.values import Values, as_values
from lianpu.runs import Run
from lianpu.stargan.layers import ModelSize


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
    card: Values | None = None
    tournament: Values | None = None

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
        if len(sizes) < len(names) or not self.attributes:
            return None
        return ModelSize(
            **sizes,
            attribute_count=len(self.attributes),
            generator=model.text("generator") or "stargan",
            lite_size=model.text("lite_size") or "M",
            conditioning=model.text("conditioning") or "film",
            output=model.text("output") or "mask",
        )

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
    files = RunFiles(
        run=run,
        config=Values(_name(run, run.config_file), run.read_config()),
        steps=_read_steps(run),
        state=_read_state(run),
        environment=_read_if_there(run, run.environment_file),
        scored=tuple(_read_scored(run, file) for file in sorted(run.scores_folder.glob("*.json"))),
        parity=_read_if_there(run, run.parity_file),
        quantization=_read_if_there(run, run.quantization_file),
        benchmark=_read_if_there(run, run.benchmark_file),
        tournament=_read_if_there(run, run.tournament_folder / "tournament.json"),
    )
    main = files.main
    return replace(files, card=_read_if_there(run, run.card_folder(main.name) / "card.json")) if main else files


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
    return read_scored(file.stem, as_values(_name(run, file), read_json(file, _damaged)))
