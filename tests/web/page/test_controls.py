"""From the values of widgets to steps and back."""

import pytest

from lianpu.editing.presets import EditStep, EffectStep, Preset, bundled_presets
from lianpu.editing.presets import find_preset as find
from lianpu.effects.catalogue import EFFECTS
from lianpu.errors import SettingsError
from lianpu.web.page.controls import Controls, RequestedEdit, Widget


def _controls() -> Controls:
    """The widgets for hair colours, Young, and every effect, without a page."""
    widgets = [
        Widget("group", "Black_Hair,Blond_Hair", "", "", None),
        Widget("group strength", "Black_Hair,Blond_Hair", "", 1, None),
        Widget("attribute", "Young", "", 0, None),
        Widget("known", "", "", [], None),
    ]
    for name, effect in EFFECTS.items():
        widgets.append(Widget("strength", name, "", 0, None))
        widgets += [
            Widget("option", name, one.name, None if one.kind == "picture" else one.default, None) for one in effect.options
        ]
    return Controls(("Black_Hair", "Blond_Hair", "Young"), widgets)


def _set(controls: Controls, **values: object) -> list[object]:
    """Values at rest but for those given by `kind__owner__name`."""
    asked = {tuple(key.split("__")): value for key, value in values.items()}
    return [asked.get((k.kind.replace(" ", "_"), k.owner.split(",")[0], k.name), k.neutral) for k in controls.widgets]


def test_neutral_widgets_request_no_steps() -> None:
    controls = _controls()
    assert controls.requested_edit(controls.neutral()).preset().steps == ()


def test_a_slider_left_of_the_middle_removes_an_attribute() -> None:
    controls = _controls()
    values = _set(controls, attribute__Young__=-0.5, group__Black_Hair__="Blond_Hair", group_strength__Black_Hair__=0.8)
    values[3] = ["Young"]
    edit = controls.requested_edit(values)
    assert edit.preset().steps == (EditStep({"Blond_Hair": True}, 0.8), EditStep({"Young": False}, 0.5))
    assert edit.known == {"Black_Hair": False, "Blond_Hair": False, "Young": True}


def test_attributes_of_one_strength_are_set_at_once() -> None:
    assert RequestedEdit({"Young": -1.0, "Male": 1.0}).preset().steps == (EditStep({"Young": False, "Male": True}, 1.0),)


def test_effects_come_in_the_catalogues_order_with_their_options() -> None:
    controls = _controls()
    values = _set(controls, strength__lipstick__=0.4, option__lipstick__color="#112233", strength__hair_color__=1)
    steps = controls.requested_edit(values).preset().steps
    assert all(isinstance(step, EffectStep) for step in steps)
    names = [step.effect.name for step in steps if isinstance(step, EffectStep)]
    assert sorted(names) == ["hair_color", "lipstick"] and names == [name for name in EFFECTS if name in names]
    lips = next(step for step in steps if isinstance(step, EffectStep) and step.effect.name == "lipstick")
    assert lips.options == {"color": "#112233", "finish": "satin"}


@pytest.mark.parametrize("name", bundled_presets())
def test_widgets_that_are_set_by_a_preset_request_its_steps(name: str) -> None:
    controls = _controls()
    preset = find(name)
    asked = controls.requested_edit(controls.values_of(preset)).preset()
    by_name = {step.effect.name: step for step in asked.steps if isinstance(step, EffectStep)}
    for step in preset.steps:
        if isinstance(step, EffectStep):
            assert by_name[step.effect.name].strength == step.strength
            assert {**by_name[step.effect.name].options, **step.options} == by_name[step.effect.name].options


def test_an_edit_in_a_preset_moves_the_widgets_of_its_attributes() -> None:
    controls = _controls()
    preset = Preset("x", (EditStep({"Blond_Hair": True}, 0.7), EditStep({"Young": False}, 1.2)))
    assert controls.requested_edit(controls.values_of(preset)).preset().steps == preset.steps


def test_an_option_out_of_range_is_an_error_that_names_it() -> None:
    with pytest.raises(SettingsError, match="lipstick: strength 7"):
        RequestedEdit(strengths={"lipstick": 7.0}).preset()
