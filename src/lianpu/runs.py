"""The run folder, through which the stages pass their results. Only this module spells its file names."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianpu.errors import RunError, nearest_name
from lianpu.files import append_text, read_json, read_json_lines, write_json, write_text
from lianpu.yaml_text import dump_yaml, load_yaml


@dataclass(frozen=True)
class Checkpoint:
    """The files of one checkpoint folder. Making the object touches nothing."""

    folder: Path

    @property
    def generator_file(self) -> Path:
        """Weights of the generator as trained."""
        return self.folder / "generator.safetensors"

    @property
    def ema_file(self) -> Path:
        """The averaged generator, which is shown, scored and exported; missing if averaging is off."""
        return self.folder / "generator_ema.safetensors"

    @property
    def discriminator_file(self) -> Path:
        return self.folder / "discriminator.safetensors"

    @property
    def projected_file(self) -> Path:
        """The projected discriminator; missing if the run has none."""
        return self.folder / "projected_discriminator.safetensors"

    @property
    def optimizers_file(self) -> Path:
        """Adam's moments of all networks."""
        return self.folder / "optimizers.safetensors"

    @property
    def state_file(self) -> Path:
        """Step, network sizes, labels and origin, as JSON."""
        return self.folder / "state.json"


@dataclass(frozen=True)
class Run:
    """One training run on disk. Making the object touches nothing."""

    folder: Path

    @property
    def config_file(self) -> Path:
        """The record of settings, attributes, data and its fingerprint, versions, command."""
        return self.folder / "config.yaml"

    @property
    def lock_file(self) -> Path:
        """Held by the process that trains."""
        return self.folder / ".lock"

    @property
    def steps_file(self) -> Path:
        """One JSON line per logged step."""
        return self.folder / "steps.jsonl"

    @property
    def environment_file(self) -> Path:
        """The machine that trained, hours and peak memory."""
        return self.folder / "environment.json"

    @property
    def samples_folder(self) -> Path:
        """Grids of the fixed faces."""
        return self.folder / "samples"

    @property
    def large_edits_file(self) -> Path:
        """Edits of the run's editor on faces larger than it was trained on; only a demo has them."""
        return self.samples_folder / "edits-large.png"

    @property
    def transforms_file(self) -> Path:
        """Edits of the learned transforms, for comparison; only a demo has them."""
        return self.samples_folder / "transforms.png"

    @property
    def bundled_editor_file(self) -> Path:
        """Edits of the bundled editor, for comparison; only a demo has them."""
        return self.samples_folder / "carried-editor.png"

    @property
    def checkpoints_folder(self) -> Path:
        """One folder per checkpoint, named by its step."""
        return self.folder / "checkpoints"

    @property
    def tensorboard_folder(self) -> Path:
        """Event files for TensorBoard."""
        return self.folder / "tensorboard"

    @property
    def tracker_file(self) -> Path:
        """What trackers (Weights & Biases, MLflow, trackio) call this run; there if one was asked for."""
        return self.folder / "tracker.json"

    @property
    def classifier_folder(self) -> Path:
        """The independent attribute classifier that judges the edits."""
        return self.folder / "classifier"

    @property
    def guide_folder(self) -> Path:
        """The classifier that guides the training and the part maps of the training faces, if the settings use them."""
        return self.folder / "guide"

    @property
    def part_maps_file(self) -> Path:
        return self.folder / "guide_parts.npz"

    @property
    def pairs_folder(self) -> Path:
        """Edited training faces, where the teacher is `transforms` or `drawn`."""
        return self.folder / "pairs"

    @property
    def export_folder(self) -> Path:
        """ONNX files and their measurements."""
        return self.folder / "export"

    @property
    def onnx_file(self) -> Path:
        return self.export_folder / "model.onnx"

    @property
    def float16_file(self) -> Path:
        """The same with its weights in float16; there if it was asked for."""
        return self.export_folder / "model.float16.onnx"

    @property
    def int8_file(self) -> Path:
        return self.export_folder / "model.int8.onnx"

    @property
    def parity_file(self) -> Path:
        """How far ONNX is from PyTorch."""
        return self.export_folder / "parity.json"

    @property
    def quantization_file(self) -> Path:
        """How the INT8 model was quantized, and with which faces."""
        return self.export_folder / "quantization.json"

    @property
    def benchmark_file(self) -> Path:
        """The comparison table of the files: size, latency, distance, PSNR."""
        return self.export_folder / "benchmark.json"

    @property
    def tournament_folder(self) -> Path:
        """What `quantize --search` tried: the candidates, tournament.json and its plot."""
        return self.export_folder / "tournament"

    @property
    def scores_folder(self) -> Path:
        """One JSON file per evaluation."""
        return self.folder / "scores"

    def card_folder(self, name: str) -> Path:
        """The scorecard of a model by the name of its score file: card.json, its pages and pictures."""
        return self.folder / "cards" / name

    @property
    def report_folder(self) -> Path:
        return self.folder / "report"

    @property
    def report_pictures_folder(self) -> Path:
        """Pictures that the Markdown report shows."""
        return self.report_folder / "pictures"

    def report_file(self, language: str, ending: str) -> Path:
        """`report.html`, or `report.zh.html` for another language than English."""
        middle = "" if language == "en" else f".{language}"
        return self.report_folder / f"report{middle}.{ending}"

    def sample_file(self, step: int) -> Path:
        """The grid of the fixed faces after `step` steps."""
        return self.samples_folder / f"{step:09d}.png"

    def checkpoint(self, step: int) -> Checkpoint:
        """The checkpoint after `step` steps."""
        return Checkpoint(self.checkpoints_folder / f"{step:09d}")

    def checkpoint_steps(self) -> tuple[int, ...]:
        """Steps that have a checkpoint, oldest first. Unfinished ones (hidden folders) are ignored."""
        if not self.checkpoints_folder.is_dir():
            return ()
        return tuple(sorted(int(entry.name) for entry in self.checkpoints_folder.iterdir() if re.fullmatch(r"\d{9}", entry.name)))

    def sample_steps(self) -> tuple[int, ...]:
        """Steps that have a sample grid, oldest first."""
        return tuple(sorted(int(file.stem) for file in self.samples_folder.glob("*.png") if file.stem.isdigit()))

    def last_checkpoint(self) -> Checkpoint:
        """The newest checkpoint. Raises RunError when there is none."""
        steps = self.checkpoint_steps()
        if not steps:
            raise RunError(f"{self.folder} has no checkpoint yet. Train it first: lianpu train --run-dir {self.folder}")
        return self.checkpoint(steps[-1])

    def write_config(self, values: dict[str, Any]) -> Path:
        """`config.yaml`, holding plain values."""
        return write_text(self.config_file, dump_yaml(values))

    def read_config(self) -> dict[str, Any]:
        """The contents of `config.yaml`. Raises RunError when it is missing or damaged."""
        try:
            values = load_yaml(self.config_file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(
                f"{self.folder} is not a run folder: it has no config.yaml. Give the folder that --run-dir named."
            ) from None
        except (OSError, ValueError) as problem:
            raise RunError(f"{self.config_file} cannot be read ({' '.join(str(problem).split())}).") from None
        if not isinstance(values, dict):
            raise RunError(f"{self.config_file} holds no settings. Restore it, or start a new run.")
        return values

    def append_step(self, values: dict[str, Any]) -> None:
        """Append a line to steps.jsonl."""
        append_text(self.steps_file, json.dumps(values, allow_nan=False) + "\n")

    def read_steps(self) -> list[dict[str, Any]]:
        """The logged steps, oldest first. A last line cut by a crash is left out."""
        if not self.steps_file.is_file():
            return []
        steps = read_json_lines(self.steps_file, RunError)
        for number, values in enumerate(steps, start=1):
            if not isinstance(values, dict) or type(values.get("step")) is not int:
                raise RunError(f"{self.steps_file}, line {number}, says no step. Restore the file, or remove that line.")
        return steps

    def keep_steps_up_to(self, step: int) -> None:
        """Drop logged steps after `step`, and a line cut by a crash: training resumes from an older checkpoint."""
        if self.steps_file.is_file():
            kept = [values for values in self.read_steps() if values["step"] <= step]
            write_text(self.steps_file, "".join(json.dumps(values, allow_nan=False) + "\n" for values in kept))

    def write_score(self, name: str, values: dict[str, Any]) -> Path:
        """`scores/NAME.json`."""
        return write_json(self.scores_folder / f"{name}.json", values)

    def read_scores(self) -> dict[str, Any]:
        """All score files by name; unfinished ones (hidden files) are ignored."""
        files = sorted(file for file in self.scores_folder.glob("*.json") if not file.name.startswith("."))
        return {file.stem: read_json(file, RunError) for file in files}


def open_run(folder: Path | str) -> Run:
    """The run in a folder that training wrote.

    Raises:
        RunError: the folder is missing or has no config.yaml; similar names next to it are suggested.
    """
    path = Path(folder)
    if not path.is_dir():
        beside = [entry.name for entry in path.parent.iterdir() if entry.is_dir()] if path.parent.is_dir() else []
        raise RunError(f"{path} is no run folder: it is not there{nearest_name(path.name, beside)}.")
    run = Run(path)
    run.read_config()
    return run
