"""An editor from a checkpoint that training wrote."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from lianpu.attributes import Labels
from lianpu.editors.editor import ModelInfo, check_edit_inputs, short_name
from lianpu.errors import CheckpointError, ModelError
from lianpu.files import read_json, sha256_of
from lianpu.runs import Checkpoint
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.lite import AllOutputs, AnyGenerator, LiteGenerator, build_generator
from lianpu.weights import Tensors, read_tensors


class CheckpointEditor:
    """A torch generator as an Editor. It runs in eval mode, which for these networks equals train mode."""

    def __init__(self, generator: AnyGenerator, info: ModelInfo, device: torch.device) -> None:
        self.info = info
        self.kind = "PyTorch FP32"
        self.generator = generator.eval().to(device)
        self.device = device

    def __repr__(self) -> str:
        step = f"run {self.info.run_id}, step {self.info.step:,}" if self.info.run_id else ""
        return short_name(self.kind, step, self.info)

    @torch.inference_mode()
    def edit(self, batch: torch.Tensor, labels: Labels) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] and target labels (B, A) to edited faces of the same form, on the CPU."""
        check_edit_inputs(self.info, batch, labels)
        edited: torch.Tensor = self.generator(
            batch.to(self.device), torch.as_tensor(labels, dtype=torch.float32, device=self.device)
        )
        return edited.float().cpu()

    @torch.inference_mode()
    def fields_array(self, batch: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
        """As `editors.editor.FieldEditor` says."""
        if not (self.info.has_fields and isinstance(self.generator, LiteGenerator)):
            raise ModelError("This generator gives an edited face and no fields. Train one with --output fields.")
        check_edit_inputs(self.info, batch, labels)
        faces = torch.from_numpy(batch).to(self.device)
        drawn = AllOutputs(self.generator)(faces, torch.as_tensor(labels, dtype=torch.float32, device=self.device))
        return {name: output.float().cpu().numpy() for name, output in zip(self.info.outputs, drawn, strict=True)}


def load_generator(checkpoint: Checkpoint) -> tuple[AnyGenerator, ModelInfo, ModelConfig]:
    """The generator of a checkpoint (the averaged one where there is one), what it says of itself, and its sizes.

    Raises:
        CheckpointError: a file is missing, damaged, or does not fit the sizes that it states.
    """
    info, model = read_state(checkpoint)
    generator = build_generator(model, len(info.attributes))
    load_weights(generator, checkpoint.ema_file if checkpoint.ema_file.is_file() else checkpoint.generator_file)
    return generator.eval(), info, model


def read_state(checkpoint: Checkpoint) -> tuple[ModelInfo, ModelConfig]:
    """What a checkpoint says of itself: labels and origin, and network sizes. Raises CheckpointError when it cannot be read."""
    state = read_json(checkpoint.state_file, CheckpointError)
    try:
        return ModelInfo.from_json(state["info"], str(checkpoint.state_file)), ModelConfig.model_validate(state["model"])
    except (KeyError, TypeError, ValueError) as problem:
        raise CheckpointError(
            f"{checkpoint.state_file} is damaged ({' '.join(str(problem).split())[:160]}). Use an older checkpoint."
        ) from None


def load_weights(network: nn.Module, file: Path) -> None:
    """Fill a network from a safetensors file. Raises CheckpointError when the file is damaged or of another network."""
    try:
        network.load_state_dict(read_checkpoint_tensors(file))
    except RuntimeError as problem:
        reason = " ".join(str(problem).split())[:200]
        raise CheckpointError(f"{file} does not fit the network that its state.json describes ({reason}).") from None


def read_checkpoint_tensors(file: Path) -> Tensors:
    """The tensors of a file of a checkpoint, whose bytes are those that its state.json names.

    Raises:
        CheckpointError: it is missing, damaged, or has changed since it was written; what to do is said, with the checkpoint before it.
    """
    before = _checkpoint_before(file.parent)
    there = f" ({before.name})" if before is not None else ", or from the start where there is none"
    advice = f"Move the folder {file.parent} away and run the same command again: it resumes from the checkpoint before{there}."
    tensors = read_tensors(file, CheckpointError, advice)
    state = read_json(Checkpoint(file.parent).state_file, CheckpointError)
    written = (
        state.get("sha256", {}).get(file.name) if isinstance(state, dict) and isinstance(state.get("sha256"), dict) else None
    )
    if written is not None and written != sha256_of(file):
        raise CheckpointError(f"{file} is damaged: its bytes are not those that were written (SHA-256). {advice}")
    return tensors


def _checkpoint_before(folder: Path) -> Path | None:
    """The checkpoint folder of the same run before `folder`, by its number."""
    try:
        older = [path for path in folder.parent.iterdir() if path.is_dir() and path.name.isdigit() and path.name < folder.name]
    except OSError:
        return None
    return max(older, default=None)
