"""Every operator of MediaPipe's networks, in a file of one operator, against what it means written out in numpy; and against LiteRT."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from lianpu.errors import ModelError
from lianpu.models.tflite_to_onnx import converted
from tests.support.tflite_writer import Sparse, TFLiteWriter

Array = NDArray[Any]
SAME, VALID = 0, 1
NONE, RELU, RELU6 = 0, 1, 3


def numbers(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def onnx_output(content: bytes, picture: Array) -> Array:
    """What the converted file makes of a picture (1, H, W, C), in the file's own order of axes."""
    at = converted(content)
    shape = at.shape(at.network.outputs[0])
    expected = (shape[0], shape[3], shape[1], shape[2]) if len(shape) == 4 else shape
    inner = (1, picture.shape[3], *picture.shape[1:3])
    file = at.graph.model_bytes("image", inner, {"out": (at.output("out"), expected)})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {"image": np.ascontiguousarray(picture.transpose(0, 3, 1, 2))})
    return np.asarray(result.transpose(0, 2, 3, 1) if result.ndim == 4 else result)


def file_of_one(
    kind: str,
    picture: Array,
    result: Array,
    constants: tuple[Array, ...] = (),
    options: dict[str, int] | None = None,
    custom: bytes = b"",
) -> bytes:
    """A file that applies one operator to a picture and constants; float16 constants go through a DEQUANTIZE, as in MediaPipe's files."""
    writer = TFLiteWriter()
    inputs = [image := writer.value("image", *picture.shape)]
    for values in constants:
        place = writer.constant(values)
        if values.dtype == np.float16:
            place = writer.operator("DEQUANTIZE", [place], writer.value("weights", *values.shape))
        inputs.append(place)
    out = writer.operator(kind, inputs, writer.value("out", *result.shape), options, custom)
    return writer.content([image], [out])


# What the operators mean, step by step (TFLite's reference kernels).


