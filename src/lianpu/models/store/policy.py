"""`--commercial-safe` and LIANPU_COMMERCIAL_SAFE: no file is loaded whose licence does not allow commercial use."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from lianpu.errors import WeightsError
from lianpu.models.table import ModelFile, model_file

SETTING = "LIANPU_COMMERCIAL_SAFE"

ASKED_BY = f"(Asked for by --commercial-safe or {SETTING}.)"
"""How every refusal ends."""


def is_commercial_safe() -> bool:
    """Whether LIANPU_COMMERCIAL_SAFE is set (to anything but empty or 0)."""
    return os.environ.get(SETTING, "") not in ("", "0")


@contextmanager
def commercial_safe(wanted: bool) -> Iterator[None]:
    """Within the block LIANPU_COMMERCIAL_SAFE is set when `wanted`, for this process and those it starts; else it stays as it is."""
    before = os.environ.get(SETTING)
    if wanted:
        os.environ[SETTING] = "1"
    try:
        yield
    finally:
        if wanted:
            os.environ.pop(SETTING)
            if before is not None:
                os.environ[SETTING] = before


def refuse_non_commercial(entries: Iterable[ModelFile]) -> None:
    """Refuse files whose licence does not allow commercial use, where LIANPU_COMMERCIAL_SAFE is set.

    Raises:
        WeightsError: naming each such file, its licence, and the file to use instead.
    """
    reasons = [reason for entry in entries if (reason := why_refused(entry))]
    if reasons:
        raise WeightsError(f"{'; '.join(reasons)}. {ASKED_BY}")


def why_refused(entry: ModelFile) -> str:
    """Why the entry may not be used now and what may be instead, or an empty string where it may."""
    if entry.commercial_use or not is_commercial_safe():
        return ""
    may_not = f"{entry.file} ({entry.name}) may not be used commercially: {entry.licence}"
    if not entry.instead:
        return f"{may_not}. No file in the table does the same under free terms; train one on pictures that you may use"
    other = model_file(entry.instead)
    return f"{may_not}. Use {other.name} instead ({other.used_for}; {other.licence}): {other.how_to_get}"
