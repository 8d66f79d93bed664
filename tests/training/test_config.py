from pathlib import Path

import pytest

from lianpu.errors import SettingsError
from lianpu.training.config import RunConfig, config_to_plain, default_config, load_config, parse_config


def test_the_file_of_the_specification_is_read_as_it_stands() -> None:
    config = load_config(Path(__file__).parents[2] / "config.yaml")
    assert config == RunConfig()  # its values are the published defaults
    assert config.selected_attrs == ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")


def test_the_defaults_are_those_of_checked_settings() -> None:
    assert default_config() == RunConfig() == parse_config({}, "here")


def test_settings_survive_being_written_and_read() -> None:
    config = parse_config({"training": {"num_iters": 7}, "eval_transforms": ["Male -> not Male"]}, "here")
    assert parse_config(config_to_plain(config), "there") == config


def test_all_problems_are_reported_together_with_the_nearest_names() -> None:
    values = {"model": {"image_siez": 128, "g_conv_dim": "many"}, "training": {"batch_size": 0}, "los": {}}
    with pytest.raises(SettingsError) as caught:
        parse_config(values, "my.yaml")
    message = str(caught.value)
    assert message.startswith("my.yaml: ")
    assert "unknown key 'model.image_siez' (did you mean 'image_size'?)" in message
    assert "model.g_conv_dim: " in message and "'many'" in message
    assert "training.batch_size: " in message
    assert "unknown key 'los' (did you mean 'loss'?)" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"model": {"image_size": 130}}, "image_size 130 is not a multiple of 4, as two downsamplings need; take 128 or 132"),
        ({"model": {"image_size": 32}}, "model.d_repeat_num 6 halves a picture of 32 px to nothing; take 5 or less"),
        ({"training": {"lr_schedule": "cosine"}}, "training.lr_schedule: "),
        ({"training": {"precision": "fp16"}}, "training.precision: "),
        ([1, 2], "valid dictionary"),
        ({"training": {"teacher": "drawn", "one_change": 0.5}}, "training.one_change 0.5 has no say with the teacher drawn"),
        (
            {"training": {"teacher": "runs/big", "pairs_per_face": 3}},
            "training.pairs_per_face is for the teachers transforms and drawn",
        ),
    ],
)
def test_values_that_cannot_work_are_named(values: object, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_config(values, "my.yaml")
    assert words in str(caught.value)


def test_a_missing_file_and_broken_yaml_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml is not there"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "broken.yaml").write_text("model: [1, 2")
    with pytest.raises(SettingsError, match=r"broken\.yaml cannot be read as YAML"):
        load_config(tmp_path / "broken.yaml")


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "empty.yaml").write_text("")
    assert load_config(tmp_path / "empty.yaml") == RunConfig()


def test_aliases_and_huge_values_of_a_settings_file_are_one_short_line(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a: &a [1, 2]\nb: *a\n")
    with pytest.raises(SettingsError, match=r"cannot be read as YAML \(line 2 has an alias"):
        load_config(file)
    file.write_text("training: {batch_size: [" + "9," * 15_000 + "]}\n" + "".join(f"key{n}: 1\n" for n in range(500)))
    with pytest.raises(SettingsError, match=r"and \d+ more") as problem:
        load_config(file)
    assert len(str(problem.value)) < 4000