def padded(picture: Array, kernel: tuple[int, int], stride: int, padding: int, fill: float = 0.0, dilation: int = 1) -> Array:
    if padding == VALID:
        return picture
    amounts = []
    for size, width in zip(picture.shape[1:3], kernel, strict=True):
        total = max(0, (math.ceil(size / stride) - 1) * stride + (width - 1) * dilation + 1 - size)
        amounts.append((total // 2, total - total // 2))
    return np.pad(picture, ((0, 0), *amounts, (0, 0)), constant_values=fill)


def windows(picture: Array, kernel: tuple[int, int], stride: int, dilation: int = 1) -> Array:
    """(rows, columns, height, width, C): what a kernel sees at each place."""
    reach = [(width - 1) * dilation + 1 for width in kernel]
    rows, columns = ((size - wide) // stride + 1 for size, wide in zip(picture.shape[1:3], reach, strict=True))
    return np.array(
        [
            [
                picture[0, y * stride : y * stride + reach[0] : dilation, x * stride : x * stride + reach[1] : dilation]
                for x in range(columns)
            ]
            for y in range(rows)
        ]
    )


def activated(values: Array, function: int) -> Array:
    return {NONE: values, RELU: np.maximum(values, 0), RELU6: np.clip(values, 0, 6)}[function]


def convolution(picture: Array, weights: Array, bias: Array, stride: int, padding: int, dilation: int, act: int) -> Array:
    seen = windows(padded(picture, weights.shape[1:3], stride, padding, dilation=dilation), weights.shape[1:3], stride, dilation)
    return activated(np.einsum("yxhwi,ohwi->yxo", seen, weights) + bias, act)[None]


def depthwise(picture: Array, weights: Array, bias: Array, stride: int, padding: int, act: int) -> Array:
    seen = windows(padded(picture, weights.shape[1:3], stride, padding), weights.shape[1:3], stride)
    repeated = np.repeat(seen, weights.shape[3] // picture.shape[3], axis=-1)
    return activated(np.einsum("yxhwo,hwo->yxo", repeated, weights[0]) + bias, act)[None]


def transposed(picture: Array, weights: Array, bias: Array, stride: int, rows: int, columns: int) -> Array:
    """Each pixel adds its kernel to the larger picture; the borders that SAME cuts off are taken away (weights (O, H, W, I))."""
    _, height, width, _ = picture.shape
    tall, wide = weights.shape[1:3]
    full = np.zeros((height * stride + tall, width * stride + wide, weights.shape[0]), np.float64)
    for y in range(height):
        for x in range(width):
            full[y * stride : y * stride + tall, x * stride : x * stride + wide] += np.einsum(
                "ohwi,i->hwo", weights, picture[0, y, x]
            )
    top, left = ((height - 1) * stride + tall - rows) // 2, ((width - 1) * stride + wide - columns) // 2
    return (full[top : top + rows, left : left + columns] + bias)[None].astype(np.float32)


def conv_options(stride: int, padding: int, dilation: int = 1, act: int = NONE) -> dict[str, int]:
    wide = {"StrideH": stride, "StrideW": stride, "DilationHFactor": dilation, "DilationWFactor": dilation}
    return {"Padding": padding, **wide, "FusedActivationFunction": act}


def pool_options(size: tuple[int, int], stride: int, padding: int) -> dict[str, int]:
    return {"Padding": padding, "StrideH": stride, "StrideW": stride, "FilterHeight": size[0], "FilterWidth": size[1]}


Case = tuple[bytes, Array, Array]


def case(kind: str, picture: Array, result: Array, *constants: Array, custom: bytes = b"", **options: int) -> Case:
    return file_of_one(kind, picture, result, constants, options, custom), picture, result


def conv_case(size: int, stride: int, padding: int, dilation: int = 1, act: int = NONE, half: bool = False) -> Case:
    picture, weights, bias = numbers(1, 7, 8, 3), numbers(5, size, size, 3, seed=1), numbers(5, seed=2)
    if half:
        weights, bias = weights.astype(np.float16), bias.astype(np.float16)
    result = convolution(picture, weights.astype(np.float32), bias.astype(np.float32), stride, padding, dilation, act)
    return file_of_one("CONV_2D", picture, result, (weights, bias), conv_options(stride, padding, dilation, act)), picture, result


def depthwise_case(size: int, stride: int, padding: int, times: int = 1) -> Case:
    picture, weights, bias = numbers(1, 7, 8, 3), numbers(1, size, size, 3 * times, seed=1), numbers(3 * times, seed=2)
    result = depthwise(picture, weights, bias, stride, padding, RELU)
    return (
        file_of_one("DEPTHWISE_CONV_2D", picture, result, (weights, bias), conv_options(stride, padding, act=RELU)),
        picture,
        result,
    )


def pool_case(kind: str, size: tuple[int, int], stride: int, padding: int) -> Case:
    picture = numbers(1, 6, 7, 3)
    fill = -np.inf if kind == "MAX_POOL_2D" else np.nan
    seen = windows(padded(picture, size, stride, padding, fill), size, stride)
    result = (seen.max(axis=(2, 3)) if kind == "MAX_POOL_2D" else np.nanmean(seen, axis=(2, 3)))[None]
    return file_of_one(kind, picture, result, (), pool_options(size, stride, padding)), picture, result


def transposed_case(size: int, stride: int, rows: int, columns: int) -> Case:
    """MediaPipe's own operator: its options are a C struct."""
    picture, weights, bias = numbers(1, 3, 4, 5), numbers(2, size, size, 5, seed=1), numbers(2, seed=2)
    result = transposed(picture, weights, bias, stride, rows, columns)
    options = struct.pack("<3i", 1, stride, stride)
    return case("Convolution2DTransposeBias", picture, result, weights, bias, custom=options)


def prelu_case(slope: Array) -> Case:
    picture = numbers(1, 4, 5, 3)
    return case("PRELU", picture, np.where(picture > 0, picture, picture * slope), slope)


def resize_case(rows: int, columns: int, *, corners: bool = False, half: bool = False) -> Case:
    """Bilinear along each axis; where a pixel of the result lies in the picture follows from the two flags."""
    picture = numbers(1, 3, 4, 2)

    def along(values: Array, size: int, axis: int) -> Array:
        before, steps = values.shape[axis], np.arange(size)
        if corners:
            places = steps * (before - 1) / (size - 1)
        else:
            places = (steps + 0.5) * before / size - 0.5 if half else steps * before / size
        places = np.clip(places, 0, before - 1)
        low = np.floor(places).astype(int)
        share = (places - low).reshape([-1 if one == axis else 1 for one in range(4)])
        return values.take(low, axis) * (1 - share) + values.take(np.minimum(low + 1, before - 1), axis) * share

    result = along(along(picture, rows, 1), columns, 2).astype(np.float32)
    size = np.array([rows, columns], np.int32)
    return case("RESIZE_BILINEAR", picture, result, size, AlignCorners=int(corners), HalfPixelCenters=int(half))


def depth_to_space_case() -> Case:
    picture = numbers(1, 2, 3, 8)
    result = np.zeros((1, 4, 6, 2), np.float32)
    for y in range(4):
        for x in range(6):
            place = ((y % 2) * 2 + x % 2) * 2
            result[0, y, x] = picture[0, y // 2, x // 2, place : place + 2]
    return case("DEPTH_TO_SPACE", picture, result, BlockSize=2)


def sparse_case(order: tuple[int, ...], index_type: str) -> Case:
    """A pointwise convolution whose float16 weights are stored sparse: the channels that are used, row by row (or column by column)."""
    weights = numbers(4, 1, 1, 6, seed=1).astype(np.float16)
    weights[np.random.default_rng(2).random(weights.shape) < 0.6] = 0
    stored = weights.transpose(order)
    shape = stored.shape
    rows = stored.reshape(-1, shape[-1])
    indices = [np.flatnonzero(row).tolist() for row in rows]
    segments = np.cumsum([0, *map(len, indices)]).tolist()
    axes = (*shape[:-1], (segments, [place for row in indices for place in row]))
    picture, bias = numbers(1, 3, 3, 6), numbers(4, seed=3)
    result = convolution(picture, weights.astype(np.float32), bias, 1, SAME, 1, NONE)
    writer = TFLiteWriter()
    image = writer.value("image", *picture.shape)
    packed = writer.constant(stored[stored != 0], weights.shape, Sparse(order, axes, index_type))
    dense = writer.operator("DENSIFY", [packed], writer.value("dense", *weights.shape))
    dense = writer.operator("DEQUANTIZE", [dense], writer.value("weights", *weights.shape))
    inputs = [image, dense, writer.constant(bias)]
    out = writer.operator("CONV_2D", inputs, writer.value("out", *result.shape), conv_options(1, SAME))
    return writer.content([image], [out]), picture, result


def arithmetic_case(kind: str, other: Array, act: int = NONE) -> Case:
    picture = numbers(1, 4, 5, 3)
    result = {"ADD": picture + other, "SUB": picture - other, "MUL": picture * other}[kind]
    return case(kind, picture, activated(result, act), other, FusedActivationFunction=act)


def elementwise(kind: str, function: Callable[[Array], Array]) -> Case:
    picture = numbers(1, 4, 5, 3) * 4
    return case(kind, picture, function(picture).astype(np.float32))


def concatenation_case(axis: int) -> Case:
    picture = numbers(1, 4, 5, 3)
    constant = numbers(*((2 if place == axis % 4 else size) for place, size in enumerate(picture.shape)), seed=1)
    return case("CONCATENATION", picture, np.concatenate([picture, constant], axis), constant, Axis=axis)


def padding_case() -> Case:
    picture, amounts = numbers(1, 4, 5, 3), np.array([[0, 0], [1, 2], [0, 3], [2, 1]], np.int32)
    return case("PAD", picture, np.pad(picture, amounts), amounts)


def mean_case(keep: bool) -> Case:
    picture = numbers(1, 4, 5, 3)
    result = picture.mean(axis=(1, 2), keepdims=keep)
    return case("MEAN", picture, result, np.array([1, 2], np.int32), KeepDims=int(keep))


def reshape_case(*shape: int) -> Case:
    picture = numbers(1, 4, 3, 6)
    return case("RESHAPE", picture, picture.reshape(shape), np.array(shape, np.int32))


CASES: dict[str, Callable[[], Case]] = {
    "1x1 convolution": lambda: conv_case(1, 1, VALID),
    "convolution, SAME, odd stride": lambda: conv_case(3, 2, SAME, act=RELU),
    "convolution, SAME, 5x5": lambda: conv_case(5, 2, SAME),
    "convolution, VALID": lambda: conv_case(3, 2, VALID, act=RELU6),
    "dilated convolution": lambda: conv_case(3, 1, SAME, dilation=2),
    "convolution with float16 weights": lambda: conv_case(3, 1, SAME, half=True),
    "depthwise convolution": lambda: depthwise_case(3, 1, SAME),
    "depthwise convolution, stride 2": lambda: depthwise_case(3, 2, SAME),
    "depthwise convolution, VALID, twice the channels": lambda: depthwise_case(2, 2, VALID, times=2),
    "PRelu, a slope per channel": lambda: prelu_case(numbers(1, 1, 3, seed=4)),
    "PRelu, flat slopes": lambda: prelu_case(np.array([0.0, 1.5, -0.3], np.float32)),
    "resize": lambda: resize_case(6, 8),
    "resize, half-pixel centres": lambda: resize_case(6, 8, half=True),
    "resize, aligned corners": lambda: resize_case(5, 9, corners=True),
    "resize to a smaller picture": lambda: resize_case(2, 3, half=True),
    "pad": padding_case,
    "max pool": lambda: pool_case("MAX_POOL_2D", (2, 2), 2, SAME),
    "max pool, VALID": lambda: pool_case("MAX_POOL_2D", (3, 2), 2, VALID),
    "average pool, SAME": lambda: pool_case("AVERAGE_POOL_2D", (3, 3), 2, SAME),
    "average pool of all": lambda: pool_case("AVERAGE_POOL_2D", (6, 7), 1, VALID),
    "mean": lambda: mean_case(keep=True),
    "mean without axes": lambda: mean_case(keep=False),
    "transposed convolution with bias": lambda: transposed_case(2, 2, 6, 8),
    "transposed convolution with borders cut off": lambda: transposed_case(4, 2, 6, 8),
    "transposed convolution, odd cut": lambda: transposed_case(3, 2, 6, 8),
    "depth to space": depth_to_space_case,
    "sparse weights": lambda: sparse_case((0, 1, 2, 3), "Uint8Vector"),
    "sparse weights stored by column": lambda: sparse_case((3, 1, 2, 0), "Uint16Vector"),
    "sparse weights with long indices": lambda: sparse_case((0, 1, 2, 3), "Int32Vector"),
    "add": lambda: arithmetic_case("ADD", numbers(1, 4, 5, 3, seed=1), RELU),
    "add per channel": lambda: arithmetic_case("ADD", numbers(3, seed=1)),
    "subtract": lambda: arithmetic_case("SUB", numbers(1, 1, 1, 3, seed=1)),
    "multiply per place": lambda: arithmetic_case("MUL", numbers(1, 4, 5, 1, seed=1)),
    "relu": lambda: elementwise("RELU", lambda x: np.maximum(x, 0)),
    "logistic": lambda: elementwise("LOGISTIC", lambda x: 1 / (1 + np.exp(-x))),
    "hard swish": lambda: elementwise("HARD_SWISH", lambda x: x * np.clip(x + 3, 0, 6) / 6),
    "concatenation of channels": lambda: concatenation_case(-1),
    "concatenation of rows": lambda: concatenation_case(1),
    "reshape to a list": lambda: reshape_case(1, 24, 3),
    "reshape to a picture": lambda: reshape_case(1, 6, 4, 3),
}


@pytest.mark.parametrize("name", CASES)
def test_an_operator_means_the_same_as_in_tflite(name: str) -> None:
    content, picture, result = CASES[name]()
    np.testing.assert_allclose(onnx_output(content, picture), result, atol=2e-5)


@pytest.mark.parametrize("name", [name for name in CASES if "transposed" not in name])
def test_litert_gives_the_same(name: str) -> None:
    """Where ai-edge-litert is installed, it judges the reference of this test as well. It has no custom operators."""
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    content, picture, result = CASES[name]()
    interpreter = interpreters.Interpreter(model_content=content)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], picture)
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]), result, atol=2e-5)


