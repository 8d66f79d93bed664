"""A .tflite network with float weights as ONNX: the operators that MediaPipe's face and person models are made of, custom ones included.

TFLite keeps pictures as (B, H, W, C), ONNX as (B, C, H, W). Values with four axes are kept in ONNX's order throughout, so that nothing is
transposed while the network runs; only a reshape goes through the file's own order. What an operator means is in TFLite's
`schema.fbs` and reference kernels, and for the custom ones in MediaPipe's `util/tflite/operations`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import ModelError
from lianpu.models.onnx_graph import OnnxGraph
from lianpu.models.tflite_file import Network, Operator, flexbuffer_numbers, read_tflite

_SAME = 0  # Padding in the schema
_RELU, _RELU6 = 1, 3  # ActivationFunctionType in the schema


@dataclass(frozen=True)
class Transform:
    """An affine map of points in the plane as two values of the graph: a point as a row p goes to p @ `matrix` + `shift`."""

    matrix: str
    """(2, 2)"""
    shift: str
    """(1, 2)"""


class Conversion:
    """A network on its way to ONNX: the graph, and which of its values stands for which tensor of the file.

    Afterwards `values` holds the outputs too, so that a caller can add steps of its own before the file is written.
    """

    def __init__(self, network: Network, input_name: str = "image", *, open_size: bool = False) -> None:
        self.network = network
        self.open_size = open_size
        """Whether the result takes pictures of any multiple of the network's largest stride, where it is convolutional throughout."""
        self.graph = OnnxGraph()
        self.values: dict[int, str] = {network.inputs[0]: input_name}
        self.transforms: dict[int, Transform] = {}
        self.subsets: list[list[int]] = []
        """Which points of the mesh each Landmarks2TransformMatrix frames, in the order of the file."""
        self._constants: dict[int, NDArray[Any]] = {
            place: tensor.values for place, tensor in enumerate(network.tensors) if tensor.values is not None
        }

    def run(self) -> Conversion:
        """Convert every operator.

        Raises:
            ModelError: one is not known here, or is used in a way that is not; or the file contradicts itself.
        """
        for operator in self.network.operators:
            step = _STEPS.get(operator.kind)
            if step is None:
                raise ModelError(f"The .tflite file has an operator {operator.kind[:60]}, which cannot be converted.")
            try:
                step(self, operator)
            except (ArithmeticError, AttributeError, IndexError, KeyError, TypeError, ValueError, struct.error) as problem:
                reason = str(problem)[:120] if type(problem) is ValueError else "its parts do not fit together"
                raise ModelError(f"The .tflite file has a {operator.kind} that cannot be converted ({reason}).") from None
        return self

    def output(self, name: str) -> str:
        """The value of the graph that an output of the file became. Raises ModelError if the file has no such output."""
        for place in self.network.outputs:
            if self.network.tensors[place].name == name and place in self.values:
                return self.values[place]
        raise ModelError(f"The .tflite file has no output called {name}.")

    def shape(self, place: int) -> tuple[int, ...]:
        """A tensor's shape in the file's own order."""
        return self.network.tensors[place].shape

    def constant(self, place: int) -> NDArray[np.float32]:
        """A constant tensor in the file's own order, as float32. Raises KeyError if it is computed."""
        return self._constants[place].astype(np.float32)

    def whole_constant(self, place: int) -> NDArray[np.int64]:
        """A constant tensor of whole numbers. Raises KeyError if it is computed."""
        return self._constants[place].astype(np.int64)

    def hold(self, place: int, of: int) -> None:
        """Let a tensor stand for the constant of another."""
        self._constants[place] = self._constants[of]

    def value(self, place: int, axes: int) -> str:
        """The graph's value of a tensor; a constant is added, spread to `axes` axes in ONNX's order."""
        if place in self.values:
            return self.values[place]
        array = self.constant(place)
        if axes == 4:
            array = array.reshape((1,) * (4 - array.ndim) + array.shape).transpose(0, 3, 1, 2)
        return self.graph.constant(array)

    def activated(self, value: str, function: int) -> str:
        """A value behind the activation that is fused to its operator."""
        if function == 0:
            return value
        if function == _RELU:
            return self.graph.node("Relu", [value])
        if function == _RELU6:
            return self.graph.node("Clip", [value, self.graph.constant(0.0), self.graph.constant(6.0)])
        raise ValueError(f"activation {function}")


