"""A run that begins with the weights of a trained editor."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.editors.editor import ModelInfo
from lianpu.errors import CheckpointError, ModelError, SettingsError
from lianpu.export.onnx_export import export_generator
from lianpu.export.quantization import quantize_onnx
from lianpu.runs import Run
from lianpu.stargan.lite import build_generator
from lianpu.stargan.networks import Discriminator
from lianpu.stargan.published import write_published_weights
from lianpu.training.config import RunConfig, parse_config
from lianpu.training.loop import train
from lianpu.training.record import read_record

STILL = {"g_lr": 1e-12, "d_lr": 1e-12, "num_iters": 2, "checkpoint_every": 2}
"""Steps so small that the weights stay, within a rounding, what the run began with."""


def _lite(start_from: str = "", label_input: str = "difference", lite_size: str = "S") -> RunConfig:
    sizes = {"image_size": 32, "d_conv_dim": 4, "g_repeat_num": 1, "d_repeat_num": 3}
    model = {"generator": "lite", "lite_size": lite_size, "label_input": label_input, **sizes}
    training = {"batch_size": 4, "n_critic": 1, "device": "cpu", "start_from": start_from, **STILL}
    return parse_config({"model": model, "training": training}, "test")


def _generator(run: Run) -> dict[str, torch.Tensor]:
    return load_file(run.last_checkpoint().generator_file)


def _is_near(found: dict[str, torch.Tensor], wanted: Any) -> bool:
    return all(torch.allclose(tensor, wanted[name], atol=1e-6) for name, tensor in found.items())


@pytest.fixture(scope="module")
def trained() -> torch.nn.Module:
    """A lite generator no two of whose tensors are equal, as after training (an ONNX file keeps equal ones once)."""
    generator = build_generator(_lite().model, 5)
    chance = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=chance))
    return generator


@pytest.fixture
def lite_file(drawn: Dataset, trained: Any, tmp_path: Path) -> Path:
    """That generator, exported."""
    info = ModelInfo(drawn.attributes, 32, label_input="difference", licence="for testing only")
    return export_generator(trained, info, tmp_path / "lite.onnx").file


def test_a_run_begins_with_the_networks_of_another_run(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    first = train(drawn, small_with(seed=1, g_lr=0.01, d_lr=0.01, num_iters=4), tmp_path / "first")
    second = train(drawn, small_with(seed=2, start_from=str(first.folder), **STILL), tmp_path / "second")
    averaged = load_file(first.last_checkpoint().ema_file)
    assert _is_near(_generator(second), averaged) and not _is_near(_generator(first), averaged)
    assert _is_near(load_file(second.last_checkpoint().ema_file), averaged)
    assert _is_near(load_file(second.last_checkpoint().discriminator_file), load_file(first.last_checkpoint().discriminator_file))


def test_a_discriminator_of_another_size_begins_with_chance(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    first = train(drawn, small_with(num_iters=2), tmp_path / "first")
    config = small_with(start_from=str(first.folder), **STILL)
    config = config.model_copy(update={"model": config.model.model_copy(update={"d_conv_dim": 8})})
    second = train(drawn, config, tmp_path / "second")
    assert _is_near(_generator(second), load_file(first.last_checkpoint().ema_file))


def test_a_run_begins_with_an_exported_editor_and_keeps_its_licence(
    drawn: Dataset, trained: torch.nn.Module, lite_file: Path, tmp_path: Path
) -> None:
    run = train(drawn, _lite(str(lite_file)), tmp_path / "run")
    assert _is_near(_generator(run), trained.state_dict())
    assert read_record(run).licence == f"{drawn.licence}; begun with weights under: for testing only"


def test_a_run_begins_with_a_published_checkpoint(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    torch.manual_seed(7)
    published = build_generator(small_with().model, 5)
    file = write_published_weights(published, tmp_path / "200000-G.ckpt")  # type: ignore[arg-type]
    run = train(drawn, small_with(start_from=str(file), **STILL), tmp_path / "run")
    assert _is_near(_generator(run), published.state_dict())


def test_a_stopped_run_goes_on_from_its_own_checkpoint(drawn: Dataset, lite_file: Path, tmp_path: Path) -> None:
    run = train(drawn, _lite(str(lite_file)), tmp_path / "run")
    before = _generator(run)
    lite_file.unlink()  # it is not asked for again
    longer = _lite(str(lite_file))
    longer = longer.model_copy(update={"training": longer.training.model_copy(update={"num_iters": 4})})
    assert _is_near(_generator(train(drawn, longer, tmp_path / "run")), before)


def test_the_packages_editor_fits_the_preset(drawn_folder: Path, tmp_path: Path) -> None:
    config = parse_config({"training": {**STILL, "num_iters": 1, "batch_size": 1, "start_from": "lite"}}, "test")
    lite = {"generator": "lite", "image_size": 128, "d_conv_dim": 4, "d_repeat_num": 5, "label_input": "difference"}
    lite |= {"g_repeat_num": 8, "output": "fields"}
    config = config.model_copy(update={"model": config.model.model_copy(update=lite)})
    names = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Male", "Young")
    run = train(open_dataset("CelebAMask-HQ", drawn_folder, 128, names), config, tmp_path / "run")
    assert "non-commercial" in read_record(run).licence


def test_what_does_not_fit_is_said_and_no_run_is_made(drawn: Dataset, lite_file: Path, tmp_path: Path) -> None:
    def said(config: RunConfig, dataset: Dataset = drawn) -> str:
        with pytest.raises((SettingsError, ModelError)) as problem:
            train(dataset, config, tmp_path / "run")
        assert not (tmp_path / "run").exists()
        return str(problem.value)

    assert "is not there, so no training can begin with it" in said(_lite(str(tmp_path / "away.onnx")))
    assert "Take --label-input difference" in said(_lite(str(lite_file), label_input="target"))
    assert "holds another network: enter.0.weight is (32, 3, 6, 6) in this run's generator, it is (24, 3, 6, 6) there" in said(
        _lite(str(lite_file), lite_size="M")
    )
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(lite_file.read_bytes()[:5000])
    assert f"{cut} is damaged or no ONNX file" in said(_lite(str(cut)))


def test_a_published_discriminator_is_no_generator(drawn: Dataset, small_with: Any, tmp_path: Path) -> None:
    file = write_published_weights(Discriminator(32, 4, 5, 3), tmp_path / "200000-D.ckpt")
    with pytest.raises(CheckpointError, match="does not fit the StarGAN network"):
        train(drawn, small_with(start_from=str(file), **STILL), tmp_path / "run")


def test_an_editor_of_other_attributes_or_rounded_weights_is_refused(
    drawn: Dataset, lite_file: Path, drawn_folder: Path, tmp_path: Path
) -> None:
    other = open_dataset("CelebAMask-HQ", drawn_folder, 32, ("Male", "Young"))
    with pytest.raises(SettingsError, match=r"edits Black_Hair, .*, this run is for Male, Young\. Take these"):
        train(other, _lite(str(lite_file)), tmp_path / "run")
    small = quantize_onnx(lite_file, tmp_path / "lite.int8.onnx", drawn.calibration(4)).file
    with pytest.raises(ModelError, match=r"is ONNX INT8: its weights are rounded"):
        train(drawn, _lite(str(small)), tmp_path / "run")
