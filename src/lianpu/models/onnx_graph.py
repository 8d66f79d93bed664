"""An ONNX graph that is put together node by node: every name numbered, so that the same steps give the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import ArrayLike, DTypeLike, NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
IR_VERSION = 8


class OnnxGraph:
    """Nodes and constants so far. A value is known by its name; the methods give the name of what they add."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        self._known: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        """Add an operator of ONNX with one output."""
        name = f"v{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=f"{kind}_{len(self._nodes)}", **attributes))
        return name

    def constant(self, values: ArrayLike, dtype: DTypeLike = np.float32) -> str:
        """Add a constant, or find the same one again."""
        array: NDArray[Any] = np.ascontiguousarray(np.asarray(values, dtype))
        key = (array.dtype.str, np.shape(values), array.tobytes())
        if key not in self._known:
            self._known[key] = f"c{len(self._constants)}"
            self._constants.append(numpy_helper.from_array(array.reshape(np.shape(values)), self._known[key]))
        return self._known[key]

    def whole(self, *numbers: int) -> str:
        """Add a list of whole numbers, as shapes and axes are given."""
        return self.constant(numbers, np.int64)

    def slice(self, value: str, start: int, stop: int, axis: int) -> str:
        """Add `value[start:stop]` along one axis."""
        return self.node("Slice", [value, self.whole(start), self.whole(stop), self.whole(axis)])

    def gather(self, value: str, rows: Sequence[int]) -> str:
        """Add the given rows of a value."""
        return self.node("Gather", [value, self.whole(*rows)], axis=0)

    def reshape(self, value: str, *shape: int) -> str:
        """Add the value in another shape."""
        return self.node("Reshape", [value, self.whole(*shape)])

    def model_bytes(
        self, input_name: str, input_shape: Sequence[int | str], outputs: Mapping[str, tuple[str, Sequence[int | str]]]
    ) -> bytes:
        """The graph as the bytes of an ONNX file, checked.

        Args:
            input_name: the one input, float32.
            input_shape: its shape; a name stands for a size that is open.
            outputs: by the name that the file gives them: a value of the graph, and its shape.

        Raises:
            ValueError: the checker or the inference of shapes finds a fault.
        """
        for name, (value, _) in outputs.items():
            self._nodes.append(helper.make_node("Identity", [value], [name], name=f"output_{name}"))
        used = {name for node in self._nodes for name in node.input}
        graph = helper.make_graph(
            self._nodes,
            "lianpu",
            [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, input_shape)],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, (_, shape) in outputs.items()],
            [constant for constant in self._constants if constant.name in used],
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="lianpu"
        )
        try:
            onnx.checker.check_model(model, full_check=True)
        except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as problem:
            raise ValueError(" ".join(str(problem).split())[:200]) from None
        return bytes(model.SerializeToString(deterministic=True))


def only_outputs(network: bytes, names: Sequence[str]) -> bytes:
    """An ONNX file without its other outputs, and without the nodes that only those need."""
    model = onnx.load_model_from_string(network)
    graph = model.graph
    kept = [output for output in graph.output if output.name in names]
    del graph.output[:]
    graph.output.extend(kept)
    needed = {output.name for output in kept}
    for node in reversed(graph.node):  # in ONNX a node comes after those that it reads
        if needed.intersection(node.output):
            needed.update(node.input)
        else:
            graph.node.remove(node)
    return bytes(model.SerializeToString())
