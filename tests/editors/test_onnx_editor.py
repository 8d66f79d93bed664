"""An editor from one ONNX file: what it knows of itself, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from lianpu.attributes import AttributeSet
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import ONNX_FP32, OnnxEditor, write_metadata
from lianpu.errors import ModelError

INFO = ModelInfo(AttributeSet.of(("Black_Hair", "Blond_Hair", "Male")), 16, "none", "cafe0123", 7, "free")


def _brightener(file: Path, metadata: dict[str, str]) -> Path:
    """A model that adds a quarter of the first label to every pixel."""
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Slice", ["labels", "zero", "one", "column"], ["first"]),
        helper.make_node("Unsqueeze", ["first", "axes"], ["plane"]),
        helper.make_node("Mul", ["plane", "quarter"], ["shift"]),
        helper.make_node("Add", ["image", "shift"], ["edited"]),
    ]
    constants = {"zero": [0], "one": [1], "column": [1], "axes": [2, 3]}
    tensors = [helper.make_tensor(name, TensorProto.INT64, [len(values)], values) for name, values in constants.items()]
    tensors.append(helper.make_tensor("quarter", TensorProto.FLOAT, [], [0.25]))
    graph = helper.make_graph(
        nodes,
        "brightener",
        [value("image", TensorProto.FLOAT, ["b", 3, 16, 16]), value("labels", TensorProto.FLOAT, ["b", 3])],
        [value("edited", TensorProto.FLOAT, ["b", 3, 16, 16])],
        tensors,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    helper.set_model_props(model, metadata)
    onnx.save_model(model, str(file))
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return _brightener(tmp_path / "model.onnx", write_metadata(INFO, ONNX_FP32, {"opset": 18}))


def test_the_editor_edits_by_label_and_reads_itself_from_the_file(file: Path) -> None:
    editor = OnnxEditor(file, threads=1)
    assert (editor.info, editor.kind) == (INFO, "ONNX FP32")
    edited = editor.edit(torch.zeros(2, 3, 16, 16), np.array([[1, 0, 0], [0, 1, 1]], np.float32))
    assert edited.dtype == torch.float32 and edited.shape == (2, 3, 16, 16)
    assert edited[0].unique().tolist() == [0.25] and edited[1].unique().tolist() == [0.0]


def test_labels_of_another_number_type_and_batches_laid_out_otherwise_are_taken(file: Path) -> None:
    batch = torch.rand(2, 3, 16, 16).contiguous(memory_format=torch.channels_last).double()
    edited = OnnxEditor(file).edit(batch, np.array([[1, 0, 0], [1, 0, 0]]))
    torch.testing.assert_close(edited, batch.float() + 0.25)


def test_batches_and_labels_of_another_shape_are_refused(file: Path) -> None:
    editor = OnnxEditor(file)
    labels = np.zeros((2, 3), np.float32)
    for batch in (torch.zeros(2, 3, 32, 32), torch.zeros(2, 1, 16, 16), torch.zeros(3, 16, 16)):
        with pytest.raises(ValueError, match=r"this model edits batches \(B, 3, 16, 16\), got"):
            editor.edit(batch, labels)
    for wrong in (np.zeros((1, 3), np.float32), np.zeros((2, 4), np.float32), np.zeros(3, np.float32)):
        with pytest.raises(ValueError, match=r"takes labels \(2, 3\) for Black_Hair, Blond_Hair, Male, got"):
            editor.edit(torch.zeros(2, 3, 16, 16), wrong)


def test_a_file_without_our_metadata_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"does not say its labels and their order \(it has no metadata entry 'lianpu'\).*lianpu export RUN"
    ):
        OnnxEditor(_brightener(tmp_path / "foreign.onnx", {"author": "somebody"}))


@pytest.mark.parametrize(
    "entry",
    ["{", "[]", "3", "null", json.dumps({"kind": "ONNX FP32"}), json.dumps(INFO.to_json() | {"kind": "x", "image_size": "big"})],
)
def test_damaged_metadata_is_refused_in_one_line(tmp_path: Path, entry: str) -> None:
    with pytest.raises(ModelError, match="lianpu export") as caught:
        OnnxEditor(_brightener(tmp_path / "model.onnx", {"lianpu": entry}))
    assert "\n" not in str(caught.value) and "model.onnx" in str(caught.value)


def test_metadata_that_is_no_text_is_refused_in_one_line(file: Path) -> None:
    body = file.read_bytes()
    assert b"image_size" in body
    file.write_bytes(body.replace(b"image_size", b"image\xfasize", 1))
    with pytest.raises(ModelError, match=r"model\.onnx is damaged: what it says of itself is no UTF-8 text"):
        OnnxEditor(file)


def test_a_truncated_file_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(ModelError, match="cannot be loaded as ONNX"):
        OnnxEditor(file)
