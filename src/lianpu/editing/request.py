"""The words of `lianpu edit` turned into what they stand for: attributes, effects and the steps of a preset."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.editing.presets import EffectStep, Preset, Step


YES = ("yes", "y", "true", "1", "on")

NO = ("no", "n", "false", "0", "off")


def read_values(words: Sequence[str], option: str) -> dict[str, bool]:
    """`("Blond_Hair=yes",)` as {"Blond_Hair": True}. Raises SettingsError, naming `option`, for what is not spelled so."""
    from lianpu.errors import SettingsError

    values: dict[str, bool] = {}
    for word in words:
        name, _, value = word.partition("=")
        if value.lower() not in (*YES, *NO):
            raise SettingsError(f"{option} {word}: write NAME=yes or NAME=no.")
        if values.get(name, value.lower() in YES) != (value.lower() in YES):
            raise SettingsError(f"{option} says both yes and no of {name}. Say it once.")
        values[name] = value.lower() in YES
    return values


def read_effect(word: str) -> EffectStep:
    """`lipstick`, `lipstick=0.8` or `hair_color:color=#aa3355,strength=0.6` as a step.

    Raises:
        SettingsError: an effect, a strength or an option that is none, or another spelling.
    """
    from lianpu.editing.presets import EffectStep
    from lianpu.effects.catalogue import effect_of
    from lianpu.errors import SettingsError

    head, _, tail = word.partition(":")
    name, equals, strength = head.partition("=")
    options: dict[str, object] = {}
    for pair in filter(None, tail.split(",")):
        key, sign, value = pair.partition("=")
        if not sign or key in options:
            raise SettingsError(f"--effect {word}: write NAME=STRENGTH or NAME:OPTION=VALUE,OPTION=VALUE, each option once.")
        options[key] = value
    if equals and "strength" in options:
        raise SettingsError(f"--effect {word} says two strengths. Say one.")
    effect = effect_of(name)
    return EffectStep(effect, strength if equals else options.pop("strength", 1.0), options)  # type: ignore[arg-type]  # words are read by the step


def asked_preset(values: Sequence[str], strength: str, preset: str | Path | None, effects: Sequence[str]) -> Preset:
    """All that is asked of a photo, in order: attributes, the steps of a preset, effects.

    Raises:
        SettingsError: nothing is asked, or a word that stands for nothing.
    """
    from lianpu.editing.presets import EditStep, Preset, find_preset, scaled
    from lianpu.effects.effect import check_strength
    from lianpu.errors import SettingsError

    how_strong = check_strength(strength, "--strength")
    steps: list[Step] = []
    name = "lianpu edit"
    if values:
        steps.append(EditStep(read_values(values, "--set"), how_strong))
    if preset is not None:
        found = scaled(find_preset(preset), how_strong)
        name = found.name
        steps += found.steps
    steps += [read_effect(word) for word in effects]
    if not steps:
        raise SettingsError("Nothing is asked. Give --set Blond_Hair=yes, --effect lipstick=0.8, or --preset NAME.")
    if how_strong != 1.0 and not values and preset is None:
        raise SettingsError(
            f"--strength {strength} is that of --set and --preset, and neither is given. Write --effect NAME={strength}."
        )
    return Preset(name, tuple(steps))
