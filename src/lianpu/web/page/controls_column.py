"""The widgets themselves, laid out in a column: those of the editor, then those of each effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lianpu.editors.editor import Editor
from lianpu.effects.catalogue import EFFECTS
from lianpu.effects.effect import STRONGEST, Effect, Option
from lianpu.report.language import load_language
from lianpu.web.language import Words
from lianpu.web.page.controls import Controls, Knob, Labels, says
from lianpu.web.toolkit import gr

_PICTURES = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"]


def controls_column(labels: Labels, editor: Editor | None) -> Controls:
    """All widgets, made where Gradio stands: within a column of the page."""
    controls = Controls(() if editor is None else editor.info.attributes.names)
    with labels.made(gr.Accordion, says(label="controls.attributes"), open=True):
        if editor is None:
            labels.made(gr.Markdown, says(value="controls.no_editor"))
        else:
            labels.made(gr.Markdown, says(value="controls.attributes_hint"), elem_classes="hint")
            _attributes(controls, labels, editor)
    for key, effects in grouped(EFFECTS).items():
        with labels.made(gr.Accordion, says(label=f"groups.{key}"), open=True):
            for effect in effects:
                _effect(controls, labels, effect)
    return controls


def attribute_title(words: Words, name: str) -> str:
    """An attribute as it is called in the page's language."""
    title = load_language(words.code).attribute(name)
    return title[:1].upper() + title[1:]


def _attributes(controls: Controls, labels: Labels, editor: Editor) -> None:
    info = editor.info
    for unit in info.attributes.units():
        names = [info.attributes.names[column] for column in unit]
        if len(names) > 1:
            _group(controls, labels, names)
            continue
        slider = labels.made(
            gr.Slider,
            lambda words, name=names[0]: {"label": attribute_title(words, name)},  # type: ignore[misc]
            minimum=-STRONGEST,
            maximum=STRONGEST,
            value=0,
            step=0.05,
            elem_id=f"attribute-{names[0]}",
            elem_classes="both-ways",
        )
        controls.knobs.append(Knob("attribute", names[0], "", 0, slider))
    if info.label_input == "target":
        known = labels.made(
            gr.CheckboxGroup,
            lambda words: {
                "label": words.say("controls.known"),
                "info": words.say("controls.known_hint"),
                "choices": [(attribute_title(words, name), name) for name in info.attributes.names],
            },
            value=[],
            elem_id="known",
        )
        controls.knobs.append(Knob("known", "", "", [], known))


def _group(controls: Controls, labels: Labels, names: list[str]) -> None:
    """Attributes that exclude each other: one is chosen, with one strength."""
    owner = ",".join(names)

    def choices(words: Words) -> list[tuple[str, str]]:
        return [(words.say("controls.unchanged"), ""), *((attribute_title(words, name), name) for name in names)]

    choice = labels.made(
        gr.Dropdown,
        lambda words: {"label": " / ".join(title for title, name in choices(words) if name), "choices": choices(words)},
        value="",
        elem_id=f"group-{names[0]}",
    )
    with gr.Column(visible=False, elem_classes="options") as more:
        strength = labels.made(gr.Slider, says(label="controls.group_strength"), minimum=0, maximum=STRONGEST, value=1, step=0.05)
    choice.change(lambda name: gr.Column(visible=bool(name)), choice, more, **QUIETLY)
    controls.knobs += [Knob("group", owner, "", "", choice), Knob("group strength", owner, "", 1, strength)]


QUIETLY: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Events that only move the page's furniture."""


def _effect(controls: Controls, labels: Labels, effect: Effect) -> None:
    """A slider for the strength; the options come to light when it is above 0."""
    with gr.Column(elem_classes="effect"):
        slider = labels.made(
            gr.Slider,
            lambda words: {"label": words.of(effect.title), "info": words.of(effect.summary)},
            minimum=0,
            maximum=STRONGEST,
            value=0,
            step=0.05,
            elem_id=f"effect-{effect.name}",
        )
        controls.knobs.append(Knob("strength", effect.name, "", 0, slider))
        if not effect.options:
            return
        with gr.Column(visible=False, elem_classes="options") as more:
            for option in effect.options:
                component = _option(labels, effect, option)
                rest = None if option.kind == "picture" else option.default
                controls.knobs.append(Knob("option", effect.name, option.name, rest, component))
        slider.change(lambda strength: gr.Column(visible=strength > 0), slider, more, **QUIETLY)


def _option(labels: Labels, effect: Effect, option: Option) -> Any:
    def title(words: Words) -> dict[str, Any]:
        return {"label": words.of(option.title)}

    fixed: dict[str, Any] = {"elem_id": f"option-{effect.name}-{option.name}"}
    if option.kind == "color":
        return labels.made(gr.ColorPicker, title, value=option.default, **fixed)
    if option.kind == "choice":
        return labels.made(gr.Dropdown, lambda words: title(words) | _choices(words, option), value=option.default, **fixed)
    if option.kind == "switch":
        return labels.made(gr.Checkbox, title, value=option.default, **fixed)
    if option.kind == "picture":
        return labels.made(gr.File, title, file_types=_PICTURES, height=90, elem_classes="own-picture", **fixed)
    return labels.made(gr.Slider, title, minimum=option.low, maximum=option.high, value=option.default, **fixed)


def _choices(words: Words, option: Option) -> dict[str, Any]:
    """An option's choices in the page's language; one that has no word there is called by its name."""
    return {"choices": [(words.lines.get(f"choices.{name}", name), name) for name in option.choices]}


GROUPS: dict[str, tuple[str, ...]] = {
    "make_up": ("hair_color", "lipstick", "blush", "eye_shadow"),
    "skin": ("smooth_skin", "whiten_teeth", "brighten_eyes"),
    "shape": ("larger_eyes", "slim_face"),
    "background": ("blur_background", "replace_background"),
    "more": ("sticker", "anonymise"),
}
"""By the key of a group's title (`groups.KEY` of the page's words): names of effects."""


def grouped(effects: Mapping[str, Effect]) -> dict[str, list[Effect]]:
    """The effects of each group that has any; one that no group names is in the last."""
    known = {name for names in GROUPS.values() for name in names}
    named = {key: [effects[name] for name in names if name in effects] for key, names in GROUPS.items()}
    named[list(GROUPS)[-1]] += [effect for name, effect in effects.items() if name not in known]
    return {key: group for key, group in named.items() if group}