# The attention mesh's own operators, against MediaPipe's C++ (mediapipe/util/tflite/operations, version 2 of each) written out.

SUBSET = [3, 9, 20, 31, 8, 14]
LEFT, RIGHT = 4, 27
SIZE, SCALE = (5, 4), (1.5, 1.25)
"""Width and height of the square that the transform starts from; how much larger than the points' box it is."""


def transform_of(points: Array) -> Array:
    """landmarks_to_transform_matrix.cc: shift, rotation, scale and shift to the middle, multiplied as 4 x 4 matrices."""
    across = points[RIGHT] - points[LEFT]
    angle = -math.atan2(across[1], across[0])
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    turned = points[SUBSET, :2] @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    middle = np.linalg.inv(turn) @ ((low + high) / 2)
    shift, rotation, scale, back = np.eye(4), np.eye(4), np.eye(4), np.eye(4)
    shift[:2, 3] = middle
    rotation[:2, :2] = np.linalg.inv(turn)
    scale[0, 0], scale[1, 1] = (high - low) * SCALE / SIZE
    back[:2, 3] = -SIZE[0] / 2, -SIZE[1] / 2
    return shift @ rotation @ scale @ back


def sampled(picture: Array, transform: Array, rows: int, columns: int) -> Array:
    """transform_tensor_bilinear.cc: nothing is sampled outside the outermost centres."""
    _, height, width, channels = picture.shape
    result = np.zeros((1, rows, columns, channels))
    for y in range(rows):
        for x in range(columns):
            across, down = (transform @ (x + 0.5, y + 0.5, 0, 1))[:2] - 0.5
            if 0 <= across <= width - 1 and 0 <= down <= height - 1:
                left, top = int(across), int(down)
                right, bottom = min(left + 1, width - 1), min(top + 1, height - 1)
                upper = picture[0, top, left] * (1 - across + left) + picture[0, top, right] * (across - left)
                lower = picture[0, bottom, left] * (1 - across + left) + picture[0, bottom, right] * (across - left)
                result[0, y, x] = upper * (1 - down + top) + lower * (down - top)
    return result


