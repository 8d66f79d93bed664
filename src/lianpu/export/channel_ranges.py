"""Convolutions whose channels all have the same range, for networks that normalise each channel afterwards anyway.

INT8 gives a tensor one scale, so a channel that is ten times quieter than the loudest keeps three bits fewer. InstanceNorm undoes
any gain and offset of a channel, so each convolution in front of one may be given the gain that fills the range and the bias that
centres it: the network computes the same (but for InstanceNorm's epsilon), and every channel keeps all its bits. The idea is that
of Nagel et al. 2019, "Data-free quantization through weight equalization and bias correction", arXiv:1906.04721, with InstanceNorm
in the part of the next layer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from lianpu.models.sessions import open_session

Feed = dict[str, np.ndarray]
"""`image` (B, 3, S, S) and `labels` (B, A), as the model takes them."""


def equalize_channels(model: onnx.ModelProto, feeds: Iterable[Feed], threads: int | None = None) -> onnx.ModelProto:
    """The model with gains and offsets moved into its convolutions, so that on `feeds` the channels in front of each
    InstanceNorm all span the same range around zero."""
    convolutions = _convolutions_by_normalised(model)
    lows, highs = _channel_ranges(model, list(convolutions), feeds, threads)
    equal = onnx.ModelProto()
    equal.CopyFrom(model)
    weights = {tensor.name: tensor for tensor in equal.graph.initializer}
    nodes = {node.name: node for node in equal.graph.node}
    for name, feeders in convolutions.items():
        half, middle = (highs[name] - lows[name]) / 2, (highs[name] + lows[name]) / 2
        gain = np.divide(half.max(), half, out=np.ones_like(half), where=half > 0)
        for feeder in feeders:
            _scale_and_centre(equal, nodes[feeder], weights, gain, middle)
    return equal


def _convolutions_by_normalised(model: onnx.ModelProto) -> dict[str, list[str]]:
    """For each tensor that an InstanceNorm reads, the convolutions that make it.

    Only those without bias, whose output nothing else reads, and with as many channels: what lies between merely moves pixels.
    """
    maker = {output: node for node in model.graph.node for output in node.output}
    readers: dict[str, int] = {}
    for node in model.graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1

    def walk_back(tensor: str) -> list[onnx.NodeProto] | None:
        node = maker.get(tensor)
        if node is None or readers[tensor] != 1:
            return None
        if node.op_type == "Conv":
            return [node] if len(node.input) == 2 else None
        if node.op_type not in ("Concat", "Unsqueeze", "Reshape", "DepthToSpace"):
            return None
        paths = [walk_back(name) for name in node.input if name in maker]
        return None if None in paths else [found for path in paths for found in path or []]

    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    found: dict[str, list[str]] = {}
    for node in model.graph.node:
        if node.op_type != "InstanceNormalization" or node.input[1] not in weights:
            continue
        channels = weights[node.input[1]].dims[0]
        feeders = walk_back(node.input[0])
        if feeders and all(weights[feeder.input[1]].dims[0] == channels for feeder in feeders):
            found[node.input[0]] = [feeder.name for feeder in feeders]
    return found


def _channel_ranges(
    model: onnx.ModelProto, names: list[str], feeds: Iterable[Feed], threads: int | None
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Lowest and highest value per channel of the tensors `names` over all feeds."""
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    probe.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    lows: dict[str, np.ndarray] = {}
    highs: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "probe.onnx"
        onnx.save_model(probe, str(file))
        session = open_session(file, threads)
    for feed in feeds:
        for name, values in zip(names, session.run(names, feed), strict=True):
            low, high = values.min(axis=(0, 2, 3)), values.max(axis=(0, 2, 3))
            lows[name] = np.minimum(lows.get(name, low), low)
            highs[name] = np.maximum(highs.get(name, high), high)
    return lows, highs


def _scale_and_centre(
    model: onnx.ModelProto, node: onnx.NodeProto, weights: dict[str, Any], gain: np.ndarray, middle: np.ndarray
) -> None:
    name = node.input[1]
    scaled = numpy_helper.to_array(weights[name]) * gain[:, None, None, None]
    weights[name].CopyFrom(numpy_helper.from_array(scaled.astype(np.float32), name))
    bias = numpy_helper.from_array((-middle * gain).astype(np.float32), f"{name}.centre")
    model.graph.initializer.append(bias)
    node.input.append(bias.name)
