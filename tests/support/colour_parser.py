"""A real ONNX parser that reads the class of a pixel off its colour: what a painted mask holds, it gives back exactly.

It has the form that `lianpu parser train` exports, and runs in ONNX Runtime; only its three weights per class are chosen and not learned.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_COLORS, PARTS

LICENCE = "free for any use"


def write_colour_parser(file: Path, size_px: int, names: Sequence[str] = PARTS, /, **changes: Any) -> Path:
    """A parser file for crops of `size_px` that gives classes in the order of `names`; `changes` go into its description."""
    colors = np.array([PART_COLORS[PARTS.index(name)] if name in PARTS else (9, 9, 9) for name in names], dtype=np.float32)
    prototypes = colors / 127.5 - 1.0
    weight = (2 * prototypes)[:, :, None, None]
    bias = -(prototypes**2).sum(axis=1)
    nodes = [
        helper.make_node("Conv", ["image", "weight", "bias"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["indices"], axis=1, keepdims=0),
        helper.make_node("Cast", ["indices"], ["parts"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "colour_parser",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["B", 3, size_px, size_px])],
        [helper.make_tensor_value_info("parts", TensorProto.UINT8, ["B", size_px, size_px])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    described = {
        "parts": list(names),
        "size_px": size_px,
        "alignment": "celebamask-hq",
        "licence": LICENCE,
        "trained_on": "nothing",
        "scores": {},
    }
    helper.set_model_props(model, {"lianpu_parser": json.dumps(described | changes)})
    onnx.save_model(model, str(file))
    return file


def paint(mask: np.ndarray) -> Picture:
    """The picture (H, W, 3) that a colour parser reads the mask from."""
    return np.asarray(PART_COLORS, dtype=np.uint8)[mask]
