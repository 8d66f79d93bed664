"""Ctrl-C and polite kills, answered after the step that is under way."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from lianpu.errors import TrainingError


class Interrupted(TrainingError):
    """Training was stopped by Ctrl-C or a signal, after saving."""


@contextmanager
def stop_signal() -> Iterator[Callable[[], bool]]:
    """A question that becomes true once Ctrl-C or a polite kill came. A second Ctrl-C stops at once."""
    asked = False

    def remember(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    try:
        before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: signals go elsewhere
        before = {}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
