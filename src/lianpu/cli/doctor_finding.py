"""One line of what `lianpu doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "absent", "broken"]
"""note: works, but could be better; absent: optional and not here; broken: something necessary does not work."""


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report."""

    subject: str
    state: State
    what: str
    mend: str = ""
    """A command or a sentence; empty where nothing needs mending."""