def converted(content: bytes, *, open_size: bool = False) -> Conversion:
    """The network in a .tflite file, converted; its outputs are still to be named (`Conversion.output`, `Conversion.graph`).

    Args:
        content: the file.
        open_size: see `Conversion`.

    Raises:
        ModelError: no .tflite file, damaged, or with operators that are not known here.
    """
    network = read_tflite(content)
    if len(network.inputs) != 1 or len(network.tensors[network.inputs[0]].shape) != 4:
        raise ModelError("The .tflite file does not take exactly one picture.")
    return Conversion(network, open_size=open_size).run()


def _convolution(at: Conversion, step: Operator) -> None:
    depthwise = step.kind == "DEPTHWISE_CONV_2D"
    options, weights = step.options, at.constant(step.inputs[1])
    bias = at.constant(step.inputs[2]) if len(step.inputs) > 2 and step.inputs[2] >= 0 else None
    channels = at.shape(step.inputs[0])[3]
    kernel, strides = weights.shape[1:3], (options["StrideH"], options["StrideW"])
    dilations = (options["DilationHFactor"], options["DilationWFactor"])
    if depthwise and weights.shape[0] != 1:
        raise ValueError(f"weights of shape {weights.shape}")
    at.values[step.outputs[0]] = at.activated(
        at.graph.node(
            "Conv",
            [
                at.value(step.inputs[0], 4),
                # (O, H, W, I) or, depthwise, (1, H, W, O) becomes (O, I, H, W)
                at.graph.constant(weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2)),
                *([] if bias is None else [at.graph.constant(bias)]),
            ],
            kernel_shape=kernel,
            strides=strides,
            dilations=dilations,
            group=channels if depthwise else channels // weights.shape[3],
            pads=_pads(at, step, kernel, strides, dilations),
        ),
        options["FusedActivationFunction"],
    )


