"""Networks as ONNX graphs: the one way to torch's exporter."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence

import onnx
import onnx.version_converter
import torch
from torch import nn

from lianpu.errors import ModelError

OPSET = 18
"""What torch's exporter writes by itself; asking for another makes it convert, and older runtimes read this one."""

LARGEST_BATCH = 1 << 20


def trace_to_onnx(network: nn.Module, inputs: Mapping[str, torch.Tensor], outputs: Sequence[str]) -> onnx.ModelProto:
    """The graph of a network in eval mode on the CPU, for batches of any size, its weights inside.

    Args:
        network: takes the inputs in their order.
        inputs: an example of each by name; the first axis of each is the batch, and 2 long (1 would become a constant).
        outputs: the names of what the network gives, in its order.
    """
    # torch 2.6 and 2.7 take a batch without an upper end for a contradiction.
    batch = torch.export.Dim("batch", min=1, max=LARGEST_BATCH)
    with warnings.catch_warnings(), torch.no_grad():
        # All inputs name their first axis alike, on purpose; and torch warns of its own deprecations while it traces.
        warnings.filterwarnings("ignore", message=r".*The axis name: batch will not be used.*", category=UserWarning)
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        program = torch.onnx.export(
            network,
            tuple(inputs.values()),
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_shapes=tuple({0: batch} for _ in inputs),
            opset_version=OPSET,
            dynamo=True,
            optimize=True,  # the default since torch 2.7
            verbose=False,
        )
    assert program is not None
    return _without_traces(program.model_proto)


def with_opset(model: onnx.ModelProto, opset: int) -> onnx.ModelProto:
    """The model written in version `opset` of ONNX's operators, by onnx's own converter, with the oldest file version that holds it.

    Raises:
        ModelError: the converter cannot. That it computes the same is for the caller to prove.
    """
    try:
        converted = onnx.version_converter.convert_version(model, opset)
        onnx.checker.check_model(converted)
        converted.ir_version = onnx.helper.find_min_ir_version_for(list(converted.opset_import))
    except Exception as problem:  # the converter raises RuntimeError, ValueError and its own kinds
        reason = " ".join(str(problem).split())
        raise ModelError(
            f"Opset {opset} cannot be written: torch's exporter writes {OPSET}, and onnx's converter does not get from there to {opset} "
            f"({reason[-120:]}). Take one from 15 to {onnx.defs.onnx_opset_version()}, or leave out --opset."
        ) from None
    return converted


def _without_traces(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model less the notes of torch's exporter on every node: they hold source lines and folders of this machine."""
    graph = model.graph
    for holder in (graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del holder.metadata_props[:]
    return model
