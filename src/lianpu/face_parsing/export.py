"""A trained parser as one ONNX file that describes itself: pictures in, class indices out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from lianpu.errors import ModelError
from lianpu.face_parsing.runtime import METADATA_KEY, SHARES, SIDES
from lianpu.face_parsing.torch_parsers import PartsForm
from lianpu.files import atomic_file
from lianpu.models.onnx_trace import trace_to_onnx
from lianpu.models.sessions import open_session
from lianpu.part_names import PARTS
from lianpu.version import __version__

LEAST_AGREEMENT = 0.995
"""The share of pixels that must get the same class from the file as from PyTorch."""


@dataclass(frozen=True)
class ExportedParser:
    """A written file and the result of its check.

    Args:
        file: the ONNX file.
        bytes: its size.
        agreement: share of pixels with the same class as PyTorch gives, over the pictures it was tried on.
    """

    file: Path
    bytes: int
    agreement: float


def export_parser(
    network: nn.Module,
    target: Path,
    size_px: int,
    facts: Mapping[str, Any],
    pictures: torch.Tensor,
    biases: torch.Tensor | None = None,
) -> ExportedParser:
    """`target`: input `image` (B, 3, S, S) float32 in [-1, 1], outputs `parts` (B, S, S) uint8 in CelebAMask-HQ's order
    and, where the network's logits are half as large as its input, `shares` (B, 19, S/2, S/2) uint8, the classes' probabilities; any B, and
    any S that is a multiple of 32 where the network's own sizes follow from it.

    Weights are stored in 16 bits and computed with in 32.

    Args:
        network: a trained parser whose first output are logits.
        target: the ONNX file to write.
        size_px: the side S, a multiple of 32.
        facts: what else the file says of itself (`licence`, `trained_on`, `scores`, ...), plain values.
        pictures: a batch (N, 3, S, S) on which the file must agree with PyTorch.
        biases: what the file adds to the logits of the classes, (19,); None adds nothing.

    Raises:
        ModelError: the file does not agree with PyTorch; nothing is written then.
    """
    form = PartsForm(network.cpu().to(memory_format=torch.contiguous_format), biases).eval()
    model = trace_to_onnx(form, {"image": torch.zeros(2, 3, size_px, size_px)}, ["parts"])
    suit_runtime(model)
    with_shares(model)
    with_open_sides(model)
    with_half_weights(model)
    _describe(model, size_px, facts)
    with atomic_file(Path(target)) as partial:
        onnx.save_model(model, str(partial))
        agreement = _agreement(form, partial, pictures)
        if agreement < LEAST_AGREEMENT:
            raise ModelError(
                f"The exported parser gives the class of PyTorch to {agreement:.2%} of pixels only; {LEAST_AGREEMENT:.1%} are asked. Nothing was written."
            )
    return ExportedParser(Path(target), Path(target).stat().st_size, agreement)


def with_shares(model: onnx.ModelProto) -> None:
    """Add the output `shares`: the probability of each class (B, C, S/2, S/2) uint8, before anything is enlarged.

    Exp, a 1 x 1 convolution and Div: ONNX Runtime takes 2.5 ms for a Softmax over the channels where they take 0.1. Logits are small
    enough for float32 (below 88). A network whose logits have another size is left as it is.
    """
    graph = model.graph
    side = graph.input[0].type.tensor_type.shape.dim[2].dim_value
    logits = _logits(model, side // 2)
    if logits is None:
        return
    name, classes = logits
    constants = {"shares_ones": np.ones((1, classes, 1, 1)), "shares_255": np.array(255.0), "shares_half": np.array(0.5)}
    graph.initializer.extend(numpy_helper.from_array(value.astype(np.float32), key) for key, value in constants.items())
    for operator, inputs, output, more in (
        ("Exp", [name], "shares_exp", {}),
        ("Conv", ["shares_exp", "shares_ones"], "shares_total", {"kernel_shape": [1, 1]}),
        ("Div", ["shares_exp", "shares_total"], "shares_of_1", {}),
        ("Mul", ["shares_of_1", "shares_255"], "shares_of_255", {}),
        ("Add", ["shares_of_255", "shares_half"], "shares_rounded", {}),
        ("Cast", ["shares_rounded"], SHARES, {"to": TensorProto.UINT8}),
    ):
        graph.node.append(helper.make_node(operator, inputs, [output], name=output, **more))
    shape: list[str | int] = ["batch", classes, "half_height", "half_width"]
    graph.output.append(helper.make_tensor_value_info(SHARES, TensorProto.UINT8, shape))


def _logits(model: onnx.ModelProto, side: int) -> tuple[str, int] | None:
    """The name of the logits (B, C, side, side) that are enlarged and compared, and their classes; None for those of another size."""
    graph = model.graph
    name = next(node for node in graph.node if node.op_type == "ArgMax").input[0]
    for operator in ("Resize", "Transpose"):
        name = next((node.input[0] for node in graph.node if node.op_type == operator and node.output[0] == name), name)
    for value in onnx.shape_inference.infer_shapes(model, data_prop=True).graph.value_info:
        shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if value.name == name and shape[2:] == [side, side]:
            return name, shape[1]
    return None


def with_open_sides(model: onnx.ModelProto) -> None:
    """Leave the input's height and width open, so that the network runs at other sizes; one whose sizes do not follow stays as it is."""
    side = model.graph.input[0].type.tensor_type.shape.dim[2].dim_value
    tried = _with_sides(model, (side + _STRIDE, side + _STRIDE))
    try:
        onnx.shape_inference.infer_shapes(tried, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError:
        return
    model.CopyFrom(_with_sides(model, SIDES))


def _with_sides(model: onnx.ModelProto, sides: tuple[int, int] | tuple[str, str]) -> onnx.ModelProto:
    """A copy whose input and `parts` have these sides, without the shapes of what lies between."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in (copy.graph.input[0], copy.graph.output[0]):
        for axis, side in zip(value.type.tensor_type.shape.dim[-2:], sides, strict=True):
            if isinstance(side, str):
                axis.dim_param = side
            else:
                axis.dim_value = side
    del copy.graph.value_info[:]
    return copy


def _describe(model: onnx.ModelProto, size_px: int, facts: Mapping[str, Any]) -> None:
    described = {"parts": list(PARTS), "size_px": size_px, "alignment": "celebamask-hq", "lianpu": __version__, **facts}
    del model.metadata_props[:]
    entries = {METADATA_KEY: json.dumps(described, ensure_ascii=False), "parts": ", ".join(PARTS)}
    if "licence" in facts:
        entries["licence"] = str(facts["licence"])
    onnx.helper.set_model_props(model, entries)
    model.producer_name, model.producer_version = "lianpu", __version__
    model.doc_string = f"Face parser, {size_px} px, RGB in [-1, 1]; class indices in the order of `parts`"


def _agreement(form: nn.Module, file: Path, pictures: torch.Tensor) -> float:
    session = open_session(file)
    same = []
    with torch.inference_mode():
        for picture in pictures.split(1):
            ours = form(picture).numpy()
            theirs = session.run(None, {"image": picture.numpy()})[0]
            same.append(float(np.mean(ours == theirs)))
    return float(np.mean(same))


_STRIDE = 32
"""Networks take sides that are multiples of this."""

SMALLEST = 256
"""Tensors of fewer values stay as they are."""


def with_half_weights(model: onnx.ModelProto) -> None:
    """Store the large float32 initializers of a model as float16, each behind a Cast to float32. Values beyond float16 stay."""
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < SMALLEST or np.abs(values).max() > np.finfo(np.float16).max:
            continue
        name = tensor.name
        half = numpy_helper.from_array(values.astype(np.float16), f"{name}_half")
        graph.initializer.remove(tensor)
        graph.initializer.append(half)
        casts.append(onnx.helper.make_node("Cast", [half.name], [name], name=f"{name}_float", to=TensorProto.FLOAT))
    for place, node in enumerate(casts):
        graph.node.insert(place, node)


_NO_REGION = ""
"""The name of an input that is left out."""


def suit_runtime(model: onnx.ModelProto) -> None:
    """Rewrite a model in place: enlargements by constant scales, and the last ArgMax along the innermost axis."""
    _enlarge_by_constant_scales(model)
    _choose_along_last_axis(model.graph)
    _drop_unused(model.graph)


def _enlarge_by_constant_scales(model: onnx.ModelProto) -> None:
    """torch asks for sizes that follow from the batch's shape; the runtime keeps its blocked layout for known whole scales only."""
    sides = _known_sides(model)
    for node in _nodes_of(model.graph, "Resize"):
        given, wanted = sides.get(node.input[0]), sides.get(node.output[0])
        if given is None or wanted is None or any(new % old for new, old in zip(wanted, given, strict=True)):
            continue
        scales = np.array([1, 1, *(new // old for new, old in zip(wanted, given, strict=True))], dtype=np.float32)
        name = f"{node.output[0]}_scales"
        model.graph.initializer.append(numpy_helper.from_array(scales, name))
        del node.input[1:]
        node.input.extend([_NO_REGION, name])


def _choose_along_last_axis(graph: onnx.GraphProto) -> None:
    """Logits with their classes innermost are enlarged and compared in one run through memory instead of one per class."""
    scales_by_name = {tensor.name: tensor for tensor in graph.initializer}
    for choice in _nodes_of(graph, "ArgMax"):
        enlarged = next((node for node in _nodes_of(graph, "Resize") if node.output[0] == choice.input[0]), None)
        axis = next((attribute for attribute in choice.attribute if attribute.name == "axis" and attribute.i == 1), None)
        if (
            enlarged is None
            or axis is None
            or enlarged.input[-1] not in scales_by_name
            or _readers(graph, enlarged.output[0]) > 1
        ):
            continue
        scales = numpy_helper.to_array(scales_by_name[enlarged.input[-1]])
        scales_by_name[enlarged.input[-1]].CopyFrom(numpy_helper.from_array(scales[[0, 2, 3, 1]], enlarged.input[-1]))
        name = f"{enlarged.input[0]}_last"
        turn = helper.make_node("Transpose", [enlarged.input[0]], [name], name=name, perm=[0, 2, 3, 1])
        graph.node.insert(list(graph.node).index(enlarged), turn)
        enlarged.input[0] = name
        axis.i = 3
        _forget_shape(graph, enlarged.output[0])


def _known_sides(model: onnx.ModelProto) -> dict[str, tuple[int, int]]:
    """Height and width of the values (B, C, H, W) whose sides do not follow from the input."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    sides = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        shape = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
        if len(shape) == 4 and shape[2] and shape[3]:
            sides[value.name] = (shape[2], shape[3])
    return sides


def _drop_unused(graph: onnx.GraphProto) -> None:
    """Nodes and constants that nothing reads any more: how torch came to the sizes."""
    while True:
        read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
        unused = [node for node in graph.node if not read.intersection(node.output)]
        if not unused:
            break
        for node in unused:
            graph.node.remove(node)
    for tensor in [tensor for tensor in graph.initializer if tensor.name not in read]:
        graph.initializer.remove(tensor)


def _forget_shape(graph: onnx.GraphProto, name: str) -> None:
    for value in [value for value in graph.value_info if value.name == name]:
        graph.value_info.remove(value)


def _readers(graph: onnx.GraphProto, name: str) -> int:
    return sum(name in node.input for node in graph.node) + sum(output.name == name for output in graph.output)


def _nodes_of(graph: onnx.GraphProto, op_type: str) -> list[onnx.NodeProto]:
    return [node for node in graph.node if node.op_type == op_type]
