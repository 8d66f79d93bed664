"""MediaPipe's six small models as ONNX files with the inputs and outputs that our code asks for.

All take `image`, (1, 3, H, W) float32 RGB, and give:

- the meshes (192 x 192, 0 to 1): `points` (478 or 468, 3), x and y in pixels of the crop measured from its upper left edge, z in the same
  unit and smaller towards the camera; `presence` (1,), a logit. Points 468 to 472 are the iris between points 33 and 133 (the left one in
  the picture of a face that looks at the camera), 473 to 477 the other, each with its centre first.
- BlazeFace (128 x 128, or any multiples of 32 for the full range, which was trained at 192 x 192; -1 to 1): `boxes` (1, N, 16), in pixels
  of the input relative to each anchor: the middle, width and height, six points; `scores` (1, N, 1), logits.
- selfie segmentation (256 x 256 or 144 x 256, 0 to 1): `person` (1, 1, H, W), 0 to 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from lianpu.errors import ModelError
from lianpu.models.tflite_to_onnx import Conversion, converted

Outputs = dict[str, tuple[str, tuple[int | str, ...]]]

OPEN_SIZE = ("blazeface-full",)
"""Models that are convolutional throughout: their ONNX files take pictures of any multiple of 32 px."""


def mediapipe_onnx(name: str, content: bytes) -> bytes:
    """The ONNX file of one of the models, without metadata: the same bytes for the same input and the same version of `onnx`.

    Args:
        name: as in the table of models: a key of `MODELS`.
        content: the .tflite file.

    Raises:
        ModelError: the file is damaged, or is another network.
    """
    at = converted(content, open_size=name in OPEN_SIZE)
    size: tuple[int | str, ...] = ("height", "width") if at.open_size else at.shape(at.network.inputs[0])[1:3]
    outputs = MODELS[name](at)
    try:
        return at.graph.model_bytes("image", (1, 3, *size), outputs)
    except ValueError as problem:
        raise ModelError(f"The .tflite file does not make a network that can run ({problem}).") from None


def _plain_mesh(at: Conversion) -> Outputs:
    return {
        "points": (at.graph.reshape(at.output("conv2d_21"), 468, 3), (468, 3)),
        "presence": (at.graph.reshape(at.output("conv2d_31"), 1), (1,)),
    }


IRIS_OF_EYE = 16
"""How many of an eye's 71 refined points lie on its contour: the iris gets their mean depth, as in MediaPipe's graph."""


def _attention_mesh(at: Conversion) -> Outputs:
    """The mesh with x and y of lips and eyes replaced by the refined ones, and the irises added.

    MediaPipe's landmarks_refinement_calculator.cc and tensors_to_face_landmarks_with_attention.pbtxt: lips and eyes keep the mesh's depth.
    """
    graph = at.graph
    mesh = graph.reshape(at.output("output_mesh_identity"), 468, 3)
    places, depth = graph.slice(mesh, 0, 2, 1), graph.slice(mesh, 2, 3, 1)
    if len(at.subsets) != 3:
        raise ModelError("The .tflite file is not the mesh with attention: it does not refine three regions.")
    for output, subset in zip(("output_lips", "output_left_eye", "output_right_eye"), at.subsets, strict=True):
        refined = graph.reshape(at.output(output), -1, 2)
        rows = graph.constant(np.repeat(np.asarray(subset)[:, None], 2, axis=1), np.int64)
        places = graph.node("ScatterElements", [places, rows, refined], axis=0)
    irises, depths = [], []
    for output, subset in (("output_left_iris", at.subsets[1]), ("output_right_iris", at.subsets[2])):
        irises.append(graph.reshape(at.output(output), 5, 2))
        mean = graph.node("ReduceMean", [graph.gather(depth, subset[:IRIS_OF_EYE])], axes=[0], keepdims=1)
        depths.append(graph.node("Expand", [mean, graph.whole(5, 1)]))
    places = graph.node("Concat", [places, *irises], axis=0)
    depth = graph.node("Concat", [depth, *depths], axis=0)
    return {
        "points": (graph.node("Concat", [places, depth], axis=1), (478, 3)),
        "presence": (graph.reshape(at.output("conv_faceflag"), 1), (1,)),
    }


def _detector(boxes: str, scores: str, anchors: int | str) -> Callable[[Conversion], Outputs]:
    def outputs(at: Conversion) -> Outputs:
        return {"boxes": (at.output(boxes), (1, anchors, 16)), "scores": (at.output(scores), (1, anchors, 1))}

    return outputs


def _person(output: str, height: int, width: int) -> Callable[[Conversion], Outputs]:
    return lambda at: {"person": (at.output(output), (1, 1, height, width))}


MODELS: dict[str, Callable[[Conversion], Outputs]] = {
    "face-mesh": _attention_mesh,
    "face-mesh-468": _plain_mesh,
    "blazeface-short": _detector("regressors", "classificators", 896),
    "blazeface-full": _detector("Identity", "Identity_1", "anchors"),
    "selfie-segmentation": _person("activation_10", 256, 256),
    "selfie-segmentation-landscape": _person("segment_back", 144, 256),
}
"""How each model's outputs are named, by its name in the table of models."""
