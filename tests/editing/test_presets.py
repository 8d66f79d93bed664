from pathlib import Path

import numpy as np
import pytest

from lianpu.editing.presets import (
    PRESET_FOLDER,
    EditStep,
    EffectStep,
    Preset,
    apply_preset,
    bundled_presets,
    check_parser,
    check_terms,
    describe_steps,
    dump_preset,
    find_preset,
    hair_notes,
    parse_effect,
    parse_preset,
    preset_from_options,
    read_preset,
    scale_preset,
    unchanged_note,
    with_hair_shades,
    with_transforms,
)
from lianpu.effects.catalogue import EFFECTS, effect_of
from lianpu.errors import SettingsError

EVENING = """
name: Evening
steps:
  - effect: lipstick
    strength: 0.6
    color: "#aa2233"
  - edit: {Blond_Hair: yes}
    strength: 0.8
"""


def test_a_preset_reads_as_it_is_written_and_writes_what_it_reads() -> None:
    preset = parse_preset(EVENING)
    assert preset.name == "Evening" and preset.needs_editor
    lips, hair = preset.steps
    assert isinstance(lips, EffectStep) and lips.effect.name == "lipstick" and lips.options == {"color": "#aa2233"}
    assert hair == EditStep({"Blond_Hair": True}, 0.8)
    assert parse_preset(dump_preset(preset)) == preset
    assert describe_steps(preset) == "lipstick 0.6; edit Blond_Hair=yes 0.8"


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "name: 7\ncolour: red\nsteps:\n  - effect: lipstik\n  - effect: lipstick\n    strength: abc\n  - edit: {Young: 1}\n"
        "  - edit: {Young: yes}\n    color: red\n  - nothing: 1\n"
    )
    with pytest.raises(SettingsError) as problem:
        read_preset(file)
    said = str(problem.value)
    for words in (
        "bad.yaml: unknown key 'colour'",
        "name is a word, got 7",
        "step 1: 'lipstik' is no effect (did you mean 'lipstick'?)",
        "step 2: lipstick: strength 'abc' is not a number",
        "step 3: edit: write {ATTRIBUTE: yes}",
        "step 4: edit has no option 'color'",
        "step 5: a step is either effect: NAME or edit:",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("text", "said"), [("a: [", "is no YAML"), ("", "has no steps"), ("name: A\nsteps: []", "there are no steps")]
)
def test_what_is_no_preset_is_said(text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        parse_preset(text)


def test_a_preset_has_a_limited_number_of_steps() -> None:
    step = "  - {effect: lipstick, strength: 0.1}\n"
    assert len(parse_preset("name: a\nsteps:\n" + 50 * step).steps) == 50
    with pytest.raises(SettingsError, match=r"the preset has 51 steps; a preset has at most 50. Leave some out."):
        parse_preset("name: a\nsteps:\n" + 51 * step)


def test_a_preset_whose_aliases_would_fill_the_memory_is_one_short_line() -> None:
    bomb = "name: a\nsteps:\n  - &a {effect: lipstick}\n" + "  - *a\n"
    with pytest.raises(SettingsError, match=r"is no YAML \(line 4 has an alias") as problem:
        parse_preset(bomb)
    assert len(str(problem.value)) < 300


@pytest.mark.parametrize("value", ["1" + "0" * 400, "0x" + "f" * 5000, "'" + "9" * 400 + "'"])
def test_endless_numbers_are_one_short_line(value: str) -> None:
    for text in (f"name: a\nsteps: [{{effect: lipstick, strength: {value}}}]", f"name: {value}\nsteps: {value}"):
        with pytest.raises(SettingsError) as problem:
            parse_preset(text)
        assert len(str(problem.value)) < 400


def test_a_transform_does_not_slip_past_an_effect() -> None:
    steps = "[{edit: {Young: no}}, {effect: sticker}, {edit: {Male: yes}}, {edit: {Young: yes}}]"
    made = with_transforms(parse_preset(f"name: a\nsteps: {steps}"))
    assert [step.effect.name for step in made.steps if isinstance(step, EffectStep)] == ["age", "sticker", "gender", "age"]


@pytest.mark.parametrize("age", ["{effect: age, years: 25}", "{edit: {Young: no}}"])
def test_hair_that_is_asked_to_be_blond_does_not_turn_grey(age: str) -> None:
    made = with_transforms(parse_preset(f"name: a\nsteps: [{{edit: {{Blond_Hair: yes}}}}, {age}]"))
    assert [step.options.get("hair") for step in made.steps if isinstance(step, EffectStep) and step.effect.name == "age"] == [
        False
    ]


def test_the_value_of_a_main_option_stands_in_place_of_the_strength() -> None:
    found = {
        word: parse_effect(word) for word in ("sticker=cat", "anonymise=mosaic", "lipstick=gloss", "age=+1", "age=1", "age=-20")
    }
    assert [dict(step.options) for step in found.values()] == [
        {"which": "cat"},
        {"way": "mosaic"},
        {"finish": "gloss"},
        {"years": 1.0},
        {},
        {"years": -20.0},
    ]
    assert parse_effect("skin_tone=warm:strength=0.5").strength == 0.5 and parse_effect("lipstick=0.5").strength == 0.5
    with pytest.raises(SettingsError, match=r"hair_color: strength 2 is not from 0 to 1\.5"):
        parse_effect("hair_color=2")
    with pytest.raises(SettingsError, match=r"options come after a colon: skin_tone=warm:strength=0\.5"):
        parse_effect("skin_tone=warm,strength=0.5")


def test_files_and_names_that_are_not_there_are_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.yaml is not there"):
        find_preset(tmp_path / "none.yaml")
    with pytest.raises(SettingsError, match=r"'evenin' is no preset .*Known: .*or the path of a \.yaml file"):
        find_preset("evenin")
    (tmp_path / "large.yaml").write_text("#" * 200_000)
    with pytest.raises(SettingsError, match="too many for a preset"):
        read_preset(tmp_path / "large.yaml")


def test_the_presets_of_the_package_can_be_read_and_need_no_editor() -> None:
    assert len(bundled_presets()) >= 3
    for name in bundled_presets():
        preset = find_preset(name)
        assert preset.steps and not preset.needs_editor
        assert preset == read_preset(PRESET_FOLDER / f"{name}.yaml")


def test_a_picture_is_looked_for_beside_the_preset(tmp_path: Path) -> None:
    file = tmp_path / "beach.yaml"
    file.write_text("name: Beach\nsteps:\n  - effect: replace_background\n    picture: beach.jpg\n")
    (step,) = read_preset(file).steps
    assert isinstance(step, EffectStep) and step.options == {"picture": str(tmp_path / "beach.jpg")}


def test_strengths_are_scaled_up_to_the_strongest() -> None:
    preset = Preset("x", (EffectStep(effect_of("lipstick"), 0.5), EditStep({"Male": True}, 1.4)))
    assert [step.strength for step in scale_preset(preset, 0.5).steps] == [0.25, 0.7]
    assert [step.strength for step in scale_preset(preset, 1.5).steps] == [0.75, 1.5]
    with pytest.raises(SettingsError, match=r"strength 7 is not from 0 to 1\.5"):
        scale_preset(preset, 7)


def test_a_preset_says_whether_it_reaches_beyond_the_faces_crops() -> None:
    reaching = {name: find_preset(name).beyond_crop for name in ("copper", "portrait", "evening", "hidden")}
    assert reaching == {"copper": True, "portrait": True, "evening": False, "hidden": False}
    assert Preset("hair", (EditStep({"Young": True, "Blond_Hair": True}),)).beyond_crop
    assert not Preset("face", (EditStep({"Young": True}),)).beyond_crop


def test_attributes_need_an_editor() -> None:
    photo = np.zeros((8, 8, 3), dtype=np.uint8)
    with pytest.raises(SettingsError, match="The preset 'Evening' sets attributes, which needs an editor"):
        apply_preset(photo, (), parse_preset(EVENING))
    assert apply_preset(photo, (), Preset("lips", (EffectStep(effect_of("lipstick")),))) is photo


def test_hair_needs_a_parser_and_is_named() -> None:
    for step in (EffectStep(EFFECTS["hair_color"]), EditStep({"Smiling": True, "Blond_Hair": True}), EditStep({"Bangs": False})):
        with pytest.raises(SettingsError, match=r"(hair_color|Blond_Hair|Bangs) needs a face parser.*--parser FILE") as raised:
            check_parser(Preset("hair", (EffectStep(EFFECTS["lipstick"]), step)))
        assert raised.value.key == "preset.needs_parser"
    check_parser(
        Preset("face", (EffectStep(EFFECTS["lipstick"]), EditStep({"Male": True}), EffectStep(EFFECTS["hair_color"], 0.0)))
    )


def test_sex_and_age_go_to_the_transforms_one_by_one_and_after_the_hair() -> None:
    asked = parse_preset("name: x\nsteps: [{edit: {Young: no, Male: yes, Blond_Hair: yes}, strength: 0.8}, {effect: lipstick}]")
    steps = with_transforms(asked).steps
    assert [step.effect.name if isinstance(step, EffectStep) else dict(step.values) for step in steps] == [
        "hair_color",
        "gender",
        "age",
        "lipstick",
    ]
    assert isinstance(steps[0], EffectStep) and steps[0].options == {"shade": "blond"}
    assert [step.strength for step in steps] == [0.8, 0.8, 0.8, 1.0]
    gender, age = steps[1:3]
    assert isinstance(gender, EffectStep) and gender.options == {"towards": "male"}
    assert isinstance(age, EffectStep) and age.options == {"years": 25.0, "if_needed": True, "hair": False}
    assert not with_transforms(parse_preset("name: x\nsteps: [{edit: {Young: yes}}]")).needs_editor


def test_transforms_come_after_all_edits_whatever_their_strengths() -> None:
    asked = parse_preset(
        "name: x\nsteps: [{edit: {Young: no}, strength: 1}, {edit: {Male: yes, Black_Hair: yes}, strength: 0.5}]"
    )
    steps = with_transforms(asked).steps
    assert [step.effect.name if isinstance(step, EffectStep) else dict(step.values) for step in steps] == [
        "hair_color",
        "gender",
        "age",
    ]
    assert [step.strength for step in steps] == [0.5, 0.5, 1.0]


def test_of_several_hair_colours_the_last_one_wins_and_that_is_said() -> None:
    asked = preset_from_options(("Blond_Hair=yes",), "1", None, ("lipstick", "hair_color:color=#803018"))
    lips, hair = with_hair_shades(asked).steps
    assert isinstance(lips, EffectStep) and lips.effect.name == "lipstick"
    assert isinstance(hair, EffectStep) and hair.options == {"color": "#803018"}
    assert hair_notes(asked) == "hair is coloured once, by the last that asks for it: hair_color, not Blond_Hair"
    once = preset_from_options(("Blond_Hair=yes", "Male=no"), "1", None, ("lipstick",))
    assert hair_notes(once) == "" and len(with_hair_shades(once).steps) == 3


def test_two_hair_colours_at_once_are_refused_and_one_beside_a_no_is_not() -> None:
    with pytest.raises(SettingsError, match="Blond_Hair and Gray_Hair exclude each other"):
        with_hair_shades(preset_from_options(("Blond_Hair=yes", "Gray_Hair=yes"), "1", None, ()))
    (step,) = with_hair_shades(preset_from_options(("Black_Hair=no", "Gray_Hair=yes"), "1", None, ())).steps
    assert isinstance(step, EffectStep) and step.options == {"shade": "gray"}
    (step,) = with_hair_shades(preset_from_options(("Black_Hair=no",), "1", None, ())).steps
    assert isinstance(step, EffectStep) and step.options == {"shade": "not_black"}


def test_several_colours_that_hair_shall_not_have_hold_together() -> None:
    both = preset_from_options(("Blond_Hair=no", "Black_Hair=no"), "1", None, ())
    (step,) = with_hair_shades(both).steps
    assert isinstance(step, EffectStep) and step.options == {"shade": "not_black+not_blond"}
    assert unchanged_note(step) == "left alone: the hair is not black or blond, or none is seen"
    assert hair_notes(both) == ""
    later = preset_from_options(("Blond_Hair=no", "Black_Hair=no"), "1", None, ("hair_color=gray",))
    assert hair_notes(later).endswith("hair_color, not Blond_Hair=no and Black_Hair=no")
    with pytest.raises(SettingsError, match="leave no colour for hair"):
        with_hair_shades(Preset("x", (EditStep({f"{name}_Hair": False for name in ("Black", "Brown", "Blond", "Gray")}),)))


def test_a_colour_beside_a_shade_is_refused() -> None:
    for word in ("hair_color:shade=blond,color=#ff0000", "hair_color=blond:color=#ff0000"):
        with pytest.raises(SettingsError, match=r"--effect hair_color.*Give either color or shade"):
            parse_effect(word)
    assert parse_effect("hair_color:shade=picked,color=#ff0000").options == {"shade": "picked", "color": "#ff0000"}


def test_natural_shades_are_refused_before_a_photo_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    blond = with_hair_shades(preset_from_options(("Blond_Hair=yes",), "1", None, ()))
    check_terms(blond)
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    check_terms(preset_from_options((), "1", None, ("hair_color:color=#803018",)))
    with pytest.raises(SettingsError, match=r"hair_color: shade=blond .* exclude commercial use"):
        check_terms(blond)


def test_a_shade_of_hair_is_named_without_the_option() -> None:
    assert parse_effect("hair_color=blond").options == {"shade": "blond"}
    assert parse_effect("hair_color=0.7").strength == 0.7
