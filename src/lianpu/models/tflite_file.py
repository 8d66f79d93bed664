"""What a .tflite file holds, as plain tuples and arrays: the only door to `tflite` and `flatbuffers`.

The format is TensorFlow Lite's schema.fbs, version 3. The packages read a flatbuffer without checking it, so everything that a damaged
or hostile file could make large or endless is bounded here.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite
from flatbuffers import flexbuffers
from numpy.typing import NDArray

from lianpu.errors import ModelError

MAX_BYTES = 256 << 20
"""A longer file is not read."""

MAX_ELEMENTS = 1 << 26
"""A tensor with more elements is refused: 256 MB of float32, twenty times the largest in MediaPipe's models."""

MAX_SPARSE_ELEMENTS = 1 << 22
"""All sparse tensors together may have at most so many elements when they are written out."""

MAX_COUNT = 20_000
"""A file with more tensors or operators is refused."""

_MAX_AXES = 8


class _FaultError(ValueError):
    """What is wrong with a file, in a few words."""


_BROKEN = (struct.error, AttributeError, IndexError, KeyError, OverflowError, TypeError, UnicodeDecodeError, ValueError)
"""What the packages raise when an offset or a length in the file leads astray."""


@dataclass(frozen=True)
class Tensor:
    """A tensor of the file, in the file's own layout: (B, H, W, C) for a picture."""

    name: str
    shape: tuple[int, ...]
    values: NDArray[Any] | None
    """A constant, with sparse ones written out; None for what is computed."""


@dataclass(frozen=True)
class Operator:
    """One step: which tensors go in and come out, by their place in `Network.tensors`."""

    kind: str
    """The name in the schema (CONV_2D), or that of a custom operator."""
    inputs: tuple[int, ...]
    """-1 stands for an optional one that is not given."""
    outputs: tuple[int, ...]
    options: Mapping[str, int]
    """The numbers of its options table, by their names in the schema's generated code."""
    custom: bytes
    """The options of a custom operator, as the file has them."""


@dataclass(frozen=True)
class Network:
    """The first (and, in MediaPipe's files, only) graph of the file."""

    tensors: tuple[Tensor, ...]
    operators: tuple[Operator, ...]
    """In an order in which they can be run."""
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


_CONVOLUTION = ("Padding", "StrideH", "StrideW", "DilationHFactor", "DilationWFactor", "FusedActivationFunction")
_POOL = ("Padding", "StrideH", "StrideW", "FilterHeight", "FilterWidth", "FusedActivationFunction")

_OPTIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "CONV_2D": ("Conv2DOptions", _CONVOLUTION),
    "DEPTHWISE_CONV_2D": ("DepthwiseConv2DOptions", _CONVOLUTION),
    "AVERAGE_POOL_2D": ("Pool2DOptions", _POOL),
    "MAX_POOL_2D": ("Pool2DOptions", _POOL),
    "ADD": ("AddOptions", ("FusedActivationFunction",)),
    "SUB": ("SubOptions", ("FusedActivationFunction",)),
    "MUL": ("MulOptions", ("FusedActivationFunction",)),
    "CONCATENATION": ("ConcatenationOptions", ("Axis", "FusedActivationFunction")),
    "DEPTH_TO_SPACE": ("DepthToSpaceOptions", ("BlockSize",)),
    "RESIZE_BILINEAR": ("ResizeBilinearOptions", ("AlignCorners", "HalfPixelCenters")),
}
"""The options table of each operator kind that has one we need, and the fields read from it."""

_TYPES: dict[int, Any] = {
    tflite.TensorType.FLOAT32: np.dtype("<f4"),
    tflite.TensorType.FLOAT16: np.dtype("<f2"),
    tflite.TensorType.INT32: np.dtype("<i4"),
    tflite.TensorType.INT64: np.dtype("<i8"),
}

_KINDS = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}


