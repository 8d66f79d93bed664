"""Models that anybody may use, made in a second: a predictor of 68 points and a parser, for tests under --commercial-safe."""

from pathlib import Path

import dlib

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
