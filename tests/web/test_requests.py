"""What calls may ask for."""

from pathlib import Path

import pytest

from lianpu.editing.presets import EffectStep, bundled_presets, describe_steps
from lianpu.effects.catalogue import EFFECTS
from lianpu.errors import SettingsError
from lianpu.web.requests import read_known, requested_preset


def test_a_preset_is_a_name_yaml_or_values() -> None:
    assert requested_preset(bundled_presets()[0]).steps
    values = {"steps": [{"effect": "lipstick", "strength": 0.6}, {"edit": {"Blond_Hair": True}}]}
    text = "name: x\nsteps: [{effect: lipstick, strength: 0.6}, {edit: {Blond_Hair: yes}}]"
    assert [describe_steps(requested_preset(value, 0.5)) for value in (values, text)] == [
        "lipstick 0.3; edit Blond_Hair=yes 0.5"
    ] * 2


@pytest.mark.parametrize(
    ("preset", "said"),
    [
        ({"steps": [{"effect": "lipstick", "strength": 7}]}, "strength 7 is not from 0 to 1.5"),
        ({"steps": [{"effect": "lipstik"}]}, "did you mean 'lipstick'?"),
        ("/etc/passwd", "'/etc/passwd' is no preset"),
        ("!!python/object/apply:os.system ['x'] # steps", "is no YAML"),
        ({"steps": [{"effect": "lipstick"}] * 3000}, "has 3000 steps; a preset has at most 50"),
        ({"steps": [[[[[[]]]]]]}, "a step is either"),
        (3, "preset"),
    ],
)
def test_what_is_no_preset_is_one_line(preset: object, said: str) -> None:
    with pytest.raises(SettingsError) as problem:
        requested_preset(preset)
    assert said in str(problem.value) and "\n" not in str(problem.value)


def test_pictures_are_uploaded_ones(tmp_path: Path) -> None:
    named = [(effect.name, one.name) for effect in EFFECTS.values() for one in effect.options if one.kind == "picture"]
    assert named
    for effect, option in named:
        for value in ("/etc/passwd", "upload:1", "upload:", "upload:../a", "upload:0 "):
            with pytest.raises(SettingsError, match="files are not named here but uploaded"):
                requested_preset({"steps": [{"effect": effect, option: value}]}, pictures={"0": tmp_path / "a.png"})
        preset = requested_preset({"steps": [{"effect": effect, option: "upload:0"}]}, pictures={"0": tmp_path / "a.png"})
        (step,) = preset.steps
        assert isinstance(step, EffectStep) and step.options[option] == str(tmp_path / "a.png")


def test_known_attributes_are_booleans() -> None:
    assert read_known(None) == read_known("") == {}
    assert read_known('{"Male": false}') == read_known({"Male": False}) == {"Male": False}
    for wrong in (3, "3", "[1]", {"Male": "no"}):
        with pytest.raises(SettingsError, match="known is written as"):
            read_known(wrong)
