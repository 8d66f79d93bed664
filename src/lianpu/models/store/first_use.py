"""Fetching a model because something needs it, not because somebody asked: it is shown, and after a failure not tried again for a while."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianpu.models.table import ModelFile

OnProgress = Callable[[int, int], None]
Show = Callable[["ModelFile"], AbstractContextManager[OnProgress | None]]

RETRY_AFTER_S = 3600.0
"""How long a failed fetch at first use is remembered: each try may keep a command without a network waiting for a quarter of a minute."""

_SETTINGS = (
    *("LIANPU_MIRROR", "LIANPU_PROXY", "LIANPU_TIMEOUT", "HF_ENDPOINT", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_PROXY"),
)
"""With other values of these a fetch may go better, so it is tried again at once."""


def _show_nothing(_: ModelFile) -> AbstractContextManager[OnProgress | None]:
    return nullcontext()


_show: Show = _show_nothing


@contextmanager
def fetches_shown_by(show: Show) -> Iterator[None]:
    """Within the block, fetches at first use are shown: `show(entry)` is entered around each, and gives what is told the progress.

    The command line does this once. Where nobody does, as in a program that uses the library, nothing is printed.
    """
    global _show
    before, _show = _show, show
    try:
        yield
    finally:
        _show = before


def shown(entry: ModelFile) -> AbstractContextManager[OnProgress | None]:
    """The context to fetch an entry in."""
    return _show(entry)


def failed_at(memory: Path) -> str:
    """When a fetch failed (15:04), if that was within the last hour and under the same settings; else an empty string."""
    try:
        when = memory.stat().st_mtime
        same = json.loads(memory.read_text(encoding="utf-8")) == _settings()
    except (OSError, ValueError):
        return ""
    return time.strftime("%H:%M", time.localtime(when)) if same and 0 <= time.time() - when < RETRY_AFTER_S else ""


def remember_failure(memory: Path) -> None:
    """Note that the network did not bring a file now. Raises LianpuError where the folder cannot be written."""
    from lianpu.files import write_json  # the command line imports this module before it knows the command

    write_json(memory, _settings())


def _settings() -> dict[str, str]:
    return {name: os.environ.get(name, "") for name in _SETTINGS}
