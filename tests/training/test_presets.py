from pathlib import Path

import pytest

from lianpu.errors import SettingsError
from lianpu.training.config import RunConfig, load_config, parse_config
from lianpu.training.presets import PRESETS, merged, preset_values


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_a_valid_run(name: str) -> None:
    config = parse_config(preset_values(name), name)
    assert (config == RunConfig()) == (name == "stargan")


def test_a_settings_file_wins_over_its_preset_and_keeps_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("model:\n  lite_size: L\ntraining:\n  batch_size: 32\n")
    config = load_config(file, "lite")
    assert (config.model.generator, config.model.lite_size, config.training.batch_size) == ("lite", "L", 32)
    assert config.loss.lambda_guide == PRESETS["lite"]["loss"]["lambda_guide"]


def test_an_unknown_preset_is_named_with_the_nearest_one() -> None:
    with pytest.raises(SettingsError, match=r"'light' is no preset.*Known: stargan, lite"):
        preset_values("light")


def test_merging_leaves_both_as_they_were() -> None:
    below, above = {"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}
    assert merged(below, above) == {"a": {"x": 1, "y": 3}}
    assert below == {"a": {"x": 1, "y": 2}}


def test_a_mask_loss_needs_the_generator_with_a_mask() -> None:
    with pytest.raises(SettingsError, match="lambda_mask is for the lite generator"):
        parse_config({"loss": {"lambda_mask": 0.1}}, "test")