def transform_options() -> bytes:
    build = flexbuffers.Builder()
    with build.Map():
        build.TypedVectorFromElements("subset_idxs", SUBSET)
        for key, whole in (("left_rotation_idx", LEFT), ("right_rotation_idx", RIGHT)):
            build.Int(key, whole)
        build.Int("output_width", SIZE[0])
        build.Int("output_height", SIZE[1])
        build.Float("scale_x", SCALE[0])
        build.Float("scale_y", SCALE[1])
        build.Float("target_rotation_radians", 0.0)
    return bytes(build.Finish())


@pytest.mark.parametrize("output", ["samples", "points"])
@pytest.mark.parametrize("seed", range(4))
def test_the_operators_of_the_attention_mesh_follow_mediapipes_code(output: str, seed: int) -> None:
    picture = (np.random.default_rng(seed).random((1, 6, 6, 3)) * 6).astype(np.float32)  # 36 points in a map of 6 x 6
    factor = np.array([[1, 1, 0, 0.5], [1, 1, 0, 0.5], [0, 0, 1, 0], [0, 0, 0, 1]], np.float32)[None]
    transform = transform_of(picture.reshape(36, 3)) * factor[0]
    writer = TFLiteWriter()
    image = writer.value("image", *picture.shape)
    shape = writer.constant(np.array([1, 36, 3], np.int32))
    points = writer.operator("RESHAPE", [image, shape], writer.value("points", 1, 36, 3))
    matrix = writer.operator("Landmarks2TransformMatrix", [points], writer.value("matrix", 1, 4, 4), custom=transform_options())
    matrix = writer.operator("MUL", [matrix, writer.constant(factor)], writer.value("scaled", 1, 4, 4), {})
    if output == "samples":
        result = sampled(picture, transform, 5, 7)
        out = writer.operator("TransformTensorBilinear", [image, matrix], writer.value("out", 1, 5, 7, 3), custom=b"\0")
        assert 0 < np.count_nonzero(result) < result.size, "some samples lie outside, and some inside"
    else:
        pairs = writer.constant(np.array([1, 54, 2], np.int32))
        flat = writer.operator("RESHAPE", [image, pairs], writer.value("pairs", 1, 54, 2))
        out = writer.operator("TransformLandmarks", [flat, matrix], writer.value("out", 1, 54, 2), custom=b"\0")
        result = (picture.reshape(54, 2) @ transform[:2, :2].T + transform[:2, 3])[None]
    np.testing.assert_allclose(onnx_output(writer.content([image], [out]), picture), result, atol=2e-4)


