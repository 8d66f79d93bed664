"""The outputs of `lianpu camera`, and what it prints."""

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

from lianpu.camera.loop import CameraResult, LiveStatistics
from lianpu.camera.outputs import CameraOutput, recording, virtual_camera
from lianpu.camera.preview import Preview, preview_page
from lianpu.terminal import console
from lianpu.video.io.encoding import Encoding


@dataclass(frozen=True)
class OutputOptions:
    """The requested outputs.

    Args:
        preview: show a page.
        browser: open the page where there is a display.
        port: of the page.
        record: a file to record into.
        encoding: of the recording.
        virtual: be a virtual camera.
        virtual_name: name of the virtual camera; None for the first one.
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
    asked: OutputOptions, size_px: tuple[int, int], rate: float, stop: threading.Event
) -> Iterator[tuple[list[CameraOutput], Preview | None]]:
    """The requested outputs, open for pictures of that width and height while the block runs. Raises LianpuError."""
    outputs: list[CameraOutput] = []
    with ExitStack() as stack:
        if asked.virtual:
            virtual = stack.enter_context(virtual_camera(asked.virtual_name, size_px, rate))
            _print(f"Other programs can use the camera {virtual.device}.")
            outputs.append(virtual)
        preview = stack.enter_context(preview_page(stop, asked.port)) if asked.preview else None
        if preview is not None:
            outputs.append(preview)
            _print(_where(preview.url, asked.browser))
        if asked.record is not None and asked.encoding is not None:
            outputs.append(stack.enter_context(recording(asked.record, asked.encoding, size_px, rate)))
        yield outputs, preview


def has_display(system: str, environment: dict[str, str]) -> bool:
    """Whether a browser opened here would show on the user's display."""
    if environment.get("SSH_CONNECTION") and not environment.get("DISPLAY"):
        return False
    return system in ("win32", "darwin") or bool(environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"))


def _where(url: str, browser: bool) -> str:
    """Open the page if there is a display; a line that says where it is."""
    display = has_display(sys.platform, dict(os.environ))
    if browser and display and webbrowser.open(url):
        return f"The picture is in your browser, at {url} (q stops it)."
    if display:
        return f"The picture is at {url} (q stops it)."
    port = url.split(":")[2].partition("/")[0]
    return (
        f"There is no display here. Open {url} in a browser (on another computer: ssh -L {port}:127.0.0.1:{port} to here first), "
        "or give --record FILE or --virtual-camera. Ctrl-C or q stops it."
    )


def _print(words: str) -> None:
    console.print(words, markup=False, highlight=False, soft_wrap=True)


_WHY = {
    "asked": "Stopped",
    "frames": "--frames reached",
    "seconds": "--seconds reached",
    "source": "The source ended",
}


@contextmanager
def live_line(preview: Preview | None) -> Iterator[Callable[[LiveStatistics], None]]:
    """A callback for each frame that shows the statistics of the last seconds in the terminal and in the page."""
    newest: list[LiveStatistics] = []

    def line() -> Text:
        return Text(one_line(newest[0]) if newest else "Waiting for the first frame ...", overflow="ellipsis", no_wrap=True)

    def on_frame(statistics: LiveStatistics) -> None:
        newest[:] = [statistics]
        if preview is not None:
            recent = statistics.recent
            preview.update(
                {
                    "frames": statistics.frames,
                    "rate": recent.rate,
                    "latency_ms": 1000 * recent.latency_s,
                    "worst_ms": 1000 * recent.worst_s,
                    "dropped": statistics.dropped,
                }
            )

    with Live(get_renderable=line, console=console, refresh_per_second=4, transient=True):
        yield on_frame


def one_line(statistics: LiveStatistics) -> str:
    """The statistics of the last seconds in one line."""
    recent = statistics.recent
    each = {name: 1000 * seconds / max(1, recent.frames) for name, seconds in recent.took.items()}
    stages = ", ".join(f"{name} {ms:.1f}" for name, ms in each.items() if ms >= 0.05)
    return (
        f"{recent.rate:.1f} frames per second · latency {1000 * recent.latency_s:.0f} ms, worst {1000 * recent.worst_s:.0f} · "
        f"{statistics.dropped} of {statistics.received} dropped · ms: {stages}"
    )


def summary(done: CameraResult, source: str, record: Path | None) -> str:
    """The result of the camera in words."""
    statistics = done.statistics
    if not statistics.frames:
        return f"{_WHY[done.ended]}: no frame of {source} was edited."
    said = f"{_WHY[done.ended]}: {statistics.frames} frames of {source}, {statistics.with_faces} of them with an edited face; "
    said += f"{done.dropped} of the {done.received} received frames were dropped for newer ones."
    if statistics.rate:
        said += f" {statistics.rate:.1f} frames per second; latency {1000 * statistics.latency_s:.0f} ms (median), {1000 * statistics.worst_s:.0f} ms (worst)."
    return said if record is None else f"{said} Written: {record}."
