"""Stopping: Ctrl-C, a TERM signal, or the key q in the terminal set an event instead of interrupting the program."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_POLL_S = 0.2


@contextmanager
def stoppable() -> Iterator[threading.Event]:
    """An event that Ctrl-C, TERM or q set while the block runs. A second Ctrl-C raises KeyboardInterrupt."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    over = threading.Event()
    in_main = threading.current_thread() is threading.main_thread()  # only there can signals be caught
    before = {one: signal.signal(one, on_signal) for one in (signal.SIGINT, signal.SIGTERM)} if in_main else {}
    try:
        with _key_q(stop, over):
            yield stop
    finally:
        over.set()
        for one, handler in before.items():
            signal.signal(one, handler)


@contextmanager
def _key_q(stop: threading.Event, over: threading.Event) -> Iterator[None]:
    """Watch the terminal for the key q; do nothing if the input is not a terminal, or another program reads it."""
    if not sys.stdin or not sys.stdin.isatty() or _in_background(sys.stdin.fileno()):
        yield
        return
    watch = _watch_windows if sys.platform == "win32" else _watch_terminal
    with watch(stop, over):
        yield


def _in_background(handle: int) -> bool:
    """Whether the shell runs this process with `&`: reading keys would stop it."""
    import os

    try:
        return os.tcgetpgrp(handle) != os.getpgrp()
    except (OSError, AttributeError):  # not the controlling terminal; Windows
        return False


@contextmanager
def _watch_terminal(stop: threading.Event, over: threading.Event) -> Iterator[None]:
    import os
    import select
    import termios
    import tty

    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)

    def watch() -> None:
        while not over.is_set():
            if select.select([handle], [], [], _POLL_S)[0] and os.read(handle, 1) in (b"q", b"Q", b""):
                stop.set()
                return

    tty.setcbreak(handle)  # keys arrive without Enter; Ctrl-C stays a signal
    thread = threading.Thread(target=watch, name="keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


@contextmanager
def _watch_windows(stop: threading.Event, over: threading.Event) -> Iterator[None]:
    import importlib

    keyboard = importlib.import_module("msvcrt")  # Windows only: type checkers do not know it elsewhere

    def watch() -> None:
        while not over.wait(_POLL_S):
            while keyboard.kbhit():
                if keyboard.getwch() in "qQ":
                    stop.set()
                    return

    thread = threading.Thread(target=watch, name="keys", daemon=True)
    thread.start()
    yield
