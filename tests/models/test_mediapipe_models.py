"""MediaPipe's six models as ONNX give what Google's own runtimes give: stored outputs, and LiteRT itself where it is installed.

`mediapipe_outputs.npz` was made on another machine than the tests run on, from `portrait` (256, 256, 3), a drawn face
(`draw_face(3, 2, 256, ...)`), cut as `INPUTS` below says:

- `face_mesh_points`: mediapipe 0.10.21 itself, its graph FaceLandmarkCpu with attention and with the whole crop as region; LiteRT cannot
  run that file, for it has operators of MediaPipe's own. Normalised x, y and z, multiplied by 192.
- all others: ai-edge-litert 2.3.0 (`Interpreter`, one thread), outputs as the files give them. Of BlazeFace's boxes the 16 with the
  best scores (`*_best`), of the people every fourth row and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from lianpu.errors import ModelError
from lianpu.models.mediapipe_models import MODELS, mediapipe_onnx
from lianpu.models.store.conversion import CONVERTER_VERSION, onnx_file, require_onnx
from lianpu.models.table import MODEL_FILES, model_file

Array = NDArray[Any]

CROP = (slice(60, 252), slice(35, 227))
WHOLE = (slice(None), slice(None))

INPUTS: dict[str, tuple[tuple[slice, slice], bool]] = {
    "face-mesh": (CROP, False),
    "face-mesh-468": (CROP, False),
    "blazeface-short": ((slice(None, None, 2), slice(None, None, 2)), True),
    "blazeface-full": (CROP, True),
    "selfie-segmentation": (WHOLE, False),
    "selfie-segmentation-landscape": ((slice(56, 200), slice(None)), False),
}
"""The part of the portrait that each model sees, and whether from -1 to 1 instead of 0 to 1."""


@pytest.fixture(scope="module")
def stored() -> Iterator[Any]:
    with np.load(Path(__file__).with_name("mediapipe_outputs.npz")) as arrays:
        yield dict(arrays)


def picture_for(name: str, portrait: Array) -> Array:
    """(1, H, W, 3) float32"""
    part, signed = INPUTS[name]
    values = portrait[part][None]
    return values / np.float32(127.5) - 1 if signed else values / np.float32(255)


def outputs_of(name: str, portrait: Array) -> dict[str, Array]:
    session = onnxruntime.InferenceSession(require_onnx(name), providers=["CPUExecutionProvider"])
    picture = np.ascontiguousarray(picture_for(name, portrait).transpose(0, 3, 1, 2))
    return {
        output.name: values for output, values in zip(session.get_outputs(), session.run(None, {"image": picture}), strict=True)
    }


@pytest.mark.usefixtures("mediapipe_models")
def test_the_mesh_with_attention_gives_what_mediapipe_gives(stored: Any) -> None:
    outputs = outputs_of("face-mesh", stored["portrait"])
    np.testing.assert_allclose(outputs["points"], stored["face_mesh_points"], atol=2e-3)
    assert outputs["presence"].shape == (1,) and outputs["presence"][0] > 10


@pytest.mark.usefixtures("mediapipe_models")
def test_the_smaller_mesh_gives_what_litert_gives(stored: Any) -> None:
    outputs = outputs_of("face-mesh-468", stored["portrait"])
    np.testing.assert_allclose(outputs["points"], stored["face_mesh_468_points"], atol=2e-3)
    np.testing.assert_allclose(outputs["presence"], stored["face_mesh_468_presence"], atol=1e-3)


@pytest.mark.usefixtures("mediapipe_models")
def test_the_two_meshes_agree_about_the_same_face(stored: Any) -> None:
    larger, smaller = (outputs_of(name, stored["portrait"])["points"] for name in ("face-mesh", "face-mesh-468"))
    assert np.linalg.norm((larger[:468] - smaller)[:, :2], axis=1).mean() < 3
    for iris, corners in ((468, (33, 133)), (473, (362, 263))):
        middle = larger[list(corners), :2].mean(axis=0)
        assert np.linalg.norm(larger[iris, :2] - middle) < 5, "each iris lies between the corners of its eye"


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize(("name", "short"), [("blazeface-short", "short"), ("blazeface-full", "full")])
def test_the_detectors_give_what_litert_gives(stored: Any, name: str, short: str) -> None:
    outputs = outputs_of(name, stored["portrait"])
    np.testing.assert_allclose(outputs["scores"].ravel(), stored[f"{short}_scores"], atol=2e-3)
    np.testing.assert_allclose(outputs["boxes"][0, stored[f"{short}_best"]], stored[f"{short}_boxes"], atol=2e-3)
    assert outputs["scores"].max() > 0.5, "the portrait is a face"


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize(
    ("name", "kept"), [("selfie-segmentation", "selfie"), ("selfie-segmentation-landscape", "selfie_landscape")]
)
def test_the_people_are_those_that_litert_sees(stored: Any, name: str, kept: str) -> None:
    person = outputs_of(name, stored["portrait"])["person"]
    np.testing.assert_allclose(person[0, 0, ::4, ::4], stored[kept], atol=1e-3)
    assert 0.2 < person.mean() < 0.6


@pytest.mark.parametrize("name", [name for name in MODELS if name != "face-mesh"])
def test_litert_itself_gives_the_same_on_noise(mediapipe_models: Path, name: str) -> None:
    interpreters = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    session = onnxruntime.InferenceSession(require_onnx(name), providers=["CPUExecutionProvider"])
    shape = [size if isinstance(size, int) else 192 for size in session.get_inputs()[0].shape]
    picture = np.random.default_rng(1).random(shape, np.float32)
    interpreter = interpreters.Interpreter(str(mediapipe_models / model_file(name).file))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(picture.transpose(0, 2, 3, 1)))
    interpreter.invoke()
    for values, details in zip(session.run(None, {"image": picture}), interpreter.get_output_details(), strict=True):
        np.testing.assert_allclose(values.ravel(), interpreter.get_tensor(details["index"]).ravel(), atol=1e-3)


def test_the_contract_covers_the_models_of_the_table() -> None:
    assert set(MODELS) == set(INPUTS) == {entry.name for entry in MODEL_FILES if entry.onnx}


def test_a_file_says_what_it_was_made_from(mediapipe_models: Path) -> None:
    for name in MODELS:
        entry = model_file(name)
        session = onnxruntime.InferenceSession(onnx_file(entry), providers=["CPUExecutionProvider"])
        told = session.get_modelmeta().custom_metadata_map
        assert (told["source"], told["source_sha256"], told["converter"]) == (
            entry.file,
            entry.sha256,
            f"lianpu {CONVERTER_VERSION}",
        )
        assert [node.name for node in session.get_inputs()] == ["image"]


def test_the_same_file_is_converted_to_the_same_bytes(mediapipe_models: Path) -> None:
    content = (mediapipe_models / "face_landmark_with_attention.tflite").read_bytes()
    assert mediapipe_onnx("face-mesh", content) == mediapipe_onnx("face-mesh", content)


def test_no_slow_operator_is_left(mediapipe_models: Path) -> None:
    """ONNX Runtime has no fast kernel for PRelu."""
    for name in MODELS:
        assert b"PRelu" not in onnx_file(model_file(name)).read_bytes()


def test_one_model_is_not_taken_for_another(mediapipe_models: Path) -> None:
    content = (mediapipe_models / "face_landmark.tflite").read_bytes()
    with pytest.raises(ModelError, match="no output called regressors"):
        mediapipe_onnx("blazeface-short", content)
    with pytest.raises(ModelError, match="no output called output_mesh_identity"):
        mediapipe_onnx("face-mesh", content)
    for length in (0, 8, 1000, 100_000, len(content) - 10_000):
        with pytest.raises(ModelError):
            mediapipe_onnx("face-mesh-468", content[:length])
