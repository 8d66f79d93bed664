"""Where edited frames of a camera go."""

from __future__ import annotations

from typing import Protocol

from lianpu.image import Picture


class CameraOutput(Protocol):
    """A file, a page, or another program's camera."""

    @property
    def name(self) -> str:
        """A word for what it does, under which its time is told."""
        ...

    def show(self, picture: Picture, time_s: float) -> None:
        """Take the next picture (H, W, 3), captured at that time. Raises LianpuError when it cannot."""
        ...
