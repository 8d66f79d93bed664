"""Networks with the inputs, outputs and sizes of buffalo_l's and random weights: for speed and for tests, never for results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_OPSET = 11

_IR = 6


class _Graph:
    """A chain of operators that grows; weights are drawn so that numbers neither vanish nor grow."""

    def __init__(self, name: str, size_px: int, seed: int, batch: int | None) -> None:
        self.tensor, self.name = name, name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._chance = np.random.default_rng(seed)
        shape = ["None" if batch is None else batch, 3, size_px, size_px]
        self.input = helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def add(self, operator: str, *inputs: str, output: str | None = None, name: str = "", **attributes: Any) -> str:
        output = output or f"t{len(self.nodes)}"
        self.nodes.append(
            helper.make_node(operator, list(inputs), [output], name=name or f"{operator}{len(self.nodes)}", **attributes)
        )
        self.tensor = output
        return output

    def weight(self, values: np.ndarray) -> str:
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(values, dtype=np.float32), name))
        return name

    def normalized(self) -> None:
        """(x - 127.5) / 128 inside the file, named as MXNet's exporter does: buffalo_l's landmark and sex-age files have it."""
        self.add("Sub", self.tensor, self.weight(np.array(127.5)), name="_minusscalar0")
        self.add("Mul", self.tensor, self.weight(np.array(1 / 128)), name="_mulscalar0")

    def conv(self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, groups: int = 1) -> str:
        fan_in = channels_in // groups * kernel * kernel
        kernels = self._chance.standard_normal((channels_out, channels_in // groups, kernel, kernel)) * np.sqrt(2 / fan_in)
        pads, strides = [kernel // 2] * 4, [stride, stride]
        names = (self.weight(kernels), self.weight(np.zeros(channels_out)))
        return self.add("Conv", self.tensor, *names, kernel_shape=[kernel] * 2, pads=pads, strides=strides, group=groups)

    def batch_norm(self, channels: int) -> str:
        one, zero = np.ones(channels), np.zeros(channels)
        return self.add("BatchNormalization", self.tensor, *map(self.weight, (one, zero, zero, one)), epsilon=1e-5)

    def prelu(self, channels: int) -> str:
        return self.add("PRelu", self.tensor, self.weight(np.full((channels, 1, 1), 0.25)))

    def dense(self, count_in: int, count_out: int, output: str | None = None) -> str:
        matrix = self._chance.standard_normal((count_out, count_in)) / np.sqrt(count_in)
        return self.add("Gemm", self.tensor, self.weight(matrix), self.weight(np.zeros(count_out)), output=output, transB=1)

    def write(self, file: Path, count_out: int) -> Path:
        """The file, with its batch as it was asked for and, as the published files, 1 in the output's shape."""
        output = helper.make_tensor_value_info(self.tensor, TensorProto.FLOAT, [1, count_out])
        graph = helper.make_graph(self.nodes, "stand-in with random weights", [self.input], [output], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=_IR)
        onnx.save_model(model, str(file))
        return file


def write_iresnet(
    file: Path,
    blocks: tuple[int, ...] = (3, 4, 14, 3),
    width: int = 64,
    features: int = 512,
    seed: int = 0,
    batch: int | None = None,
) -> Path:
    """A network as w600k_r50.onnx (IResNet-50 of ArcFace; 112 px to 512 numbers, 43.6 M weights), with random weights.

    Deng et al. 2019, arXiv:1801.07698, section 2.2; `blocks` and `width` make a smaller one. A `batch` fixes it in the file.
    """
    net = _Graph("input.1", 112, seed, batch)
    net.conv(3, width, 3)
    net.prelu(width)
    channels = width
    for stage, count in enumerate(blocks):
        wide = width * 2**stage
        for index in range(count):
            _residual_block(net, channels, wide, stride=2 if index == 0 else 1)
            channels = wide
    side = 112 >> len(blocks)
    net.batch_norm(channels)
    net.add("Flatten", net.tensor)
    net.dense(channels * side * side, features, output="683")
    return net.write(file, features)


def _residual_block(net: _Graph, channels_in: int, channels_out: int, stride: int) -> None:
    start = net.tensor
    net.batch_norm(channels_in)
    net.conv(channels_in, channels_out, 3)
    net.prelu(channels_out)
    net.conv(channels_out, channels_out, 3, stride)
    body = net.tensor
    if stride != 1 or channels_in != channels_out:
        net.tensor = start
        start = net.conv(channels_in, channels_out, 1, stride)
    half = net.weight(np.array(0.5))  # keeps the sum of random blocks in range
    net.add("Mul", net.add("Add", body, start), half, name=f"halved{len(net.nodes)}")


def write_landmark_network(file: Path, width: int = 16, seed: int = 1, batch: int | None = None) -> Path:
    """A network as 2d106det.onnx (192 px to 212 numbers in about -1 to 1; MobileNet of half width), with random weights."""
    return _mobile_network(file, "data", 192, width, 212, seed, batch)


def write_sex_age_network(file: Path, width: int = 8, seed: int = 2, batch: int | None = None) -> Path:
    """A network as genderage.onnx (96 px to 3 numbers; MobileNet of quarter width), with random weights."""
    return _mobile_network(file, "data", 96, width, 3, seed, batch)


def _mobile_network(file: Path, name: str, size_px: int, width: int, count_out: int, seed: int, batch: int | None) -> Path:
    """MobileNet v1 (Howard et al. 2017, arXiv:1704.04861) of `width` first channels; it normalizes its input itself."""
    net = _Graph(name, size_px, seed, batch)
    net.normalized()
    net.conv(3, width, 3, 2)
    net.add("Relu", net.tensor)
    channels = width
    for wide, stride in ((2, 1), (4, 2), (4, 1), (8, 2), (8, 1), (16, 2), *[(16, 1)] * 5, (32, 2), (32, 1)):
        net.conv(channels, channels, 3, stride, groups=channels)
        net.add("Relu", net.tensor)
        net.conv(channels, width * wide, 1)
        net.add("Relu", net.tensor)
        channels = width * wide
    net.add("GlobalAveragePool", net.tensor)
    net.add("Flatten", net.tensor)
    net.dense(channels, count_out, output="fc1")
    return net.write(file, count_out)
