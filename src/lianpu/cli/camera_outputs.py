"""Where `lianpu camera` shows its picture: opened in one go, and said."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.live import Live
from rich.text import Text

from lianpu.camera.loop import CameraDone, LiveFigures
from lianpu.camera.outputs import CameraOutput, recording, virtual_camera
from lianpu.camera.preview import Preview, preview_page
from lianpu.terminal import console
from lianpu.video.io.encoding import Encoding


@dataclass(frozen=True)
class Asked:
    """Which outputs are asked for.

    Args:
        preview: a page that shows the picture.
        browser: open it, where there is a display.
        port: of the page.
        record: a file.
        encoding: of that file.
        virtual: a virtual camera.
        virtual_name: its name; None for any.
    """

    preview: bool
    browser: bool
    port: int
    record: Path | None
    encoding: Encoding | None
    virtual: bool
    virtual_name: str | None


@contextmanager
def open_outputs(
    asked: Asked, size_px: tuple[int, int], rate: float, stop: threading.Event
) -> Iterator[tuple[list[CameraOutput], Preview | None]]:
    """All that is asked for, open for pictures of that width and height; closed when the block ends. Raises LianpuError."""
    outputs: list[CameraOutput] = []
    with ExitStack() as stack:
        if asked.virtual:
            virtual = stack.enter_context(virtual_camera(asked.virtual_name, size_px, rate))
            _say(f"Other programs find the picture as the camera {virtual.device}.")
            outputs.append(virtual)
        preview = stack.enter_context(preview_page(stop, asked.port)) if asked.preview else None
        if preview is not None:
            outputs.append(preview)
            _say(_where(preview.url, asked.browser))
        if asked.record is not None and asked.encoding is not None:
            outputs.append(stack.enter_context(recording(asked.record, asked.encoding, size_px, rate)))
        yield outputs, preview


def has_display(system: str, environment: dict[str, str]) -> bool:
    """Whether a browser that is opened here would be seen by who typed the command."""
    if environment.get("SSH_CONNECTION") and not environment.get("DISPLAY"):
        return False
    return system in ("win32", "darwin") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _where(url: str, browser: bool) -> str:
    """Where the picture is seen, after opening it where there is a display."""
    display = has_display(sys.platform, dict(os.environ))
    if browser and display and webbrowser.open(url):
        return f"The picture is in your browser, at {url} (q ends it)."
    if display:
        return f"The picture is at {url} (q ends it)."
    port = url.split(":")[2].partition("/")[0]
    return (
        f"There is no display here. Open {url} in a browser (on another computer: ssh -L {port}:127.0.0.1:{port} to here first), "
        "or give --record FILE or --virtual_camera. Ctrl-C or q ends it."
    )


def _say(words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


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
