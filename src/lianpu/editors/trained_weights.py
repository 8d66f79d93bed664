"""The weights of a trained generator, whatever file they lie in: what a new training can begin with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
import torch
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from lianpu.editors.checkpoint_editor import load_generator
from lianpu.editors.editor import ModelInfo
from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file
from lianpu.editors.onnx_editor import ONNX_FP32, read_metadata
from lianpu.errors import ModelError
from lianpu.runs import Checkpoint, open_run
from lianpu.stargan.published import load_published_generator


@dataclass(frozen=True)
class TrainedWeights:
    """A generator's weights and where they came from.

    Args:
        tensors: by the names of the network's `state_dict`; an ONNX file has more, which belong to its graph.
        info: labels, size and licence; None for a published checkpoint, which does not say them.
        discriminator_file: the discriminator that was trained with it, or None.
    """

    tensors: Mapping[str, torch.Tensor]
    info: ModelInfo | None
    discriminator_file: Path | None = None


def read_trained_weights(source: str) -> TrainedWeights:
    """The weights in a run folder (its last checkpoint; averaged where there is an average), a checkpoint folder, an ONNX file that
    `lianpu export` wrote of a lite generator, a published `*-G.ckpt`; or those of `lite`, the bundled editor.

    Raises:
        LianpuError: there is nothing to read there, it is damaged or quantized, or not allowed under --commercial-safe.
    """
    if source in BUNDLED_EDITORS:
        return _from_onnx(bundled_editor_file(source))
    path = Path(source)
    if path.is_dir():
        checkpoint = Checkpoint(path)
        if not checkpoint.state_file.is_file():
            checkpoint = open_run(path).last_checkpoint()
        generator, info, _ = load_generator(checkpoint)
        return TrainedWeights(generator.state_dict(), info, checkpoint.discriminator_file)
    if path.suffix == ".onnx" and path.is_file():
        return _from_onnx(path)
    if path.suffix in (".ckpt", ".pth") and path.is_file():
        return TrainedWeights(load_published_generator(path).state_dict(), None)
    what = "is no model file" if path.is_file() else "is not there"
    raise ModelError(
        f"{source} {what}, so no training can begin with it. Give a run folder, a checkpoint folder, an .onnx file, a *-G.ckpt, or lite."
    )


def _from_onnx(file: Path) -> TrainedWeights:
    try:
        model = onnx.load(file)
    except (DecodeError, OSError, ValueError) as problem:
        raise ModelError(
            f"{file} is damaged or no ONNX file ({type(problem).__name__}). Export it again: lianpu export RUN"
        ) from None
    info, kind = read_metadata({entry.key: entry.value for entry in model.metadata_props}, str(file))
    if kind != ONNX_FP32:
        raise ModelError(f"{file} is {kind}: its weights are rounded. Give the file that it was quantized from, or its run.")
    return TrainedWeights(
        {one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in model.graph.initializer}, info
    )