def read_tflite(content: bytes) -> Network:
    """The network in a .tflite file.

    Constants keep their precision (float16 stays float16). Nothing larger than a few times the file is kept.

    Raises:
        ModelError: the bytes are no .tflite file, are damaged or cut off, or hold a type of number that is not read here.
    """
    if len(content) > MAX_BYTES:
        raise ModelError(f"A .tflite file of {len(content):,} bytes is not read: {MAX_BYTES:,} is the limit.")
    if content[4:8] != b"TFL3":
        raise ModelError("These bytes are no .tflite file: the mark TFL3 is missing.")
    try:
        return _Reader(content).network()
    except _FaultError as problem:
        raise ModelError(f"The .tflite file is damaged, or of a kind that is not read ({problem}).") from None
    except _BROKEN:
        raise ModelError("The .tflite file is damaged or cut off: an offset or a length in it leads astray.") from None


def flexbuffer_numbers(content: bytes) -> dict[str, float | list[int]]:
    """The numbers and lists of whole numbers in the flexbuffer map that a custom operator has as its options.

    Raises:
        ModelError: the bytes are no such map.
    """
    try:
        table = flexbuffers.GetRoot(bytearray(content)).AsMap
        return {key.AsKey: _number(value) for key, value in zip(table.Keys, table.Values, strict=True)}
    except _BROKEN:
        raise ModelError("The options of a custom operator are damaged.") from None


def _number(value: Any) -> float | list[int]:
    if value.IsTypedVector:
        return [entry.AsInt for entry in value.AsTypedVector]
    return float(value.AsFloat) if value.IsFloat else int(value.AsInt)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._model = tflite.Model.GetRootAsModel(content, 0)
        self._graph = self._model.Subgraphs(0)
        self._constant_bytes = 0
        self._written_out = 0

    def network(self) -> Network:
        graph = self._graph
        tensors = tuple(self._tensor(graph.Tensors(place)) for place in range(_count(graph.TensorsLength())))
        operators = tuple(self._operator(graph.Operators(place)) for place in range(_count(graph.OperatorsLength())))
        network = Network(
            tensors, operators, _places(graph.Inputs, graph.InputsLength), _places(graph.Outputs, graph.OutputsLength)
        )
        used = [*network.inputs, *network.outputs, *(place for step in operators for place in (*step.inputs, *step.outputs))]
        if any(not -1 <= place < len(tensors) for place in used) or -1 in (*network.inputs, *network.outputs):
            raise _FaultError("a tensor is named that is not there")
        return network

    def _tensor(self, tensor: Any) -> Tensor:
        shape = _places(tensor.Shape, tensor.ShapeLength, _MAX_AXES)
        if any(size < 1 for size in shape) or math.prod(shape) > MAX_ELEMENTS:
            raise _FaultError(f"a tensor of shape {shape}")
        values = self._numbers(tensor)
        if values is not None and tensor.Sparsity() is not None:
            self._written_out += math.prod(shape)
            if self._written_out > MAX_SPARSE_ELEMENTS:
                raise _FaultError("its sparse tensors are too large")
            values = _densified(values, shape, tensor.Sparsity())
        return Tensor((tensor.Name() or b"").decode(), shape, None if values is None else values.reshape(shape))

    def _numbers(self, tensor: Any) -> NDArray[Any] | None:
        buffer = self._model.Buffers(tensor.Buffer())
        length = 0 if buffer is None else buffer.DataLength()
        if length == 0:
            return None
        if tensor.Type() not in _TYPES:
            raise _FaultError(f"numbers of type {tensor.Type()}: only float32, float16, int32 and int64 are read")
        self._constant_bytes += length
        if self._constant_bytes > 2 * len(self._content):  # several tensors may share a buffer, but not all of them all of it
            raise _FaultError("its constants are larger than the file")
        return np.frombuffer(buffer.DataAsNumpy().tobytes(), _TYPES[tensor.Type()])

    def _operator(self, operator: Any) -> Operator:
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        kind = _KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        custom = b""
        if kind == "CUSTOM":
            kind = code.CustomCode().decode()
            if operator.CustomOptionsLength():
                custom = operator.CustomOptionsAsNumpy().tobytes()
        return Operator(
            kind,
            _places(operator.Inputs, operator.InputsLength),
            _places(operator.Outputs, operator.OutputsLength),
            _options(kind, operator),
            custom,
        )


