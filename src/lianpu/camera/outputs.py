"""Where edited frames of a camera go."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from lianpu.errors import DataError, SettingsError
from lianpu.files import atomic_file
from lianpu.imaging.picture import Picture
from lianpu.video.io.av_library import load_av
from lianpu.video.io.encoding import Encoding, check_target, choose_encoding
from lianpu.video.io.writing import Form, FrameWriter, frame_writer


class CameraOutput(Protocol):
    """A file, a page, or another program's camera."""

    @property
    def name(self) -> str:
        """A word for what it does, under which its time is told."""
        ...

    def show(self, picture: Picture, time_s: float) -> None:
        """Take the next picture (H, W, 3), captured at that time. Raises LianpuError when it cannot."""
        ...


TIME_BASE = Fraction(1, 90_000)
"""The unit of stamps: MPEG's, which holds all usual rates."""

_LIVE: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
"""What an encoder is told so that edits wait little for it; the quality stays, the file grows."""


@dataclass(eq=False)
class Recording:
    """A file in the making; see `recording`."""

    target: Path
    writer: FrameWriter
    name: str = "record"
    stamps: list[int] = field(default_factory=list)

    def show(self, picture: Picture, time_s: float) -> None:
        """Add a picture (H, W, 3), shown from `time_s` on, counted from the first one."""
        stamp = round(time_s / TIME_BASE)
        begin = self.stamps[0] if self.stamps else stamp
        if self.stamps and stamp <= self.stamps[-1]:
            stamp = self.stamps[-1] + 1
        self.stamps.append(stamp)
        self.writer.write(picture, stamp - begin, TIME_BASE)


def recording_encoding(target: Path, encoder: str, crf: float | None, *, force: bool) -> Encoding:
    """How `target` is encoded while it is filmed. Raises SettingsError or VideoError when it cannot be, or is there already."""
    encoding = choose_encoding(target, load_av().codecs_available, encoder, crf)
    check_target(target, force=force)
    return replace(encoding, options={**encoding.options, **_LIVE.get(encoding.encoder, {})})


@contextmanager
def recording(target: Path, encoding: Encoding, size_px: tuple[int, int], rate: float) -> Iterator[Recording]:
    """A recording of pictures of that width and height, which takes the place of `target` when the block has ended well.

    Raises:
        DataError: no picture came; `target` is as it was.
        VideoError, LianpuError: it cannot be encoded or written.
    """
    form = Form(*size_px, Fraction(rate).limit_denominator(1001))
    with atomic_file(target) as partial, frame_writer(partial, form, encoding, TIME_BASE) as writer:
        recorded = Recording(target, writer)
        yield recorded
        if not recorded.stamps:
            raise DataError(f"It was stopped before the first frame: {target} was not written.")


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
