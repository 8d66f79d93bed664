"""What is wrong with settings, in words: every problem that pydantic found, with the nearest known key."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from lianpu.errors import MOST_PROBLEMS, nearest_name, shown


def settings_problems(problem: ValidationError, known_keys: Iterable[str]) -> str:
    """All problems in one line, separated by semicolons; beyond `MOST_PROBLEMS`, how many more there are."""
    known, errors = list(known_keys), problem.errors(include_url=False)
    more = f"; and {len(errors) - MOST_PROBLEMS:,} more" if len(errors) > MOST_PROBLEMS else ""
    return "; ".join(_explain(error, known) for error in errors[:MOST_PROBLEMS]) + more


def _explain(error: Any, known_keys: list[str]) -> str:
    where = ".".join(str(part)[:60] for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"unknown key '{where}'{nearest_name(str(error['loc'][-1])[:60], known_keys)}"
    message = error["msg"].removeprefix("Value error, ")
    got = f" (got {shown(error['input'])})" if where and not isinstance(error["input"], dict | BaseModel) else ""
    return f"{where}: {message}{got}" if where else message
