"""A small editor that learns from another one."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.errors import SettingsError
from lianpu.export.onnx_export import export_generator
from lianpu.guidance.making import make_guides
from lianpu.guidance.teacher import STAGES, FeatureDistance, FrozenFeatures, obtain_teacher
from lianpu.models.efficientnet import build_efficientnet
from lianpu.stargan.lite import LiteGenerator
from lianpu.stargan.networks import Generator
from lianpu.training.config import RunConfig, parse_config
from lianpu.training.loop import Callbacks, train
from lianpu.training.record import read_record


@pytest.fixture(scope="module")
def teacher_file(drawn: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An editor, told targets, that turns every face dark red."""
    painter = LiteGenerator(8, 5, 0)
    with torch.no_grad():
        painter.leave.weight.zero_()
        painter.leave.bias.copy_(torch.tensor([-0.5, -2.0, -2.0, 1.0]))  # type: ignore[union-attr]
    info = ModelInfo(drawn.attributes, 32)
    return export_generator(painter, info, tmp_path_factory.mktemp("teacher") / "teacher.onnx").file


def _config(teacher: str, **loss: float) -> RunConfig:
    model = {"generator": "lite", "lite_size": "S", "image_size": 32, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    training = {
        "batch_size": 8,
        "n_critic": 1,
        "num_iters": 60,
        "g_lr": 0.005,
        "ema_decay": 0.0,
        "device": "cpu",
        "teacher": teacher,
    }
    return parse_config({"model": {**model, "label_input": "difference"}, "training": training, "loss": loss}, "test")


def test_a_student_of_another_kind_comes_nearer_to_its_teacher(drawn: Dataset, teacher_file: Path, tmp_path: Path) -> None:
    config = _config(str(teacher_file), lambda_adv=0.0, lambda_cls=0.0, lambda_rec=0.0)
    seen: list[dict[str, float]] = []
    guides = make_guides(drawn, config, tmp_path / "run")
    run = train(drawn, config, tmp_path / "run", guides=guides, callbacks=Callbacks(on_log=seen.append))
    assert seen[-1]["g_teacher"] < 0.5 * seen[0]["g_teacher"]
    assert seen[-1]["g_features"] < seen[0]["g_features"]
    assert guides.licence and read_record(run).licence == f"{drawn.licence}; taught by: {guides.licence}"


def test_the_teacher_is_asked_in_its_own_way(drawn: Dataset, teacher_file: Path) -> None:
    teacher = obtain_teacher(str(teacher_file), drawn, "cpu")
    faces, labels = drawn.train.batch([0, 1])
    targets = np.roll(labels, 1, axis=0)
    taught = teacher.edit(faces, torch.from_numpy(labels), torch.from_numpy(targets))
    assert torch.equal(taught, teacher.editor.edit(faces, targets))  # told the targets, not what changes


def test_a_teacher_of_other_labels_or_size_is_refused(drawn: Dataset, tmp_path: Path) -> None:
    info = ModelInfo(drawn.attributes, 64)
    file = export_generator(Generator(4, 5, 0), info, tmp_path / "large.onnx").file
    with pytest.raises(SettingsError, match=r"edits Black_Hair, .* at 64 px, the student is to edit .* at 32 px"):
        obtain_teacher(str(file), drawn, "cpu")


def test_a_run_with_a_teacher_needs_one(drawn: Dataset, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"training\.teacher is big\.onnx, but train\(\) was given no teacher"):
        train(drawn, _config("big.onnx"), tmp_path / "run")


def test_features_of_equal_faces_do_not_differ_and_gradients_pass() -> None:
    distance = FeatureDistance(FrozenFeatures(build_efficientnet(), STAGES))
    faces = torch.rand(2, 3, 64, 64) * 2 - 1
    assert float(distance(faces, faces)) == 0.0
    moved = (faces * 0.8).requires_grad_(True)
    distance(moved, faces).backward()
    assert moved.grad is not None and float(moved.grad.abs().sum()) > 0
