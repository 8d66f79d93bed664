"""The console and progress bars with the remaining time."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)
"""Where commands print: as wide as the terminal, or wide enough for every table when it goes to a file."""

OnProgress = Callable[[int, int], None]


@contextmanager
def stage(title: str) -> Iterator[OnProgress]:
    """A progress bar: call the yielded function with (done, total). Without a terminal it prints one line at the end."""
    with stages() as begin:
        yield begin(title)


@contextmanager
def stages() -> Iterator[Callable[[str], OnProgress]]:
    """Progress bars, one below the other: `begin(title)` returns the function that updates one. A bar is shown at its first update."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("elapsed"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    progress = Progress(*columns, console=console)

    def begin(title: str) -> OnProgress:
        task = progress.add_task(title, total=None, visible=False, start=False)

        def on_progress(done: int, total: int) -> None:
            progress.start()  # only now: a display without bars would print an empty line
            if not progress.tasks[progress.task_ids.index(task)].started:
                progress.start_task(task)
            progress.update(task, completed=done, total=total, visible=True)

        return on_progress

    try:
        yield begin
    finally:
        if progress.live.is_started:
            progress.stop()


@contextmanager
def transfer_bar(title: str, on: Console | None = None) -> Iterator[OnProgress]:
    """A progress bar in megabytes, with speed and remaining time, on a console; that of commands when None."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=on or console)
    task = progress.add_task(title, total=None)

    def on_progress(done: int, total: int) -> None:
        progress.start()  # only now: a download that never starts shows no bar
        progress.update(task, completed=done, total=total)

    try:
        yield on_progress
    finally:
        if progress.live.is_started:
            progress.stop()


@contextmanager
def first_use(name: str, about: str) -> Iterator[OnProgress | None]:
    """A line on standard error that a model is fetched because it is needed now, and a bar below it where that is a terminal."""
    errors = Console(stderr=True)
    errors.print(f"Fetching {name} ({about}) ...", markup=False, highlight=False, soft_wrap=True)
    if not errors.is_terminal:
        yield None
        return
    with transfer_bar(name, errors) as on_progress:
        yield on_progress
