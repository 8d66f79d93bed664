"""The sliders: one for each attribute of the editor and each effect of the catalogue, with widgets for the effects' options."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lianpu.effects.presets import EditStep, Preset
from lianpu.web.recipe import Wishes, picture_options

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
