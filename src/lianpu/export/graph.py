"""The graph that is exported: the generator in a form that runs faster, as one ONNX file with its metadata."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.numpy_helper
import torch
from torch import nn
from torch.nn import functional

from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import ONNX_FP32, write_metadata
from lianpu.errors import ModelError
from lianpu.models.onnx_trace import trace_to_onnx, with_opset
from lianpu.stargan.layers import BAND_SIGMAS
from lianpu.stargan.lite import AllOutputs, LiteGenerator, outputs_of
from lianpu.version import __version__

PICTURE_CHANNELS = 3
"""A convolution with no more outputs than this makes a picture, of even side."""


class PhasedUpsampling(nn.Module):
    """A transposed convolution (4x4, stride 2, padding 1) as four 2x2 convolutions: (B, F, H, W) to (B, G, 2H, 2W).

    Output pixels with the same (row % 2, column % 2), a phase, see the same 2x2 of the 4x4 taps, so each phase is a convolution
    of the input; no tap and no multiplication is added or lost. Shi et al. 2016, "Is the deconvolution layer the same as a
    convolutional layer?", arXiv:1609.07009.
    """

    def __init__(self, transposed: nn.ConvTranspose2d) -> None:
        super().__init__()
        taps = transposed.weight.detach().transpose(0, 1)
        self.phases = nn.ParameterList(
            nn.Parameter(taps[:, :, _TAPS[row]][:, :, :, _TAPS[column]].clone()) for row in (0, 1) for column in (0, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = []
        for index, kernel in enumerate(self.phases):
            row, column = divmod(index, 2)
            outputs.append(functional.conv2d(functional.pad(x, (1 - column, column, 1 - row, row)), kernel))
        return functional.pixel_shuffle(torch.stack(outputs, dim=2).flatten(1, 2), 2)


_TAPS = ([3, 1], [2, 0])
"""Kernel rows that reach an even and an odd output row, in the order of the two input rows they read."""


class BlockOutput(nn.Module):
    """A convolution to few channels that computes 2x2 output pixels at once: (B, F, 2H, 2W) to (B, G, 2H, 2W).

    The kernel, shifted to each of the four pixels and padded with zeros, becomes four kernels of one convolution with stride 2.
    """

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        taps = convolution.weight.detach()
        outputs, features, size, _ = taps.shape
        block = taps.new_zeros(outputs, 4, features, size + 1, size + 1)
        for pixel in range(4):
            row, column = divmod(pixel, 2)
            block[:, pixel, :, row : row + size, column : column + size] = taps
        self.weight = nn.Parameter(block.flatten(0, 1))
        self.padding = size // 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.pixel_shuffle(functional.conv2d(x, self.weight, stride=2, padding=self.padding), 2)


def inference_form(network: nn.Module) -> nn.Module:
    """A copy of the network in eval mode that computes the same, with the layers above in place of those they stand for.

    Layers of another kind stay as they are.
    """
    form = copy.deepcopy(network).eval()
    for module in list(form.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, nn.ConvTranspose2d) and _doubles_size(child):
                setattr(module, name, PhasedUpsampling(child))
            elif isinstance(child, nn.Conv2d) and _has_few_outputs(child):
                setattr(module, name, BlockOutput(child))
    return form


def _doubles_size(layer: nn.ConvTranspose2d) -> bool:
    plain = layer.bias is None and layer.groups == 1 and layer.dilation == (1, 1) and layer.output_padding == (0, 0)
    return plain and (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))


def _has_few_outputs(layer: nn.Conv2d) -> bool:
    size = layer.kernel_size[0]
    same_size = layer.kernel_size == (size, size) and size % 2 == 1 and layer.padding == (size // 2, size // 2)
    plain = layer.bias is None and layer.groups == 1 and layer.dilation == (1, 1) and layer.stride == (1, 1)
    return plain and same_size and size > 1 and layer.out_channels <= PICTURE_CHANNELS


LARGEST_FILE_BYTES = 2_000_000_000
"""Protobuf, and so one ONNX file, holds no more than 2 GiB."""


def write_graph(generator: nn.Module, info: ModelInfo, target: Path, opset: int | None = None) -> Path:
    """`target`: inputs `image` (B, 3, S, S) and `labels` (B, A), output `edited` (B, 3, S, S), float32, any B; of a generator with
    fields also each of these (`stargan.fields.Fields`), which the metadata describes.

    Weights lie in the file itself. Nothing is proved here: that is what `export_generator` adds.

    Args:
        generator: on any device.
        info: what the file says of itself.
        target: the file.
        opset: version of ONNX's operators; None takes the exporter's own.

    Raises:
        ModelError: the file would be larger than one ONNX file may be, or cannot be written with that opset.
    """
    bytes_needed = sum(parameter.numel() * 4 for parameter in generator.parameters())
    if bytes_needed > LARGEST_FILE_BYTES:
        raise ModelError(
            f"The generator has {bytes_needed / 1e9:.1f} GB of weights; one ONNX file holds 2. Train with a smaller g_conv_dim or g_repeat_num."
        )
    info = replace(info, outputs=outputs_of(generator))
    model = _trace(inference_form(generator).cpu(), info)
    if opset is not None and opset != opset_of(model):
        model = with_opset(model, opset)
    describe(model, info, ONNX_FP32, {"opset": opset_of(model)})
    onnx.save_model(model, str(target))
    return target


_LEAST = 256
"""Values of the smallest tensor that is worth a Cast."""


def with_float16_weights(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose large float32 tensors lie in float16, each cast back in front of its use: half the size, and the arithmetic stays float32.

    Any runtime that runs the model runs the copy: float16 tensors are nothing but stored. ONNX Runtime casts them once, when it opens the file.
    """
    copied = onnx.ModelProto()
    copied.CopyFrom(model)
    casts = []
    for tensor in copied.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or math.prod(tensor.dims) < _LEAST:
            continue
        name, values = tensor.name, onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.float16"))
        casts.append(onnx.helper.make_node("Cast", [tensor.name], [name], f"{name}.cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *copied.graph.node]
    del copied.graph.node[:]
    copied.graph.node.extend(nodes)
    return copied


def _trace(network: nn.Module, info: ModelInfo) -> onnx.ModelProto:
    image = torch.zeros(2, 3, info.image_size, info.image_size)
    inputs = {"image": image, "labels": torch.zeros(2, len(info.attributes))}
    if not isinstance(network, LiteGenerator) or not info.has_fields:
        return trace_to_onnx(network, inputs, info.outputs)
    return _named_as_in_the_network(trace_to_onnx(AllOutputs(network).eval(), inputs, info.outputs))


def _named_as_in_the_network(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with the weights of an `AllOutputs` by the names of its generator: a training can begin with them."""
    for tensor in model.graph.initializer:
        tensor.name = tensor.name.removeprefix("generator.")
    for node in model.graph.node:
        node.input[:] = [name.removeprefix("generator.") for name in node.input]
    return model


FIELD_NOTES: dict[str, str] = {
    "order": "colours, gains and residual together, all from the given image; then the flow; fields are upsampled bilinearly, half-pixel centres",
    "flow": "(B, 2, S/4, S/4): each pixel takes its colour from so far to the right and below, in shares of S",
    "colours": "(B, 12, S/4, S/4): a 3x3 matrix row by row and an offset; matrix @ rgb + offset is added, rgb in [-1, 1]",
    "gains": "(B, 2, S/4, S/4): how much of fine detail (image - blur 1) and of middle detail (blur 1 - blur 2) is added",
    "blurs": f"Gaussian, sigma {BAND_SIGMAS[0]:.5f} S and {BAND_SIGMAS[1]:.5f} S, mirrored border",
    "residual": "(B, 3, S/2, S/2): is added, rgb in [-1, 1]",
}
"""What the metadata of a file with fields says of them, for readers that are not Lianpu."""


def describe(model: onnx.ModelProto, info: ModelInfo, kind: str, facts: Mapping[str, Any]) -> None:
    """Write into the model what it is."""
    del model.metadata_props[:]
    model.producer_name, model.producer_version = "lianpu", __version__
    if info.has_fields:
        facts = {**facts, "fields": FIELD_NOTES}
    onnx.helper.set_model_props(model, write_metadata(info, kind, facts))
    model.doc_string = f"StarGAN face editor, {info.image_size} px, RGB in [-1, 1]; labels in the order of `attributes`"


def opset_of(model: onnx.ModelProto) -> int:
    """The version of ONNX's own operators that the model uses."""
    return next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))


def file_bytes(file: Path) -> int:
    """Bytes of an ONNX file and of every file that its weights lie in."""
    model = onnx.load_model(str(file), load_external_data=False)
    beside = {entry.value for tensor in model.graph.initializer for entry in tensor.external_data if entry.key == "location"}
    return file.stat().st_size + sum((file.parent / name).stat().st_size for name in beside)
