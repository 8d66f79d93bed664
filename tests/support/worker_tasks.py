"""What worker processes of tests do. They import it under this name: its folder must lie on `sys.path`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from lianpu.errors import DataError, SettingsError
from lianpu.workers import Tick

if TYPE_CHECKING:
    from lianpu.editing.session import EditRequest


def open_worker(folder: Path, tick: Tick) -> Callable[[str], str]:
    """Does what a task's word says."""

    def work(task: str) -> str:
        if task == "die":
            os._exit(3)
        if task == "die once" and not (folder / "died").exists():
            (folder / "died").touch()
            os._exit(3)
        if task == "raise":
            raise DataError("no such face")
        if task.startswith("forever"):
            (folder / task).write_text(str(os.getpid()))
            while True:
                tick()
                time.sleep(0.01)
        time.sleep(float(task) if task.replace(".", "").isdigit() else 0)
        tick()
        return f"{task} done"

    return work


def refuse(tick: Tick) -> Callable[[str], str]:
    """Cannot be opened."""
    raise SettingsError("there is no such model")


def die_at_once(tick: Tick) -> Callable[[str], str]:
    """Dies before it is ready."""
    os._exit(3)


def open_frame_worker(request: EditRequest, tick: Tick) -> Callable[[str], str]:
    """Opens what a process of `lianpu video` opens, and tells of its threads and modules."""
    import cv2

    from lianpu.editing.session import open_job

    open_job(request, 1)
    return lambda module: f"{os.environ['OMP_NUM_THREADS']} {cv2.getNumThreads()} {module in sys.modules}"


def open_service(folder: Path) -> Callable[[str, Callable[[object], None]], object]:
    """Does what a task's word says, for a `TaskProcess`."""

    def work(task: str, report: Callable[[object], None]) -> object:
        if task == "die":
            os._exit(3)
        if task == "raise":
            raise DataError("no such face")
        if task == "pid":
            return os.getpid()
        if task == "nothing":
            return None
        if task == "forever":
            (folder / "forever").write_text(str(os.getpid()))
            while True:
                time.sleep(0.01)
        for number in range(3):
            report((number, task))
        return f"{task} done"

    return work


def refuse_service() -> Callable[[str, Callable[[object], None]], object]:
    """Cannot be opened."""
    raise SettingsError("there is no such model")
