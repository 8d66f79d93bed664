"""The sliders: one for each attribute of the editor and each effect of the catalogue, with widgets for the effects' options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lianpu.editing.presets import EditStep, EffectStep, Preset, Step
from lianpu.effects.catalogue import EFFECTS
from lianpu.effects.effect import Value
from lianpu.errors import SettingsError
from lianpu.web.language import Words
from lianpu.web.toolkit import gr

Kind = Literal["attribute", "group", "group strength", "known", "strength", "option"]


@dataclass(frozen=True)
class Knob:
    """One widget.

    Args:
        kind: what it sets: an attribute's strength, which of a group of attributes, that one's strength, what the face is, an effect's
            strength, or an option of an effect.
        owner: the attribute, the group (its names joined), or the effect.
        name: of the option; empty otherwise.
        rest: its value while nothing is asked for.
        component: what the visitor moves.
    """

    kind: Kind
    owner: str
    name: str
    rest: Any
    component: Any


@dataclass
class Controls:
    """All widgets of one page, in the order in which events receive their values.

    Args:
        attributes: the editor's attributes, in its order; none without an editor.
        knobs: the widgets; `controls_column` adds them.
    """

    attributes: tuple[str, ...] = ()
    knobs: list[Knob] = field(default_factory=list)

    @property
    def components(self) -> list[Any]:
        """The components, as inputs of events."""
        return [knob.component for knob in self.knobs]

    def rest(self) -> list[Any]:
        """The values that ask for nothing."""
        return [knob.rest for knob in self.knobs]

    def wishes(self, values: Sequence[Any]) -> Wishes:
        """What the widgets say, given one value for each."""
        attributes: dict[str, float] = {}
        strengths: dict[str, float] = {}
        options: dict[str, dict[str, Any]] = {}
        known: dict[str, bool] = {}
        chosen: dict[str, str] = {}
        for knob, value in zip(self.knobs, values, strict=True):
            if knob.kind == "attribute":
                attributes[knob.owner] = float(value or 0)
            elif knob.kind == "group":
                chosen[knob.owner] = str(value or "")
            elif knob.kind == "group strength" and chosen[knob.owner]:
                attributes[chosen[knob.owner]] = float(value or 0)
            elif knob.kind == "known":
                known = {name: name in (value or ()) for name in self.attributes}
            elif knob.kind == "strength":
                strengths[knob.owner] = float(value or 0)
            elif knob.kind == "option" and value not in (None, ""):
                options.setdefault(knob.owner, {})[knob.name] = value
        return Wishes(attributes, strengths, options, known)

    def values_of(self, preset: Preset) -> list[Any]:
        """The values for which `wishes` asks for a preset's steps, as far as there are widgets for them."""
        edits = {
            name: step.strength if value else -step.strength
            for step in preset.steps
            if isinstance(step, EditStep)
            for name, value in step.values.items()
        }
        effects = {step.effect.name: step for step in preset.steps if not isinstance(step, EditStep)}
        files = picture_options()
        values: list[Any] = []
        for knob in self.knobs:
            value = knob.rest
            if knob.kind == "attribute":
                value = edits.get(knob.owner, knob.rest)
            elif knob.kind in ("group", "group strength"):
                asked = [name for name in knob.owner.split(",") if edits.get(name, 0) > 0]
                if asked:
                    value = asked[0] if knob.kind == "group" else edits[asked[0]]
            elif knob.owner in effects:
                step = effects[knob.owner]
                value = step.strength if knob.kind == "strength" else step.options.get(knob.name, knob.rest)
            if (knob.owner, knob.name) in files:
                value = knob.rest  # a file of the package's cannot be shown as one of the visitor's
            values.append(value)
        return values


PAGE_PRESET = "Page"


@dataclass(frozen=True)
class Wishes:
    """What the controls say.

    Args:
        attributes: strength by attribute: above 0 the face shall have it, below 0 it shall not; 0 asks for nothing.
        strengths: strength by effect; 0 asks for nothing.
        options: by effect, its options by name.
        known: labels of the faces, for an editor whose input is all labels.
    """

    attributes: Mapping[str, float] = field(default_factory=dict)
    strengths: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    known: Mapping[str, bool] = field(default_factory=dict)

    def preset(self) -> Preset:
        """The steps: attributes first, those of one strength at once, then the effects in the catalogue's order.

        Raises:
            SettingsError: an effect, a strength or an option that is none.
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
    """The effects' options that are files: effect and option."""
    return [(effect.name, option.name) for effect in EFFECTS.values() for option in effect.options if option.kind == "picture"]


def refuse_server_files(preset: Preset) -> None:
    """Nothing, unless a step names a picture file: a path that a visitor writes would be a path of the server.

    Raises:
        SettingsError: naming the step.
    """
    for step in preset.steps:
        if not isinstance(step, EffectStep):
            continue
        for option in step.effect.options:
            if option.kind == "picture" and str(step.options.get(option.name, option.default)) != str(option.default):
                raise SettingsError(
                    "{effect}: the option {option} is a file, and files are not named here but uploaded.",
                    key="api.file_option",
                    effect=step.effect.name,
                    option=option.name,
                )


Describe = Callable[[Words], dict[str, Any]]
"""Gives a component's words: {"label": ..., "info": ...}."""


class Labels:
    """The components of one page in the order in which they were made, and how each is called."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._entries: list[tuple[Any, Describe]] = []

    def made(self, kind: Callable[..., Any], describe: Describe, **fixed: Any) -> Any:
        """A component of that kind in the page's first language; it will be renamed with the others."""
        component = kind(**describe(self.words), **fixed)
        self._entries.append((component, describe))
        return component

    @property
    def components(self) -> list[Any]:
        """What `renamed` gives updates for."""
        return [component for component, _ in self._entries]

    def renamed(self, words: Words) -> list[Any]:
        """An update for each of `components`, in their order."""
        return [gr.update(**describe(words)) for _, describe in self._entries]


def says(**keys: str) -> Describe:
    """Words by key: says(label="photo.file") is {"label": words.say("photo.file")}."""
    return lambda words: {name: words.say(key) for name, key in keys.items()}
