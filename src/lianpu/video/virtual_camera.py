"""Edited frames as a camera of this machine, which other programs (meetings, OBS, browsers) can choose: by pyvirtualcam, the only door to it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from lianpu.errors import SettingsError
from lianpu.image import Picture

_HOW = {
    "linux": "Install v4l2loopback and load it: sudo modprobe v4l2loopback exclusive_caps=1 card_label=Lianpu",
    "darwin": "Install OBS Studio, start its virtual camera once, and stop it",
    "win32": "Install OBS Studio: its virtual camera comes with it",
}


@dataclass(frozen=True, eq=False)
class VirtualCamera:
    """An open virtual camera; see `virtual_camera`."""

    camera: Any
    name: str = "virtual camera"

    @property
    def device(self) -> str:
        """What other programs call it."""
        return str(self.camera.device)

    def show(self, picture: Picture, time_s: float) -> None:
        """Send a picture (H, W, 3), now."""
        self.camera.send(picture)


@contextmanager
def virtual_camera(name: str | None, size_px: tuple[int, int], rate: float) -> Iterator[VirtualCamera]:
    """A virtual camera of that width and height, or the one of that name. Raises SettingsError when there is none."""
    try:
        import pyvirtualcam
    except ImportError:
        raise SettingsError(
            "A virtual camera needs pyvirtualcam, which is not installed. Install it: pip install 'lianpu[camera]'"
        ) from None
    try:
        camera = pyvirtualcam.Camera(*size_px, fps=rate, fmt=pyvirtualcam.PixelFormat.RGB, device=name)
    except (RuntimeError, ValueError, OSError) as problem:
        asked = f"--virtual_camera {name}" if name else "--virtual_camera"
        how = next((words for system, words in _HOW.items() if sys.platform.startswith(system)), "See the pages of pyvirtualcam")
        raise SettingsError(
            f"{asked}: no virtual camera of {size_px[0]} x {size_px[1]} opens ({_told(problem)}). {how}."
        ) from None
    with camera:
        yield VirtualCamera(camera)


def _told(problem: Exception) -> str:
    return " ".join(str(problem).split())[:160] or type(problem).__name__
