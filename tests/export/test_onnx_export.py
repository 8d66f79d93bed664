"""The parity gate, and what exporting a run leaves in its folder."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.editors.editor import ModelInfo
from lianpu.errors import CheckpointError, ModelError, RunError
from lianpu.export import onnx_export
from lianpu.export.graph import write_graph
from lianpu.export.onnx_export import export_generator, export_onnx, export_run, noise_faces, random_labels, require_parity
from lianpu.runs import Run
from lianpu.stargan.networks import Generator
from tests.support.shared import REAL_FACES, needs


def test_parity_is_measured_over_batches_of_several_sizes(generator: Generator, onnx_file: Path) -> None:
    parity = require_parity(generator, onnx_file, noise_faces(9, 32), random_labels(9, 5), real_faces=False)
    assert 0 < parity.max_abs_difference < 1e-4
    assert (parity.faces, parity.batch_sizes) == (9, (1, 2, 5))


@needs(REAL_FACES)
def test_parity_holds_on_real_faces(generator: Generator, onnx_file: Path) -> None:
    dataset = open_dataset("CelebAMask-HQ", REAL_FACES, 32, ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"))
    faces, _ = dataset.test.sample(8, seed=0).batch(range(8))
    assert require_parity(generator, onnx_file, faces, random_labels(8, 5), real_faces=True).max_abs_difference < 1e-4


def test_a_graph_that_computes_something_else_trips_the_gate_and_leaves_the_old_file(
    generator: Generator, info: ModelInfo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Slightly(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = generator

        def forward(self, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            return self.generator(x, labels) + 3e-4

    monkeypatch.setattr(onnx_export, "write_graph", lambda _, info, file, opset: write_graph(Slightly(), info, file, opset))
    target = tmp_path / "model.onnx"
    target.write_bytes(b"the good one")
    with pytest.raises(ModelError, match=r"differs from PyTorch by 0\.0003, where less than 1e-04 is asked, so it was not kept"):
        export_generator(generator, info, target)
    assert target.read_bytes() == b"the good one"
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]


def test_not_a_number_trips_the_gate(generator: Generator, onnx_file: Path) -> None:
    broken = noise_faces(1, 32)
    broken[0, 0, 0, 0] = float("nan")
    with pytest.raises(ModelError, match="differs from PyTorch by inf"):
        require_parity(generator, onnx_file, broken, random_labels(1, 5), real_faces=False)


def test_exporting_a_run_leaves_the_model_and_its_proof_and_removes_what_was_made_of_an_older_one(
    run: Run, drawn: Dataset
) -> None:
    run.export_folder.mkdir()
    for outdated in (run.float16_file, run.int8_file, run.quantization_file, run.benchmark_file):
        outdated.write_text("of an older model")
    export = export_run(run, faces=drawn.test)
    assert {file.name for file in run.export_folder.iterdir()} == {"model.onnx", "parity.json"}
    told = json.loads(run.parity_file.read_text())
    assert told["file"] == "model.onnx" and told["opset"] == export.opset and told["bytes"] == run.onnx_file.stat().st_size
    assert told["max_abs_difference"] < told["limit"] == 1e-4
    assert told["real_faces"] and told["faces"] == min(16, len(drawn.test))
    assert told["torch"] == torch.__version__ and np.all([part.isdigit() for part in told["onnxruntime"].split(".")[:2]])


def test_a_run_without_checkpoint_and_a_folder_that_is_no_run_are_named(run: Run, tmp_path: Path) -> None:
    run.checkpoint(7).generator_file.write_bytes(b"cut")
    with pytest.raises(
        CheckpointError, match=r"generator\.safetensors is damaged or cut off .*resumes from the checkpoint before"
    ):
        export_onnx(run.folder)
    with pytest.raises(RunError, match="is no run folder: it is not there"):
        export_onnx(tmp_path / "nowhere")
