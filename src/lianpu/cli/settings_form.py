"""Settings as plain dataclasses for tyro, so that all wrong values are reported together, by the settings class."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any, get_origin

import tyro
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from lianpu.training.config import RunConfig, parse_config


def form_type(model: type[BaseModel]) -> type:
    """A frozen dataclass with the fields, types and descriptions of a settings class, and none of its checks."""
    fields: list[tuple[str, Any]] = []
    for name, field in model.model_fields.items():
        annotation: Any = field.annotation
        # Python 3.10 calls tuple[str, ...] a type; only what has no origin is a class.
        if get_origin(annotation) is None and isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields.append((name, form_type(annotation)))
        else:
            fields.append((name, Annotated[annotation, tyro.conf.arg(help=field.description)]))
    return dataclasses.make_dataclass(model.__name__, fields, frozen=True, namespace={"__doc__": model.__doc__})


def fill_form(form: type, settings: BaseModel) -> Any:
    """The form filled with the values of `settings`."""
    values = {
        field.name: fill_form(field.type, value) if isinstance(value := getattr(settings, field.name), BaseModel) else value
        for field in dataclasses.fields(form)
        if not isinstance(field.type, str)
    }
    return form(**values)


def group_type(model: type[BaseModel], name: str, names: Sequence[str]) -> type:
    """A frozen dataclass with some settings of a class, whichever section of it they are in, and none of its checks.

    Args:
        model: the settings class; no name is in two of its sections.
        name: of the dataclass.
        names: the settings, in the order in which help lists them.
    """
    known = _by_name(model)
    fields = [(one, Annotated[known[one][1].annotation, tyro.conf.arg(help=known[one][1].description)]) for one in names]
    return dataclasses.make_dataclass(name, fields, frozen=True)


def fill_group(group: type, settings: BaseModel) -> Any:
    """The group with the values of `settings`."""
    known = _by_name(type(settings))
    return group(**{field.name: _value(settings, known[field.name][0]) for field in dataclasses.fields(group)})


def read_groups(groups: Sequence[Any]) -> RunConfig:
    """The settings in filled groups. Raises SettingsError that names every problem."""
    known = _by_name(RunConfig)
    values: dict[str, Any] = {}
    for group in groups:
        for name, value in vars(group).items():
            *sections, last = known[name][0]
            below = values
            for section in sections:
                below = below.setdefault(section, {})
            below[last] = value
    return parse_config(values, "command line")


def _by_name(model: type[BaseModel], path: tuple[str, ...] = ()) -> dict[str, tuple[tuple[str, ...], FieldInfo]]:
    """Every setting of a class by its name: its path and its field."""
    found: dict[str, tuple[tuple[str, ...], FieldInfo]] = {}
    for name, field in model.model_fields.items():
        kind = field.annotation
        if get_origin(kind) is None and isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= _by_name(kind, (*path, name))
        else:
            found[name] = ((*path, name), field)
    return found


def _value(settings: Any, path: Sequence[str]) -> Any:
    for name in path:
        settings = getattr(settings, name)
    return settings
