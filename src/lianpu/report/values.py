"""Plain values from a file of the run folder, asked for by name and type; what has the wrong type is an error that names the file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lianpu.errors import RunError


@dataclass(frozen=True)
class Values:
    """A mapping and the name of its file, as messages show it: `export/parity.json`.

    Every question answers None (or nothing) for what is not there, for null and for NaN: that was not measured.
    """

    source: str
    mapping: Mapping[str, Any]

    def number(self, *path: str) -> float | None:
        """The number at the path of keys. Raises RunError for anything else."""
        value = self._at(path)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(path, "a number", value)
        return float(value) if math.isfinite(value) else None

    def integer(self, *path: str) -> int | None:
        """The whole number at the path of keys. Raises RunError for anything else."""
        value = self.number(*path)
        if value is None:
            return None
        if value != int(value):
            raise self._wrong(path, "a whole number", value)
        return int(value)

    def text(self, *path: str) -> str | None:
        """The text at the path of keys; numbers, true and false are spelled. Raises RunError for lists and mappings."""
        value = self._at(path)
        if value is None:
            return None
        if isinstance(value, list | Mapping):
            raise self._wrong(path, "a text", value)
        return str(value)

    def texts(self, *path: str) -> tuple[str, ...]:
        """The list of texts at the path of keys. Raises RunError for anything else."""
        value = self._at(path)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(entry, str | int | float) for entry in value):
            raise self._wrong(path, "a list of texts", value)
        return tuple(str(entry) for entry in value)

    def numbers(self, *path: str) -> tuple[float, ...]:
        """The list of numbers at the path of keys. Raises RunError for anything else."""
        value = self._at(path)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
            raise self._wrong(path, "a list of numbers", value)
        return tuple(map(float, value))

    def section(self, *path: str) -> Values:
        """The mapping at the path of keys; an empty one if it is missing. Raises RunError for anything else."""
        value = self._at(path)
        if value is not None and not isinstance(value, Mapping):
            raise self._wrong(path, "a section", value)
        return Values(self.source, value or {})

    def rows(self, *path: str) -> tuple[Values, ...]:
        """The list of mappings at the path of keys. Raises RunError for anything else."""
        value = self._at(path)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
            raise self._wrong(path, "a list of sections", value)
        return tuple(Values(self.source, entry) for entry in value)

    def _at(self, path: tuple[str, ...]) -> Any:
        value: Any = self.mapping
        for depth, key in enumerate(path):
            if not isinstance(value, Mapping):
                raise self._wrong(path[:depth], "a section", value)
            value = value.get(key)
            if value is None:
                return None
        return value

    def _wrong(self, path: tuple[str, ...], wanted: str, value: Any) -> RunError:
        shown = repr(value)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        return RunError(
            f"{self.source}: '{'.'.join(path)}' should be {wanted}, got {shown}. "
            "Write the file again with the command that made it, or restore it."
        )


def as_values(source: str, value: Any) -> Values:
    """The values of a file that must hold a mapping. Raises RunError, naming the file."""
    if not isinstance(value, Mapping):
        raise RunError(f"{source} should hold named values, got {type(value).__name__}. Write it again, or restore it.")
    return Values(source, value)


def read_command(values: Values) -> str:
    """The command that a file was written by, one line; an empty text when it does not say."""
    command = values.mapping.get("command")
    if isinstance(command, list):
        return " ".join(str(word) for word in command)
    return " ".join(str(command).split()) if command else ""
