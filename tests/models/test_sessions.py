"""ONNX Runtime sessions: what opens, and what is refused in one line."""

import os
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from lianpu.errors import ModelError
from lianpu.models.sessions import open_session, runtime_version


@pytest.fixture
def doubler(tmp_path: Path) -> Path:
    """A model that adds its input to itself."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
    graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", value[:1], value[1:])
    onnx.save_model(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), str(tmp_path / "double.onnx")
    )
    return tmp_path / "double.onnx"


@pytest.mark.parametrize("threads", [None, 1, 2])
def test_a_session_runs_the_model_in_the_file(doubler: Path, threads: int | None) -> None:
    got = open_session(doubler, threads).run(None, {"x": np.array([1, 2], np.float32)})[0]
    assert got.tolist() == [2, 4]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_a_name_that_is_no_utf8_is_opened(doubler: Path) -> None:
    odd = doubler.rename(doubler.with_name(os.fsdecode(b"no\xff\xfeutf8.onnx")))
    assert open_session(odd).run(None, {"x": np.array([1, 2], np.float32)})[0].tolist() == [2, 4]


def test_the_threads_that_were_asked_for_are_taken(doubler: Path) -> None:
    assert open_session(doubler, 1).get_session_options().intra_op_num_threads == 1


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.onnx is not there\. Write it with: lianpu export RUN"):
        open_session(tmp_path / "model.onnx")


@pytest.mark.parametrize("content", [b"", b"plain words, no model", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_what_is_no_onnx_file_is_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(
        ModelError, match=r"model\.onnx cannot be loaded as ONNX \(.+\)\. Export it again with: lianpu export RUN"
    ) as caught:
        open_session(file)
    assert "\n" not in str(caught.value)
    assert str(caught.value).count(str(file)) == 1


def test_a_file_cut_anywhere_is_refused(doubler: Path) -> None:
    whole = doubler.read_bytes()
    for length in (1, len(whole) // 2, len(whole) - 1):
        doubler.write_bytes(whole[:length])
        with pytest.raises(ModelError, match="cannot be loaded as ONNX"):
            open_session(doubler)


def test_an_unknown_operator_is_refused_by_name(doubler: Path) -> None:
    model = onnx.load_model(str(doubler))
    model.graph.node[0].op_type = "Twice"
    onnx.save_model(model, str(doubler))
    with pytest.raises(ModelError, match="Twice"):
        open_session(doubler)


def test_a_provider_that_is_not_installed_is_named_with_those_that_are(doubler: Path) -> None:
    with pytest.raises(ModelError, match=r"ONNX Runtime has no NoSuchProvider here, only .*CPUExecutionProvider"):
        open_session(doubler, providers=["NoSuchProvider"])


def test_the_runtime_tells_its_version() -> None:
    assert runtime_version().split(".")[0].isdigit()
