"""What is wrong with settings, in words: every problem that pydantic found, with the nearest known key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from lianpu.errors import nearest_name


def settings_problems(problem: ValidationError, known_keys: Iterable[str]) -> str:
    """All problems in one line, parted by semicolons."""
    known = list(known_keys)
    return "; ".join(_explain(error, known) for error in problem.errors())


def _explain(error: Any, known_keys: list[str]) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key '{where}'{nearest_name(str(error['loc'][-1]), known_keys)}"
    message = error["msg"].removeprefix("Value error, ")
    shown = f" (got {error['input']!r})" if where and not isinstance(error["input"], dict | BaseModel) else ""
    return f"{where}: {message}{shown}" if where else message