# What cannot be converted.


def test_an_unknown_operator_is_named() -> None:
    picture = numbers(1, 2, 2, 1)
    with pytest.raises(ModelError, match="an operator COS, which cannot be converted"):
        converted(file_of_one("COS", picture, picture))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: case("MEAN", numbers(1, 4, 5, 3), numbers(1, 5, 3), np.array([1], np.int32))[0], "MEAN that cannot .*only the mean"),
        (lambda: case("PRELU", numbers(1, 4, 5, 3), numbers(1, 4, 5, 3), numbers(4))[0], r"PRELU that cannot .*slopes of shape \(4,\)"),
        (lambda: case("CONV_2D", numbers(1, 4, 5, 3), numbers(1, 4, 5, 3), numbers(2, 2))[0], "CONV_2D that cannot be converted"),
        (lambda: conv_with_activation(4), "CONV_2D that cannot .*activation 4"),
        (lambda: case("STRIDED_SLICE", numbers(1, 4, 5, 3), numbers(1, 2, 5, 3))[0], "only a slice that takes everything"),
        (lambda: case("Convolution2DTransposeBias", numbers(1, 2, 2, 1), numbers(1, 9, 9, 1), numbers(1, 2, 2, 1), numbers(1), custom=b"\0")[0], "do not fit"),
    ],
)  # fmt: skip
def test_what_an_operator_is_not_known_to_do_is_said(content: Callable[[], bytes], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        converted(content())


def conv_with_activation(function: int) -> bytes:
    picture, weights, bias = numbers(1, 2, 2, 1), numbers(1, 1, 1, 1), numbers(1)
    return file_of_one("CONV_2D", picture, picture, (weights, bias), conv_options(1, SAME, act=function))


def test_a_file_without_a_picture_as_input_is_refused() -> None:
    writer = TFLiteWriter()
    flat = writer.value("flat", 1, 9)
    with pytest.raises(ModelError, match="does not take exactly one picture"):
        converted(writer.content([flat], [writer.operator("RELU", [flat], writer.value("out", 1, 9))]))


def test_an_output_that_is_not_there_is_named() -> None:
    picture = numbers(1, 2, 2, 1)
    with pytest.raises(ModelError, match="no output called mask"):
        converted(file_of_one("RELU", picture, picture)).output("mask")


def test_the_same_file_gives_the_same_bytes() -> None:
    content, _, result = CASES["convolution, SAME, odd stride"]()
    first, second = (
        at.graph.model_bytes("image", (1, 3, 7, 8), {"out": (at.output("out"), (1, 5, *result.shape[1:3]))})
        for at in (converted(content), converted(content))
    )
    assert first == second