def _pads(
    at: Conversion, step: Operator, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int] = (1, 1)
) -> list[int]:
    """ONNX's pads (top, left, bottom, right) for TFLite's padding SAME, which puts the odd row or column last."""
    if step.options["Padding"] != _SAME:
        return [0, 0, 0, 0]
    missing = []
    for size, width, stride, dilation in zip(at.shape(step.inputs[0])[1:3], kernel, strides, dilations, strict=True):
        missing.append(max(0, (-(-size // stride) - 1) * stride + (width - 1) * dilation + 1 - size))
    return [missing[0] // 2, missing[1] // 2, missing[0] - missing[0] // 2, missing[1] - missing[1] // 2]


def _transposed_convolution_with_bias(at: Conversion, step: Operator) -> None:
    """MediaPipe's Convolution2DTransposeBias. Its options are TfLiteTransposeConvParams: padding, stride width, stride height."""
    _, stride_w, stride_h = struct.unpack_from("<3i", step.custom)
    weights, bias = at.constant(step.inputs[1]), at.constant(step.inputs[2])  # (O, H, W, I)
    before, after = at.shape(step.inputs[0])[1:3], at.shape(step.outputs[0])[1:3]
    kernel, strides = weights.shape[1:3], (stride_h, stride_w)
    cut = [(size - 1) * stride + width - out for size, stride, width, out in zip(before, strides, kernel, after, strict=True)]
    if min(cut) < 0:
        raise ValueError(f"{before} cannot become {after}")
    at.values[step.outputs[0]] = at.graph.node(
        "ConvTranspose",
        [at.value(step.inputs[0], 4), at.graph.constant(weights.transpose(3, 0, 1, 2)), at.graph.constant(bias)],
        kernel_shape=kernel,
        strides=strides,
        pads=[cut[0] // 2, cut[1] // 2, cut[0] - cut[0] // 2, cut[1] - cut[1] // 2],
    )


def _prelu(at: Conversion, step: Operator) -> None:
    """`x` where it is positive, else `slope x`, as two 1x1 depthwise convolutions: slope x + (1 - slope) relu(x).

    ONNX Runtime has no fast kernel for PRelu: the 468-point mesh takes 3.1 ms with it and 0.7 ms so.
    """
    slope = at.constant(step.inputs[1])
    channels = at.shape(step.inputs[0])[3]
    if slope.size != channels:
        raise ValueError(f"slopes of shape {slope.shape}")
    slope = slope.reshape(channels, 1, 1, 1)
    value = at.value(step.inputs[0], 4)

    def scaled(value: str, factor: NDArray[np.float32]) -> str:
        return at.graph.node("Conv", [value, at.graph.constant(factor)], group=channels, kernel_shape=[1, 1])

    positive = scaled(at.graph.node("Relu", [value]), 1 - slope)
    at.values[step.outputs[0]] = at.graph.node("Add", [scaled(value, slope), positive])


_ARITHMETIC = {"ADD": "Add", "SUB": "Sub", "MUL": "Mul"}


def _arithmetic(at: Conversion, step: Operator) -> None:
    if step.inputs[0] in at.transforms:
        return _scaled_transform(at, step)
    axes = len(at.shape(step.outputs[0]))
    value = at.graph.node(_ARITHMETIC[step.kind], [at.value(place, axes) for place in step.inputs])
    at.values[step.outputs[0]] = at.activated(value, step.options["FusedActivationFunction"])
    return None


def _scaled_transform(at: Conversion, step: Operator) -> None:
    """The attention mesh multiplies a 4x4 transform entry by entry, to bring it from the crop's pixels to those of a feature map."""
    if step.kind != "MUL":
        raise ValueError("a transform can only be multiplied")
    factor, transform = at.constant(step.inputs[1]).reshape(4, 4), at.transforms[step.inputs[0]]
    at.transforms[step.outputs[0]] = Transform(
        at.graph.node("Mul", [transform.matrix, at.graph.constant(factor[:2, :2].T)]),
        at.graph.node("Mul", [transform.shift, at.graph.constant(factor[None, :2, 3])]),
    )


def _pool(at: Conversion, step: Operator) -> None:
    options = step.options
    kernel, strides = (options["FilterHeight"], options["FilterWidth"]), (options["StrideH"], options["StrideW"])
    pads = _pads(at, step, kernel, strides)
    value = at.value(step.inputs[0], 4)
    if step.kind == "MAX_POOL_2D":
        value = at.graph.node("MaxPool", [value], kernel_shape=kernel, strides=strides, pads=pads)
    elif kernel == at.shape(step.inputs[0])[1:3] and not any(pads):
        value = at.graph.node("GlobalAveragePool", [value])
    else:
        value = at.graph.node("AveragePool", [value], kernel_shape=kernel, strides=strides, pads=pads, count_include_pad=0)
    at.values[step.outputs[0]] = at.activated(value, options["FusedActivationFunction"])


def _mean(at: Conversion, step: Operator) -> None:
    if sorted(axis % 4 for axis in at.whole_constant(step.inputs[1]).ravel()) != [1, 2]:
        raise ValueError("only the mean over a picture's rows and columns is known")
    value = at.graph.node("GlobalAveragePool", [at.value(step.inputs[0], 4)])
    shape = at.shape(step.outputs[0])
    at.values[step.outputs[0]] = value if len(shape) == 4 else at.graph.reshape(value, *shape)


def _pad(at: Conversion, step: Operator) -> None:
    amounts = at.whole_constant(step.inputs[1])[[0, 3, 1, 2]]
    pads = at.graph.whole(*amounts[:, 0].tolist(), *amounts[:, 1].tolist())
    at.values[step.outputs[0]] = at.graph.node("Pad", [at.value(step.inputs[0], 4), pads])


def _resize(at: Conversion, step: Operator) -> None:
    mode = "asymmetric"
    if step.options["AlignCorners"] or step.options["HalfPixelCenters"]:
        mode = "align_corners" if step.options["AlignCorners"] else "half_pixel"
    batch, height, width, channels = at.shape(step.outputs[0])
    _, height_before, width_before, _ = at.shape(step.inputs[0])
    scales = at.graph.constant([1, 1, height / height_before, width / width_before])
    at.values[step.outputs[0]] = at.graph.node(
        "Resize",
        [at.value(step.inputs[0], 4), "", *([scales] if at.open_size else ["", at.graph.whole(batch, channels, height, width)])],
        mode="linear",
        coordinate_transformation_mode=mode,
    )


def _reshape(at: Conversion, step: Operator) -> None:
    before, after = at.shape(step.inputs[0]), at.shape(step.outputs[0])
    value = at.value(step.inputs[0], len(before))
    if len(before) == 4 and before[1:3] != (1, 1):
        value = at.graph.node("Transpose", [value], perm=[0, 2, 3, 1])
    if at.open_size and len(after) == 3:  # a list of anchors
        after = (after[0], -1, after[2])
    value = at.graph.reshape(value, *after)
    if len(after) == 4:
        value = at.graph.node("Transpose", [value], perm=[0, 3, 1, 2])
    at.values[step.outputs[0]] = value


def _concatenation(at: Conversion, step: Operator) -> None:
    axes = len(at.shape(step.outputs[0]))
    axis = step.options["Axis"] % axes
    value = at.graph.node(
        "Concat", [at.value(place, axes) for place in step.inputs], axis=(0, 2, 3, 1)[axis] if axes == 4 else axis
    )
    at.values[step.outputs[0]] = at.activated(value, step.options["FusedActivationFunction"])


def _depth_to_space(at: Conversion, step: Operator) -> None:
    value = at.value(step.inputs[0], 4)
    at.values[step.outputs[0]] = at.graph.node("DepthToSpace", [value], blocksize=step.options["BlockSize"], mode="DCR")


def _constant_alone(at: Conversion, step: Operator) -> None:
    """DEQUANTIZE from float16, and DENSIFY (done by the reader): the constant itself."""
    at.hold(step.outputs[0], step.inputs[0])


def _one_input(kind: str) -> Callable[[Conversion, Operator], None]:
    def convert(at: Conversion, step: Operator) -> None:
        at.values[step.outputs[0]] = at.graph.node(kind, [at.value(step.inputs[0], len(at.shape(step.inputs[0])))])

    return convert


def _strided_slice(at: Conversion, step: Operator) -> None:
    """Known only where it takes everything: the attention mesh has one of that kind."""
    if at.shape(step.inputs[0]) != at.shape(step.outputs[0]):
        raise ValueError("only a slice that takes everything is known")
    at.values[step.outputs[0]] = at.value(step.inputs[0], len(at.shape(step.inputs[0])))


def _landmarks_to_transform(at: Conversion, step: Operator) -> None:
    """The map from a square of output_width x output_height pixels to the box around some points, turned as a line between two lies.

    MediaPipe's landmarks_to_transform_matrix.cc, version 2, with target_rotation_radians 0. Points are rows (x, y).
    """
    options: dict[str, Any] = flexbuffer_numbers(step.custom)
    if options["target_rotation_radians"]:
        raise ValueError("another target rotation than 0")
    subset, graph = options["subset_idxs"], at.graph
    at.subsets.append(subset)
    width, height = options["output_width"], options["output_height"]
    points = graph.reshape(at.value(step.inputs[0], 3), -1, 3)
    points = graph.slice(points, 0, 2, 1)
    along = graph.node(
        "Sub", [graph.gather(points, [options["right_rotation_idx"]]), graph.gather(points, [options["left_rotation_idx"]])]
    )
    along = graph.node("Div", [along, graph.node("ReduceL2", [along], axes=[1], keepdims=1)])  # (cos, sin)
    across = graph.node("MatMul", [along, graph.constant([[0, 1], [-1, 0]])])  # (-sin, cos)
    upright = graph.node("Concat", [along, across], axis=0)
    turned = graph.node("MatMul", [graph.gather(points, subset), graph.node("Transpose", [upright], perm=[1, 0])])
    highest = graph.node("ReduceMax", [turned], axes=[0], keepdims=1)
    lowest = graph.node("ReduceMin", [turned], axes=[0], keepdims=1)
    scale = [[options["scale_x"] / width, options["scale_y"] / height]]
    size = graph.node("Mul", [graph.node("Sub", [highest, lowest]), graph.constant(scale)])
    middle = graph.node("Mul", [graph.node("Add", [highest, lowest]), graph.constant([[0.5, 0.5]])])
    middle = graph.node("MatMul", [middle, upright])
    matrix = graph.node("Mul", [upright, graph.node("Transpose", [size], perm=[1, 0])])
    corner = graph.node("MatMul", [graph.constant([[-width / 2, -height / 2]]), matrix])
    at.transforms[step.outputs[0]] = Transform(matrix, graph.node("Add", [middle, corner]))


def _transform_tensor(at: Conversion, step: Operator) -> None:
    """A feature map sampled where a transform leads, 0 outside: MediaPipe's transform_tensor_bilinear.cc, version 2."""
    transform, graph = at.transforms[step.inputs[1]], at.graph
    height, width = at.shape(step.outputs[0])[1:3]
    rows, columns = at.shape(step.inputs[0])[1:3]
    centres = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1).reshape(-1, 2)
    places = graph.node("Add", [graph.node("MatMul", [graph.constant(centres), transform.matrix]), transform.shift])
    # From edges of pixels to GridSample's -1..1 between the centres of the outermost ones.
    places = graph.node("Mul", [places, graph.constant([[2 / (columns - 1), 2 / (rows - 1)]])])
    places = graph.node("Add", [places, graph.constant([[-1 / (columns - 1) - 1, -1 / (rows - 1) - 1]])])
    grid = graph.reshape(places, 1, height, width, 2)
    sampled = graph.node(
        "GridSample", [at.value(step.inputs[0], 4), grid], align_corners=1, mode="bilinear", padding_mode="zeros"
    )
    # GridSample fades out over one more pixel; MediaPipe's sampling ends at the outermost centres.
    furthest = graph.node("ReduceMax", [graph.node("Abs", [places])], axes=[1], keepdims=1)
    inside = graph.node("Cast", [graph.node("LessOrEqual", [furthest, graph.constant(1.0)])], to=1)
    at.values[step.outputs[0]] = graph.node("Mul", [sampled, graph.reshape(inside, 1, 1, height, width)])


def _transform_landmarks(at: Conversion, step: Operator) -> None:
    """Points (x, y) brought back by a transform: MediaPipe's transform_landmarks.cc, version 2."""
    shape = at.shape(step.inputs[0])
    if shape[-1] != 2:
        raise ValueError(f"points of shape {shape}")
    transform, graph = at.transforms[step.inputs[1]], at.graph
    points = graph.reshape(at.value(step.inputs[0], 3), -1, 2)
    points = graph.node("Add", [graph.node("MatMul", [points, transform.matrix]), transform.shift])
    at.values[step.outputs[0]] = graph.reshape(points, *at.shape(step.outputs[0]))


_STEPS: dict[str, Callable[[Conversion, Operator], None]] = {
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _convolution,
    "Convolution2DTransposeBias": _transposed_convolution_with_bias,
    "PRELU": _prelu,
    "ADD": _arithmetic,
    "SUB": _arithmetic,
    "MUL": _arithmetic,
    "MAX_POOL_2D": _pool,
    "AVERAGE_POOL_2D": _pool,
    "MEAN": _mean,
    "PAD": _pad,
    "RELU": _one_input("Relu"),
    "LOGISTIC": _one_input("Sigmoid"),
    "HARD_SWISH": _one_input("HardSwish"),
    "RESIZE_BILINEAR": _resize,
    "RESHAPE": _reshape,
    "CONCATENATION": _concatenation,
    "DEPTH_TO_SPACE": _depth_to_space,
    "DEQUANTIZE": _constant_alone,
    "DENSIFY": _constant_alone,
    "STRIDED_SLICE": _strided_slice,
    "Landmarks2TransformMatrix": _landmarks_to_transform,
    "TransformTensorBilinear": _transform_tensor,
    "TransformLandmarks": _transform_landmarks,
}
