"""A detector file of SCRFD's form that gives the same faces for every picture: for tests of what happens around a detector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from lianpu.faces.results import Face

_INPUT_PX = 320


def write_scrfd(file: Path, faces: Sequence[Face], width: int, height: int) -> Path:
    """The file; it "finds" `faces` in pictures of that width and height, wherever it looks, each with score 0.9."""
    scale = _INPUT_PX / max(width, height)
    values: dict[str, np.ndarray] = {}
    for stride in (8, 16, 32):
        count = 2 * (_INPUT_PX // stride) ** 2  # two anchors in each cell
        values |= {f"score_{stride}": np.zeros((count, 1)), f"bbox_{stride}": np.zeros((count, 4))}
        values[f"kps_{stride}"] = np.zeros((count, 10))
    for face in faces:
        points = np.asarray(face.points) * scale
        column, row = (int(value // 8) for value in points[2])
        anchor, corner = 2 * (row * (_INPUT_PX // 8) + column), np.array((column, row)) * 8
        box = np.array(face.box_xyxy) * scale
        values["score_8"][anchor] = 0.9
        values["bbox_8"][anchor] = np.concatenate([corner - box[:2], box[2:] - corner]) / 8
        values["kps_8"][anchor] = (points - corner).ravel() / 8
    names = sorted(values, key=lambda name: (("score", "bbox", "kps").index(name.split("_")[0]), int(name.split("_")[1])))
    weights = [numpy_helper.from_array(values[name].astype(np.float32), f"constant_{name}") for name in names]
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"constant_{name}"], [name]) for name in names],
        "the same faces always",
        [helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [1, 3, _INPUT_PX, _INPUT_PX])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, list(values[name].shape)) for name in names],
        weights,
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), str(file))
    return file
