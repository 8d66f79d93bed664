"""Small .tflite files for tests, written with the same generated code that reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

OPTIONS = {
    "CONV_2D": "Conv2DOptions",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions",
    "AVERAGE_POOL_2D": "Pool2DOptions",
    "MAX_POOL_2D": "Pool2DOptions",
    "ADD": "AddOptions",
    "SUB": "SubOptions",
    "MUL": "MulOptions",
    "CONCATENATION": "ConcatenationOptions",
    "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "RESIZE_BILINEAR": "ResizeBilinearOptions",
    "MEAN": "ReducerOptions",
}

_TYPES = {
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "int32": tflite.TensorType.INT32,
    "uint8": tflite.TensorType.UINT8,
}


@dataclass(frozen=True)
class Sparse:
    """How a sparse tensor lies in the file: for each stored axis its dense size, or its segments and indices."""

    order: tuple[int, ...]
    axes: tuple[int | tuple[list[int], list[int]], ...]
    index_type: str = "Uint8Vector"
    """Int32Vector, Uint16Vector or Uint8Vector."""


@dataclass
class TFLiteWriter:
    """Tensors and operators, by the numbers that the methods give."""

    _tensors: list[tuple[str, tuple[int, ...], str, int, Sparse | None]] = field(default_factory=list)
    _buffers: list[bytes] = field(default_factory=lambda: [b""])
    _operators: list[tuple[str, Sequence[int], Sequence[int], Mapping[str, int], bytes]] = field(default_factory=list)

    def value(self, name: str, *shape: int) -> int:
        """A tensor that is computed, or an input."""
        self._tensors.append((name, shape, "float32", 0, None))
        return len(self._tensors) - 1

    def constant(self, values: NDArray[Any], shape: tuple[int, ...] | None = None, sparse: Sparse | None = None) -> int:
        """A constant; a sparse one is given by what is stored of it, and its shape."""
        self._buffers.append(np.ascontiguousarray(values).tobytes())
        self._tensors.append(("constant", shape or values.shape, str(values.dtype), len(self._buffers) - 1, sparse))
        return len(self._tensors) - 1

    def operator(
        self, kind: str, inputs: Sequence[int], output: int, options: Mapping[str, int] | None = None, custom: bytes = b""
    ) -> int:
        """The output of an operator: a kind of the schema, or with `custom` one of somebody's own."""
        self._operators.append((kind, inputs, [output], options or {}, custom))
        return output

    def content(self, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        build = flatbuffers.Builder(1024)
        kinds = list(dict.fromkeys((kind, bool(custom)) for kind, _, _, _, custom in self._operators))
        codes = [_code(build, kind, custom) for kind, custom in kinds]
        buffers = [_table(build, "Buffer", Data=_bytes(build, data) if data else None) for data in self._buffers]
        tensors = [_tensor(build, *tensor) for tensor in self._tensors]
        operators = [
            _operator(build, kinds.index((kind, bool(custom))), kind, ins, outs, options, custom)
            for kind, ins, outs, options, custom in self._operators
        ]
        graph = _table(
            build,
            "SubGraph",
            Tensors=_tables(build, tensors),
            Inputs=_numbers(build, inputs),
            Outputs=_numbers(build, outputs),
            Operators=_tables(build, operators),
        )
        model = _table(
            build,
            "Model",
            Version=3,
            OperatorCodes=_tables(build, codes),
            Subgraphs=_tables(build, [graph]),
            Buffers=_tables(build, buffers),
        )
        build.Finish(model, b"TFL3")
        return bytes(build.Output())


def _table(build: flatbuffers.Builder, kind: str, **fields: int | None) -> int:
    getattr(tflite, f"{kind}Start")(build)
    for name, value in fields.items():
        if value is not None:
            getattr(tflite, f"{kind}Add{name}")(build, value)
    return int(getattr(tflite, f"{kind}End")(build))


def _vector(build: flatbuffers.Builder, count: int, size: int, prepend: Callable[[int], None], values: Sequence[int]) -> int:
    build.StartVector(size, count, size)
    for value in reversed(values):
        prepend(int(value))
    return int(build.EndVector())


def _tables(build: flatbuffers.Builder, tables: Sequence[int]) -> int:
    return _vector(build, len(tables), 4, build.PrependUOffsetTRelative, tables)


def _numbers(build: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return _vector(build, len(numbers), 4, build.PrependInt32, numbers)


def _bytes(build: flatbuffers.Builder, data: bytes) -> int:
    return int(build.CreateByteVector(data))


def _code(build: flatbuffers.Builder, kind: str, custom: bool) -> int:
    name = build.CreateString(kind) if custom else None
    code = tflite.BuiltinOperator.CUSTOM if custom else getattr(tflite.BuiltinOperator, kind)
    return _table(build, "OperatorCode", DeprecatedBuiltinCode=min(code, 127), CustomCode=name, BuiltinCode=code)


def _tensor(build: flatbuffers.Builder, name: str, shape: Sequence[int], dtype: str, buffer: int, sparse: Sparse | None) -> int:
    parts = {"Shape": _numbers(build, shape), "Name": build.CreateString(name)}
    sparsity = _sparsity(build, sparse) if sparse else None
    return _table(build, "Tensor", **parts, Type=_TYPES[dtype], Buffer=buffer, Sparsity=sparsity)


def _sparsity(build: flatbuffers.Builder, sparse: Sparse) -> int:
    axes = []
    for axis in sparse.axes:
        if isinstance(axis, int):
            axes.append(_table(build, "DimensionMetadata", Format=tflite.DimensionType.DENSE, DenseSize=axis))
            continue
        kind = getattr(tflite.SparseIndexVector, sparse.index_type)
        segments, indices = (_table(build, sparse.index_type, Values=_indices(build, sparse.index_type, one)) for one in axis)
        axes.append(
            _table(
                build,
                "DimensionMetadata",
                Format=tflite.DimensionType.SPARSE_CSR,
                ArraySegmentsType=kind,
                ArraySegments=segments,
                ArrayIndicesType=kind,
                ArrayIndices=indices,
            )
        )
    order, metadata = _numbers(build, sparse.order), _tables(build, axes)
    return _table(build, "SparsityParameters", TraversalOrder=order, DimMetadata=metadata)


def _indices(build: flatbuffers.Builder, kind: str, values: Sequence[int]) -> int:
    size, prepend = {
        "Int32Vector": (4, build.PrependInt32),
        "Uint16Vector": (2, build.PrependUint16),
        "Uint8Vector": (1, build.PrependUint8),
    }[kind]
    return _vector(build, len(values), size, prepend, values)


def _operator(
    build: flatbuffers.Builder,
    code: int,
    kind: str,
    inputs: Sequence[int],
    outputs: Sequence[int],
    options: Mapping[str, int],
    custom: bytes,
) -> int:
    table = OPTIONS.get(kind)
    built = _table(build, table, **options) if table else None
    ins, outs = _numbers(build, inputs), _numbers(build, outputs)
    own = _bytes(build, custom) if custom else None
    return _table(
        build,
        "Operator",
        OpcodeIndex=code,
        Inputs=ins,
        Outputs=outs,
        BuiltinOptionsType=getattr(tflite.BuiltinOptions, table) if table else None,
        BuiltinOptions=built,
        CustomOptions=own,
    )
