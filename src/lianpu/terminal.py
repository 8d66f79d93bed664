"""Progress bars with the time that is left."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

console = Console(width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 140)
"""Where commands print: as wide as the terminal, or wide enough for every table when it goes to a file."""

OnProgress = Callable[[int, int], None]


@contextmanager
def stage(title: str) -> Iterator[OnProgress]:
    """A bar named `title`; call what it gives with (done, total). Without a terminal it prints one line at the end."""
    with stages() as begin:
        yield begin(title)


@contextmanager
def stages() -> Iterator[Callable[[str], OnProgress]]:
    """Bars one below the other: `begin(title)` gives the call that moves one, which is shown when it first moves."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:

        def begin(title: str) -> OnProgress:
            task = progress.add_task(title, total=None, visible=False, start=False)

            def on_progress(done: int, total: int) -> None:
                if not progress.tasks[progress.task_ids.index(task)].started:
                    progress.start_task(task)
                progress.update(task, completed=done, total=total, visible=True)

            return on_progress

        yield begin
