"""Models that anybody may use, made in a second: a predictor of 68 points and a parser, for tests under --commercial-safe."""

from pathlib import Path

import dlib
import numpy as np
import onnx

from lianpu.dataset.drawn import draw_face
from tests.support.colour_parser import write_colour_parser


def write_predictor(file: Path) -> Path:
    """A predictor of 68 points, trained on two drawn faces."""
    drawn = draw_face(1, 0, 128)
    points = [dlib.point(round(float(x)), round(float(y))) for x, y in drawn.points]
    shape = dlib.full_object_detection(dlib.rectangle(24, 24, 104, 110), parts=points)
    options = dlib.shape_predictor_training_options()
    options.tree_depth, options.cascade_depth, options.num_trees_per_cascade_level, options.oversampling_amount = 1, 1, 1, 1
    dlib.train_shape_predictor([drawn.picture] * 2, [[shape]] * 2, options).save(str(file))
    return file


def own_models(folder: Path) -> list[str]:
    """The options of a command that uses only such models; dlib's detector makes its points from the same predictor."""
    predictor, parser = write_predictor(folder / "own.dat"), write_colour_parser(folder / "parser.onnx", 64)
    return ["--detector", "dlib", "--landmarks", str(predictor), "--parser", str(parser)]


def write_mesh_network(file: Path, points: np.ndarray, presence: float) -> Path:
    """A network in the form of the face mesh that sees the same points (K, 3) and the same presence (a logit) in every crop."""
    nodes = [
        onnx.helper.make_node("ReduceMean", ["image"], ["mean"], keepdims=0),
        onnx.helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        onnx.helper.make_node("Add", ["nothing", "seen"], ["points"]),
        onnx.helper.make_node("Add", ["nothing", "sure"], ["presence"]),
    ]
    float32 = onnx.TensorProto.FLOAT
    constants = {"zero": np.float32(0), "seen": points.astype(np.float32), "sure": np.array([presence], dtype=np.float32)}
    graph = onnx.helper.make_graph(
        nodes,
        "mesh",
        [onnx.helper.make_tensor_value_info("image", float32, [1, 3, 192, 192])],
        [
            onnx.helper.make_tensor_value_info("points", float32, list(points.shape)),
            onnx.helper.make_tensor_value_info("presence", float32, [1]),
        ],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, file)
    return file
