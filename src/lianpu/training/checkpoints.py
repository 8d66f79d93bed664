"""Checkpoints: wholly there or not at all, and enough to go on bit for bit."""

from __future__ import annotations

import shutil
from typing import Any

import torch

from lianpu.attributes import AttributeSet
from lianpu.editors.checkpoint_editor import load_weights, read_checkpoint_tensors, read_state
from lianpu.editors.editor import ModelInfo
from lianpu.errors import CheckpointError, LianpuError, TrainingError
from lianpu.files import atomic_folder, read_json, sha256_of, write_json
from lianpu.runs import Checkpoint, Run
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.networks import count_parameters
from lianpu.training.state import TrainingState
from lianpu.weights import save_tensors


def save_checkpoint(run: Run, state: TrainingState, info: ModelInfo, model: ModelConfig, keep: int) -> Checkpoint:
    """The checkpoint of `state`, written in full before it gets its name; older ones than the last `keep` are removed.

    Raises:
        TrainingError: the disk is full or cannot be written; checkpoints that were there still are.
    """
    target = run.checkpoint(state.step)
    try:
        with atomic_folder(target.folder) as partial:
            _write_files(Checkpoint(partial), state, info, model)
    except LianpuError as problem:
        older = run.checkpoint_steps()
        kept = f" The last good checkpoint is {run.checkpoint(older[-1]).folder}." if older else ""
        raise TrainingError(f"{problem}{kept}") from None
    for step in run.checkpoint_steps()[:-keep]:
        shutil.rmtree(run.checkpoint(step).folder, ignore_errors=True)
    return target


def load_checkpoint(checkpoint: Checkpoint, state: TrainingState, attributes: AttributeSet) -> None:
    """Bring `state` (made for the same networks and `attributes`) to where the checkpoint was saved.

    Raises:
        CheckpointError: a file is missing, damaged, or of other networks or labels. `state` may be half filled then.
    """
    values = read_json(checkpoint.state_file, CheckpointError)
    theirs = read_state(checkpoint)[0].attributes
    if theirs != attributes:
        raise CheckpointError(
            f"{checkpoint.folder} was trained for the labels {' '.join(theirs.names)}, not {' '.join(attributes.names)}. Take these, or another --run-dir."
        )
    load_weights(state.generator, checkpoint.generator_file)
    load_weights(state.discriminator, checkpoint.discriminator_file)
    if state.averaged is not None:
        load_weights(state.averaged, checkpoint.ema_file if checkpoint.ema_file.is_file() else checkpoint.generator_file)
    has_projected = checkpoint.projected_file.is_file()  # else it was switched on since, and begins with chance
    if state.projected is not None and has_projected:
        load_weights(state.projected.discriminator, checkpoint.projected_file)
    tensors = read_checkpoint_tensors(checkpoint.optimizers_file)
    try:
        _fill_optimizer(state.generator_optimizer, tensors, "generator")
        _fill_optimizer(state.discriminator_optimizer, tensors, "discriminator")
        if state.projected is not None and has_projected:
            _fill_optimizer(state.projected.optimizer, tensors, "projected")
        state.step, state.generator_steps = int(values["step"]), int(values["generator_steps"])
        state.seconds = float(values["seconds"])
    except (KeyError, TypeError, ValueError) as problem:
        raise CheckpointError(
            f"{checkpoint.folder} is damaged ({problem!r}). Move it away and run the same command again."
        ) from None


def _write_files(files: Checkpoint, state: TrainingState, info: ModelInfo, model: ModelConfig) -> None:
    save_tensors(state.generator.state_dict(), files.generator_file)
    save_tensors(state.discriminator.state_dict(), files.discriminator_file)
    if state.averaged is not None:
        save_tensors(state.averaged.state_dict(), files.ema_file)
    moments = _moments(state.generator_optimizer, "generator") | _moments(state.discriminator_optimizer, "discriminator")
    if state.projected is not None:
        save_tensors(state.projected.discriminator.state_dict(), files.projected_file)
        moments |= _moments(state.projected.optimizer, "projected")
    save_tensors(moments, files.optimizers_file)
    write_json(
        files.state_file,
        {
            "sha256": {file.name: sha256_of(file) for file in sorted(files.folder.glob("*.safetensors"))},
            "step": state.step,
            "generator_steps": state.generator_steps,
            "seconds": state.seconds,
            "info": info.to_json(),
            "model": model.model_dump(mode="json"),
            "parameters": {
                "generator": count_parameters(state.generator),
                "discriminator": count_parameters(state.discriminator),
            },
        },
    )


def _moments(optimizer: torch.optim.Adam, prefix: str) -> dict[str, torch.Tensor]:
    """Adam's state as one flat table: `generator.12.exp_avg`."""
    states: dict[int, dict[str, torch.Tensor]] = optimizer.state_dict()["state"]
    return {f"{prefix}.{index}.{name}": tensor for index, values in states.items() for name, tensor in values.items()}


def _fill_optimizer(optimizer: torch.optim.Adam, tensors: dict[str, torch.Tensor], prefix: str) -> None:
    states: dict[int, dict[str, Any]] = {}
    for key, tensor in tensors.items():
        owner, index, name = key.split(".")
        if owner == prefix:
            states.setdefault(int(index), {})[name] = tensor
    full = optimizer.state_dict()
    full["state"] = states
    optimizer.load_state_dict(full)
