"""One ONNX file: alone, self-describing, of any batch size, and equal to PyTorch in every mode."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.errors import ModelError
from lianpu.export import graph
from lianpu.export.graph import file_bytes, opset_of, write_graph
from lianpu.models.onnx_trace import OPSET
from lianpu.stargan.networks import Generator


def _edit(file: Path, count: int) -> tuple[torch.Tensor, np.ndarray, torch.Tensor]:
    rng = np.random.default_rng(count)
    batch = torch.from_numpy(rng.uniform(-1, 1, (count, 3, 32, 32)).astype(np.float32))
    labels = rng.integers(0, 2, (count, 5)).astype(np.float32)
    return batch, labels, OnnxEditor(file, threads=1).edit(batch, labels)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_onnx_equals_eval_mode_equals_train_mode_for_any_batch(generator: Generator, onnx_file: Path, count: int) -> None:
    batch, labels, edited = _edit(onnx_file, count)
    with torch.no_grad():
        in_eval = generator.eval()(batch, torch.from_numpy(labels))
        in_train = generator.train()(batch, torch.from_numpy(labels))
    generator.eval()
    assert torch.equal(in_eval, in_train)
    torch.testing.assert_close(edited, in_eval, atol=1e-4, rtol=0)


def test_a_face_is_edited_alike_whatever_shares_its_batch(onnx_file: Path) -> None:
    batch, labels, together = _edit(onnx_file, 5)
    alone = OnnxEditor(onnx_file).edit(batch[2:3], labels[2:3])
    torch.testing.assert_close(alone, together[2:3], atol=1e-5, rtol=0)


def test_the_file_stands_alone(onnx_file: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "renamed.onnx"
    moved.parent.mkdir()
    moved.write_bytes(onnx_file.read_bytes())
    _, _, there = _edit(moved, 2)
    _, _, here = _edit(onnx_file, 2)
    assert torch.equal(there, here)
    assert [file.name for file in onnx_file.parent.iterdir()] == ["model.onnx"]


def test_the_file_describes_itself(onnx_file: Path, info: ModelInfo) -> None:
    model = onnx.load_model(str(onnx_file))
    entries = {entry.key: entry.value for entry in model.metadata_props}
    assert OnnxEditor(onnx_file).info == info
    assert entries["attributes"] == "Black_Hair, Blond_Hair, Brown_Hair, Male, Young"
    assert entries["licence"] == "drawn by the package: free"
    assert f'"opset": {opset_of(model)}' in entries["lianpu"]
    assert opset_of(model) == OPSET
    assert [node.name for node in model.graph.input] == ["image", "labels"]
    assert [node.name for node in model.graph.output] == ["edited"]


def test_the_file_holds_no_folder_of_the_machine_that_made_it(onnx_file: Path) -> None:
    content = onnx_file.read_bytes()
    assert str(Path(graph.__file__).parent).encode() not in content
    assert b"stack_trace" not in content


def test_size_counts_weights_in_other_files(onnx_file: Path, tmp_path: Path) -> None:
    split = tmp_path / "split.onnx"
    onnx.save_model(
        onnx.load_model(str(onnx_file)), str(split), save_as_external_data=True, location="split.weights", size_threshold=0
    )
    assert split.stat().st_size < 0.5 * onnx_file.stat().st_size
    assert file_bytes(split) == split.stat().st_size + (tmp_path / "split.weights").stat().st_size
    assert file_bytes(onnx_file) == onnx_file.stat().st_size


def test_a_network_that_one_file_cannot_hold_is_refused(
    generator: Generator, info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "LARGEST_FILE_BYTES", 1000)
    with pytest.raises(ModelError, match=r"GB of weights; one ONNX file holds 2\. Train with a smaller g_conv_dim"):
        write_graph(generator, info, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
