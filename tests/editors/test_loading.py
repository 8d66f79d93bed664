from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.editors.checkpoint_editor import load_generator
from lianpu.editors.loading import load_editor
from lianpu.errors import CheckpointError, ModelError, RunError
from lianpu.runs import Run
from lianpu.stargan.networks import Generator
from lianpu.stargan.published import write_published_weights
from lianpu.training.config import parse_config
from lianpu.training.loop import train

CONFIG = parse_config(
    {
        "model": {"image_size": 32, "g_conv_dim": 4, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3},
        "training": {"batch_size": 4, "num_iters": 2, "n_critic": 1, "device": "cpu"},
    },
    "test",
)


@pytest.fixture(scope="module")
def run(drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(drawn, CONFIG, tmp_path_factory.mktemp("runs") / "run")


def test_a_run_its_folder_and_its_checkpoint_give_the_same_editor(run: Run, drawn: Dataset) -> None:
    faces, labels = drawn.test.batch([0, 1])
    edits = [
        load_editor(source, device="cpu").edit(faces, labels)
        for source in (run, run.folder, str(run.folder), run.last_checkpoint(), run.last_checkpoint().folder)
    ]
    assert all(torch.equal(edit, edits[0]) for edit in edits)


def test_the_averaged_generator_is_the_one_that_is_loaded(run: Run) -> None:
    generator, info, model = load_generator(run.last_checkpoint())
    assert (info.step, model.g_conv_dim) == (2, 4)
    run_of_its_own = run.last_checkpoint()
    averaged = torch.nn.Module.state_dict(generator)["main.0.weight"]
    from safetensors.torch import load_file

    assert torch.equal(averaged, load_file(run_of_its_own.ema_file)["main.0.weight"])
    assert not torch.equal(averaged, load_file(run_of_its_own.generator_file)["main.0.weight"])


def test_batches_and_labels_of_another_size_are_misuse(run: Run) -> None:
    editor = load_editor(run, device="cpu")
    labels = np.zeros((1, 5), np.float32)
    with pytest.raises(ValueError, match=r"edits batches \(B, 3, 32, 32\), got \(1, 3, 64, 64\)"):
        editor.edit(torch.zeros(1, 3, 64, 64), labels)
    with pytest.raises(ValueError, match=r"takes labels \(1, 5\) for Black_Hair"):
        editor.edit(torch.zeros(1, 3, 32, 32), labels[:, :2])


def test_a_published_checkpoint_is_an_editor_once_its_labels_are_said(tmp_path: Path) -> None:
    file = write_published_weights(Generator(4, 2, 1), tmp_path / "200000-G.ckpt")
    editor = load_editor(file, device="cpu", attributes=AttributeSet.of(["Male", "Young"]), image_size=32)
    assert editor.edit(torch.zeros(1, 3, 32, 32), np.zeros((1, 2), np.float32)).shape == (1, 3, 32, 32)
    assert "non-commercial" in editor.info.licence
    with pytest.raises(ModelError, match="does not say its labels and size"):
        load_editor(file)
    with pytest.raises(ModelError, match="edits 2 attributes, but 1 were named: Male"):
        load_editor(file, attributes=AttributeSet.of(["Male"]), image_size=32)


def test_what_is_no_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not there\. Give a run folder"):
        load_editor(tmp_path / "none.onnx")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(ModelError, match=r"'\.txt' is no model file"):
        load_editor(tmp_path / "notes.txt")
    with pytest.raises(RunError, match="is not a run folder"):
        load_editor(tmp_path)


def test_a_state_without_labels_is_damaged(run: Run, tmp_path: Path) -> None:
    import shutil

    folder = tmp_path / "checkpoint"
    shutil.copytree(run.last_checkpoint().folder, folder)
    (folder / "state.json").write_text('{"step": 2}')
    with pytest.raises(CheckpointError, match=r"state\.json is damaged"):
        load_editor(folder)
