"""Settings as plain dataclasses for tyro, so that wrong values are reported by our own words, all together, and not one by one."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, get_origin

import tyro
from pydantic import BaseModel

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
    """The form holding the values of `settings`."""
    values = {
        field.name: fill_form(field.type, value) if isinstance(value := getattr(settings, field.name), BaseModel) else value
        for field in dataclasses.fields(form)
        if not isinstance(field.type, str)
    }
    return form(**values)


def read_form(filled: Any) -> RunConfig:
    """The settings in a filled form. Raises SettingsError that names every problem."""
    return parse_config(dataclasses.asdict(filled), "command line")
