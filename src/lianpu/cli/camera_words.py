"""How `lianpu camera` tells how fast it is: in a line while it runs, and in a sentence at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.live import Live
from rich.text import Text

from lianpu.cli.progress import console
from lianpu.video.camera import CameraDone, LiveFigures
from lianpu.video.camera_preview import Preview

_WHY = {
    "asked": "Stopped",
    "frames": "As many frames as asked",
    "seconds": "As many seconds as asked",
    "source": "The source has ended",
}


@contextmanager
def live_line(preview: Preview | None) -> Iterator[Callable[[LiveFigures], None]]:
    """What is called after each frame: it shows the figures of the last seconds, in the terminal and in the page."""
    newest: list[LiveFigures] = []

    def line() -> Text:
        return Text(one_line(newest[0]) if newest else "Waiting for the first frame ...", overflow="ellipsis", no_wrap=True)

    def on_frame(figures: LiveFigures) -> None:
        newest[:] = [figures]
        if preview is not None:
            recent = figures.recent
            preview.tell(
                {
                    "frames": figures.frames,
                    "rate": recent.rate,
                    "latency_ms": 1000 * recent.latency_s,
                    "worst_ms": 1000 * recent.worst_s,
                    "dropped": figures.dropped,
                }
            )

    with Live(get_renderable=line, console=console, refresh_per_second=4, transient=True):
        yield on_frame


def one_line(figures: LiveFigures) -> str:
    """The figures of the last seconds."""
    recent = figures.recent
    each = {name: 1000 * seconds / max(1, recent.frames) for name, seconds in recent.took.items()}
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in each.items() if ms >= 0.05)
    return (
        f"{recent.rate:.1f} frames a second · latency {1000 * recent.latency_s:.0f} ms, worst {1000 * recent.worst_s:.0f} · "
        f"{figures.dropped} of {figures.came} dropped · ms: {stages}"
    )


def in_words(done: CameraDone, source: str, record: Path | None) -> str:
    """What came of it."""
    figures = done.figures
    if not figures.frames:
        return f"{_WHY[done.ended]}: no frame of {source} was edited."
    said = f"{_WHY[done.ended]}: {figures.frames} frames of {source}, {figures.with_faces} of them with a face that was edited; "
    said += f"{done.dropped} of the {done.came} that came were dropped for newer ones."
    if figures.rate:
        said += f" {figures.rate:.1f} frames a second; latency {1000 * figures.latency_s:.0f} ms (median), {1000 * figures.worst_s:.0f} ms (worst)."
    return said if record is None else f"{said} Written: {record}."