def _count(length: int, most: int = MAX_COUNT) -> int:
    if length > most:
        raise _FaultError(f"a list of {length:,}")
    return length


def _places(get: Callable[[int], int], length: Callable[[], int], most: int = 1000) -> tuple[int, ...]:
    return tuple(int(get(place)) for place in range(_count(length(), most)))


def _options(kind: str, operator: Any) -> dict[str, int]:
    if kind not in _OPTIONS:
        return {}
    name, fields = _OPTIONS[kind]
    table, bytes_of_it = getattr(tflite, name)(), operator.BuiltinOptions()
    if bytes_of_it is None:
        raise _FaultError(f"{kind} has no options")
    table.Init(bytes_of_it.Bytes, bytes_of_it.Pos)
    return {field: int(getattr(table, field)()) for field in fields}


def _densified(values: NDArray[Any], shape: tuple[int, ...], sparsity: Any) -> NDArray[Any]:
    """A sparse tensor written out, (shape): its axes are stored in an order of their own, each dense or compressed (TACO's formats).

    Walks the stored axes from the outermost: a dense axis continues every place with all its indices, a compressed one only with those
    that its segments list.

    Raises:
        _FaultError: the tensor is stored in blocks (MediaPipe's are not), or the lists contradict each other.
    """
    order = _places(sparsity.TraversalOrder, sparsity.TraversalOrderLength, _MAX_AXES)
    if sparsity.BlockMapLength() or sorted(order) != list(range(len(shape))) or sparsity.DimMetadataLength() != len(shape):
        raise _FaultError("a sparse tensor stored in blocks")
    places = np.zeros((1, 0), np.int64)
    for stored, axis in enumerate(order):
        metadata = sparsity.DimMetadata(stored)
        room = math.prod(shape[walked] for walked in order[: stored + 1])
        if metadata.Format() == tflite.DimensionType.DENSE:
            starts, indices = np.arange(len(places) + 1) * shape[axis], np.tile(np.arange(shape[axis]), len(places))
        else:
            starts = _index_list(metadata.ArraySegmentsType(), metadata.ArraySegments())
            indices = _index_list(metadata.ArrayIndicesType(), metadata.ArrayIndices())
        steps = np.diff(starts)
        if len(steps) != len(places) or starts[0] != 0 or (steps < 0).any() or not starts[-1] == len(indices) <= room:
            raise _FaultError("a sparse tensor whose segments contradict its indices")
        if (indices < 0).any() or (indices >= shape[axis]).any():
            raise _FaultError("a sparse tensor with an index outside its shape")
        places = np.concatenate([np.repeat(places, steps, axis=0), indices[:, None]], axis=1)
    if len(places) != len(values):
        raise _FaultError("a sparse tensor with more or fewer numbers than indices")
    dense = np.zeros(shape, values.dtype)
    dense[tuple(places[:, order.index(axis)] for axis in range(len(shape)))] = values
    return dense


def _index_list(kind: int, union: Any) -> NDArray[np.int64]:
    names = {
        tflite.SparseIndexVector.Int32Vector: "Int32Vector",
        tflite.SparseIndexVector.Uint16Vector: "Uint16Vector",
        tflite.SparseIndexVector.Uint8Vector: "Uint8Vector",
    }
    table = getattr(tflite, names[kind])()
    table.Init(union.Bytes, union.Pos)
    return np.asarray(table.ValuesAsNumpy(), np.int64)
