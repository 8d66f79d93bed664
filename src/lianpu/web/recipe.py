"""From what the controls say to the steps of a preset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lianpu.effects.catalogue import EFFECTS
from lianpu.effects.effect import Value
from lianpu.effects.presets import EditStep, EffectStep, Preset, Step
from lianpu.errors import SettingsError

PAGE_PRESET = "Page"


@dataclass(frozen=True)
class Wishes:
    """What the controls say.

    Args:
        attributes: strength by attribute: above 0 the face shall have it, below 0 it shall not; 0 asks for nothing.
        strengths: strength by effect; 0 asks for nothing.
        options: by effect, its options by name.
        known: what the faces are, for an editor that is told all labels.
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
                    f"{step.effect.name}: the option {option.name} is a file, and files are not named here but uploaded."
                )
