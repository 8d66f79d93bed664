"""What calls ask for, as values of ours: presets, strengths and known attributes; never a file of the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from lianpu.editing.presets import (
    EffectStep,
    Preset,
    Step,
    bundled_presets,
    find_preset,
    parse_preset,
    scale_preset,
)
from lianpu.errors import SettingsError
from lianpu.yaml_text import dump_yaml, load_yaml

UPLOAD = "upload:"
"""How a step names an uploaded picture: `upload:0` is a call's first one."""


def requested_preset(value: Any, strength: float = 1.0, pictures: Mapping[str, Path] | None = None) -> Preset:
    """A preset from a name, YAML, or values; never from a path.

    Args:
        value: the name of a bundled preset, YAML, or `{"steps": [...]}`.
        strength: multiplies the strength of every step, 0 to 1.5.
        pictures: uploaded ones by their ids, which steps name as `upload:ID`.

    Raises:
        SettingsError: it is none, or a step names a file that was not uploaded.
    """
    if isinstance(value, str) and value in bundled_presets():
        preset = find_preset(value)
    elif isinstance(value, str) and "steps" not in value:
        raise SettingsError(
            "'{name}' is no preset. Known: {known}; or give its YAML.",
            key="api.preset",
            name=value[:60],
            known=", ".join(bundled_presets()),
        )
    else:
        preset = parse_preset(value if isinstance(value, str) else _as_yaml(value), "preset")
        preset = replace(preset, steps=tuple(_with_pictures(step, pictures or {}) for step in preset.steps))
    return preset if strength == 1.0 else scale_preset(preset, strength)


def _with_pictures(step: Step, pictures: Mapping[str, Path]) -> Step:
    """A step whose pictures are uploaded ones. Raises SettingsError for any other: it would be a path of the server."""
    if not isinstance(step, EffectStep):
        return step
    options = dict(step.options)
    for option in step.effect.options:
        value = str(options.get(option.name, option.default))
        if option.kind != "picture" or value == str(option.default):
            continue
        picture = pictures.get(value.removeprefix(UPLOAD)) if value.startswith(UPLOAD) else None
        if picture is None:
            raise SettingsError(
                "{effect}: the option {option} is a file, and files are not named here but uploaded (upload:0).",
                key="api.file_option",
                effect=step.effect.name,
                option=option.name,
            )
        options[option.name] = str(picture)
    return replace(step, options=options)


def _as_yaml(value: Any) -> str:
    named = {"name": "call", **value} if isinstance(value, Mapping) else {"name": "call", "steps": value}
    try:
        return dump_yaml(named)
    except ValueError as problem:
        raise SettingsError(
            "{source} is no YAML ({reason}). Fix it.", key="preset.no_yaml", source="preset", reason=problem
        ) from None


def read_known(known: Any) -> dict[str, bool]:
    """The current attributes of the faces: a mapping of booleans, or its text. Raises SettingsError for anything else."""
    if known in (None, ""):
        return {}
    values = load_yaml(known) if isinstance(known, str) else known
    if not isinstance(values, Mapping) or not all(isinstance(value, bool) for value in values.values()):
        raise SettingsError("known is written as {{'Male': false}}, got {value!r}.", key="api.known", value=known)
    return {str(name): value for name, value in values.items()}
