"""The controls as data: their widgets, the edit that the values of the widgets request, and labels in the page's language."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lianpu.editing.presets import EditStep, EffectStep, Preset, Step
from lianpu.effects.catalogue import EFFECTS, Value
from lianpu.web.language import Words
from lianpu.web.toolkit import gr

Kind = Literal["attribute", "group", "group strength", "known", "strength", "option"]


@dataclass(frozen=True)
class Widget:
    """One widget.

    Args:
        kind: what it sets: an attribute's strength, the choice from a group of attributes, the strength of that choice, the current
            attributes of the face, an effect's strength, or an option of an effect.
        owner: the attribute, the group (its names joined by commas), or the effect.
        name: of the option; empty otherwise.
        neutral: its value that requests nothing.
        component: the Gradio component.
    """

    kind: Kind
    owner: str
    name: str
    neutral: Any
    component: Any


@dataclass
class Controls:
    """All widgets of one page, in the order in which events receive their values.

    Args:
        attributes: the editor's attributes, in its order; empty without an editor.
        widgets: filled by `controls_column`.
    """

    attributes: tuple[str, ...] = ()
    widgets: list[Widget] = field(default_factory=list)

    @property
    def components(self) -> list[Any]:
        """The components, as inputs of events."""
        return [widget.component for widget in self.widgets]

    def neutral(self) -> list[Any]:
        """The values that request nothing."""
        return [widget.neutral for widget in self.widgets]

    def requested_edit(self, values: Sequence[Any]) -> RequestedEdit:
        """The edit that the widgets request, given one value for each."""
        attributes: dict[str, float] = {}
        strengths: dict[str, float] = {}
        options: dict[str, dict[str, Any]] = {}
        known: dict[str, bool] = {}
        chosen: dict[str, str] = {}
        for widget, value in zip(self.widgets, values, strict=True):
            if widget.kind == "attribute":
                attributes[widget.owner] = float(value or 0)
            elif widget.kind == "group":
                chosen[widget.owner] = str(value or "")
            elif widget.kind == "group strength" and chosen[widget.owner]:
                attributes[chosen[widget.owner]] = float(value or 0)
            elif widget.kind == "known":
                known = {name: name in (value or ()) for name in self.attributes}
            elif widget.kind == "strength":
                strengths[widget.owner] = float(value or 0)
            elif widget.kind == "option" and value not in (None, ""):
                options.setdefault(widget.owner, {})[widget.name] = value
        return RequestedEdit(attributes, strengths, options, known)

    def values_of(self, preset: Preset) -> list[Any]:
        """The values for which `requested_edit` gives a preset's steps, as far as there are widgets for them."""
        edits = {
            name: step.strength if value else -step.strength
            for step in preset.steps
            if isinstance(step, EditStep)
            for name, value in step.values.items()
        }
        effects = {step.effect.name: step for step in preset.steps if not isinstance(step, EditStep)}
        files = picture_options()
        values: list[Any] = []
        for widget in self.widgets:
            value = widget.neutral
            if widget.kind == "attribute":
                value = edits.get(widget.owner, widget.neutral)
            elif widget.kind in ("group", "group strength"):
                positive = [name for name in widget.owner.split(",") if edits.get(name, 0) > 0]
                if positive:
                    value = positive[0] if widget.kind == "group" else edits[positive[0]]
            elif widget.owner in effects:
                step = effects[widget.owner]
                value = step.strength if widget.kind == "strength" else step.options.get(widget.name, widget.neutral)
            if (widget.owner, widget.name) in files:
                value = widget.neutral  # a bundled file cannot be shown as an upload of the visitor
            values.append(value)
        return values


PAGE_PRESET = "Page"


@dataclass(frozen=True)
class RequestedEdit:
    """The edit that the controls request.

    Args:
        attributes: strength by attribute: above 0 adds it, below 0 removes it, 0 changes nothing.
        strengths: strength by effect; 0 changes nothing.
        options: by effect, its options by name.
        known: the current attributes of the faces, for an editor that needs all labels.
    """

    attributes: Mapping[str, float] = field(default_factory=dict)
    strengths: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    known: Mapping[str, bool] = field(default_factory=dict)

    def preset(self) -> Preset:
        """The steps: attributes first, those of equal strength together, then the effects in the catalogue's order.

        Raises:
            SettingsError: an unknown effect, or a wrong strength or option.
        """
        steps: list[Step] = [EditStep(values, strength) for strength, values in self._edits().items()]
        for name, effect in EFFECTS.items():
            if self.strengths.get(name):
                steps.append(EffectStep(effect, self.strengths[name], dict(self.options.get(name, {}))))
        return Preset(PAGE_PRESET, tuple(steps))

    def _edits(self) -> dict[float, dict[str, bool]]:
        edits: dict[float, dict[str, bool]] = {}
        for name, strength in self.attributes.items():
            if strength:
                edits.setdefault(round(abs(strength), 3), {})[name] = strength > 0
        return edits


def picture_options() -> list[tuple[str, str]]:
    """The effects' options that are picture files, as (effect, option)."""
    return [(effect.name, option.name) for effect in EFFECTS.values() for option in effect.options if option.kind == "picture"]


Describe = Callable[[Words], dict[str, Any]]
"""Gives the texts of a component: {"label": ..., "info": ...}."""


class Labels:
    """The components of one page and the texts of each, so that all can be switched to another language."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._entries: list[tuple[Any, Describe]] = []

    def add(self, kind: Callable[..., Any], describe: Describe, **fixed: Any) -> Any:
        """Make a component of that kind in the page's first language."""
        component = kind(**describe(self.words), **fixed)
        self._entries.append((component, describe))
        return component

    @property
    def components(self) -> list[Any]:
        """The components that `updates` changes."""
        return [component for component, _ in self._entries]

    def updates(self, words: Words) -> list[Any]:
        """An update with the texts of another language for each of `components`, in their order."""
        return [gr.update(**describe(words)) for _, describe in self._entries]


def texts(**keys: str) -> Describe:
    """Texts by key: texts(label="photo.file") gives {"label": words.line("photo.file")}."""
    return lambda words: {name: words.line(key) for name, key in keys.items()}
