"""A generator as one ONNX file that describes itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import nn

from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_metadata import ONNX_FP32, write_metadata
from lianpu.errors import ModelError
from lianpu.export.inference_form import inference_form
from lianpu.models.onnx_trace import trace_to_onnx
from lianpu.version import __version__

LARGEST_FILE_BYTES = 2_000_000_000
"""Protobuf, and so one ONNX file, holds no more than 2 GiB."""


def write_graph(generator: nn.Module, info: ModelInfo, target: Path) -> Path:
    """`target`: inputs `image` (B, 3, S, S) and `labels` (B, A), output `edited` (B, 3, S, S), float32, any B.

    Weights lie in the file itself. Nothing is proved here: that is what `export_generator` adds.

    Raises:
        ModelError: the file would be larger than one ONNX file may be.
    """
    bytes_needed = sum(parameter.numel() * 4 for parameter in generator.parameters())
    if bytes_needed > LARGEST_FILE_BYTES:
        raise ModelError(
            f"The generator has {bytes_needed / 1e9:.1f} GB of weights; one ONNX file holds 2. Train with a smaller g_conv_dim or g_repeat_num."
        )
    model = _trace(inference_form(generator).cpu(), info)
    describe(model, info, ONNX_FP32, {"opset": opset_of(model)})
    onnx.save_model(model, str(target))
    return target


def _trace(network: nn.Module, info: ModelInfo) -> onnx.ModelProto:
    image = torch.zeros(2, 3, info.image_size, info.image_size)
    return trace_to_onnx(network, {"image": image, "labels": torch.zeros(2, len(info.attributes))}, "edited")


def describe(model: onnx.ModelProto, info: ModelInfo, kind: str, facts: Mapping[str, Any]) -> None:
    """Write into the model what it is."""
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, write_metadata(info, kind, facts))
    model.producer_name, model.producer_version = "lianpu", __version__
    model.doc_string = f"StarGAN face editor, {info.image_size} px, RGB in [-1, 1]; labels in the order of `attributes`"


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that the model uses."""
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def file_bytes(file: Path) -> int:
    """Bytes of an ONNX file and of every file that its weights lie in."""
    model = onnx.load_model(str(file), load_external_data=False)
    beside = {entry.value for tensor in model.graph.initializer for entry in tensor.external_data if entry.key == "location"}
    return file.stat().st_size + sum((file.parent / name).stat().st_size for name in beside)
