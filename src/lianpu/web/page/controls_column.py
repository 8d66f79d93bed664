"""The widgets in a column of the page: those of the editor, then those of each effect."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lianpu.editors.editor import Editor
from lianpu.effects.catalogue import EFFECTS, STRONGEST, Effect, Option
from lianpu.report.language import load_language
from lianpu.web.language import Words
from lianpu.web.page.controls import Controls, Labels, Widget, texts
from lianpu.web.toolkit import gr

_PICTURES = [".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"]


def controls_column(labels: Labels, editor: Editor | None, known: Mapping[str, Effect] = EFFECTS) -> Controls:
    """Make the widgets of the editor and of the effects that are `known` in the current Gradio context."""
    controls = Controls(() if editor is None else editor.info.attributes.names)
    with labels.add(gr.Accordion, texts(label="controls.attributes"), open=True):
        if editor is None:
            labels.add(gr.Markdown, texts(value="controls.no_editor"))
        else:
            labels.add(gr.Markdown, texts(value="controls.attributes_hint"), elem_classes="hint")
            _attributes(controls, labels, editor)
    for key, effects in grouped(known).items():
        with labels.add(gr.Accordion, texts(label=f"groups.{key}"), open=True):
            for effect in effects:
                _effect(controls, labels, effect)
    return controls


def attribute_title(words: Words, name: str) -> str:
    """An attribute's title in the page's language."""
    title = load_language(words.code).attribute(name)
    return title[:1].upper() + title[1:]


def _attributes(controls: Controls, labels: Labels, editor: Editor) -> None:
    info = editor.info
    for unit in info.attributes.units():
        names = [info.attributes.names[column] for column in unit]
        if len(names) > 1:
            _group(controls, labels, names)
            continue
        slider = labels.add(
            gr.Slider,
            lambda words, name=names[0]: {"label": attribute_title(words, name)},  # type: ignore[misc]
            minimum=-STRONGEST,
            maximum=STRONGEST,
            value=0,
            step=0.05,
            elem_id=f"attribute-{names[0]}",
            elem_classes="both-ways",
        )
        controls.widgets.append(Widget("attribute", names[0], "", 0, slider))
    if info.label_input == "target":
        known = labels.add(
            gr.CheckboxGroup,
            lambda words: {
                "label": words.line("controls.known"),
                "info": words.line("controls.known_hint"),
                "choices": [(attribute_title(words, name), name) for name in info.attributes.names],
            },
            value=[],
            elem_id="known",
        )
        controls.widgets.append(Widget("known", "", "", [], known))


def _group(controls: Controls, labels: Labels, names: list[str]) -> None:
    """Attributes that exclude each other: a choice of one, with one strength."""
    owner = ",".join(names)

    def choices(words: Words) -> list[tuple[str, str]]:
        return [(words.line("controls.unchanged"), ""), *((attribute_title(words, name), name) for name in names)]

    choice = labels.add(
        gr.Dropdown,
        lambda words: {"label": " / ".join(title for title, name in choices(words) if name), "choices": choices(words)},
        value="",
        elem_id=f"group-{names[0]}",
    )
    with gr.Column(visible=False, elem_classes="options") as more:
        strength = labels.add(gr.Slider, texts(label="controls.group_strength"), minimum=0, maximum=STRONGEST, value=1, step=0.05)
    choice.change(lambda name: gr.Column(visible=bool(name)), choice, more, **QUIETLY)
    controls.widgets += [Widget("group", owner, "", "", choice), Widget("group strength", owner, "", 1, strength)]


QUIETLY: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}
"""Settings of events that only change the layout or texts of the page."""


def _effect(controls: Controls, labels: Labels, effect: Effect) -> None:
    """A slider for the strength; the options appear when it is above 0."""
    with gr.Column(elem_classes="effect"):
        slider = labels.add(
            gr.Slider,
            lambda words: {"label": words.title(effect.title), "info": words.title(effect.summary)},
            minimum=0,
            maximum=STRONGEST,
            value=0,
            step=0.05,
            elem_id=f"effect-{effect.name}",
        )
        controls.widgets.append(Widget("strength", effect.name, "", 0, slider))
        if not effect.options:
            return
        with gr.Column(visible=False, elem_classes="options") as more:
            for option in effect.options:
                component = _option(labels, effect, option)
                neutral = None if option.kind == "picture" else option.default
                controls.widgets.append(Widget("option", effect.name, option.name, neutral, component))
        slider.change(lambda strength: gr.Column(visible=strength > 0), slider, more, **QUIETLY)


def _option(labels: Labels, effect: Effect, option: Option) -> Any:
    def title(words: Words) -> dict[str, Any]:
        return {"label": words.title(option.title)}

    fixed: dict[str, Any] = {"elem_id": f"option-{effect.name}-{option.name}"}
    if option.kind == "color":
        return labels.add(gr.ColorPicker, title, value=option.default, **fixed)
    if option.kind == "choice":
        return labels.add(gr.Dropdown, lambda words: title(words) | _choices(words, option), value=option.default, **fixed)
    if option.kind == "switch":
        return labels.add(gr.Checkbox, title, value=option.default, **fixed)
    if option.kind == "picture":
        return labels.add(gr.File, title, file_types=_PICTURES, height=90, elem_classes="own-picture", **fixed)
    return labels.add(gr.Slider, title, minimum=option.low, maximum=option.high, value=option.default, **fixed)


def _choices(words: Words, option: Option) -> dict[str, Any]:
    """An option's choices in the page's language; a choice without a text there keeps its name."""
    return {"choices": [(words.lines.get(f"choices.{name}", name), name) for name in option.choices]}


GROUPS: dict[str, tuple[str, ...]] = {
    "make_up": ("hair_color", "lipstick", "blush", "eye_shadow"),
    "skin": ("smooth_skin", "skin_tone", "under_eye", "whiten_teeth", "brighten_eyes"),
    "shape": ("larger_eyes", "slim_face"),
    "person": ("age", "gender", "beard"),
    "background": ("blur_background", "replace_background"),
    "more": ("sticker", "anonymise"),
}
"""Names of effects by the key of their group's title (`groups.KEY`)."""


def grouped(effects: Mapping[str, Effect]) -> dict[str, list[Effect]]:
    """The effects by group, without empty groups; an effect that no group names is in the last."""
    known = {name for names in GROUPS.values() for name in names}
    named = {key: [effects[name] for name in names if name in effects] for key, names in GROUPS.items()}
    named[list(GROUPS)[-1]] += [effect for name, effect in effects.items() if name not in known]
    return {key: group for key, group in named.items() if group}
