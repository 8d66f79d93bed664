"""Where `lianpu camera` shows its picture: opened in one go, and said."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from lianpu.cli.progress import console
from lianpu.video.camera_output import CameraOutput
from lianpu.video.camera_preview import Preview, preview_page
from lianpu.video.camera_recording import recording
from lianpu.video.encoding import Encoding
from lianpu.video.virtual_camera import virtual_camera


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
