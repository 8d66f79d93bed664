"""Outputs of edited camera frames: a recording, a virtual camera; the preview page is in `preview`."""

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
from lianpu.video.io.writing import FrameWriter, StreamFormat, frame_writer


class CameraOutput(Protocol):
    """A file, the preview page, or a virtual camera."""

    @property
    def name(self) -> str:
        """Its name in the table of times."""
        ...

    def show(self, picture: Picture, time_s: float) -> None:
        """Show the next picture (H, W, 3), captured at `time_s`. Raises LianpuError when that fails."""
        ...


TIME_BASE = Fraction(1, 90_000)
"""The unit of timestamps: MPEG's, exact for all common frame rates."""

_LIVE: dict[str, dict[str, str]] = {
    "libx264": {"preset": "veryfast"},
    "libx265": {"preset": "ultrafast"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}
"""Options for fast encoding: same quality, larger files."""


@dataclass(eq=False)
class Recording:
    """An open recording: see `recording`."""

    target: Path
    writer: FrameWriter
    name: str = "record"
    timestamps: list[int] = field(default_factory=list)

    def show(self, picture: Picture, time_s: float) -> None:
        """Add a picture (H, W, 3) captured at `time_s`; timestamps count from the first one."""
        timestamp = round(time_s / TIME_BASE)
        begin = self.timestamps[0] if self.timestamps else timestamp
        if self.timestamps and timestamp <= self.timestamps[-1]:
            timestamp = self.timestamps[-1] + 1
        self.timestamps.append(timestamp)
        self.writer.write(picture, timestamp - begin, TIME_BASE)


def recording_encoding(target: Path, encoder: str, crf: float | None, preset: str | None = None, *, force: bool) -> Encoding:
    """The encoding of a live recording, fast unless a preset is given. Raises SettingsError or VideoError for a wrong encoder or target, and for an existing file."""
    encoding = choose_encoding(target, load_av().codecs_available, encoder, crf, preset)
    check_target(target, force=force)
    if preset is not None:
        return encoding
    return replace(encoding, options={**encoding.options, **_LIVE.get(encoding.encoder, {})})


@contextmanager
def recording(target: Path, encoding: Encoding, size_px: tuple[int, int], rate: float) -> Iterator[Recording]:
    """A recording of pictures of that width and height; it replaces `target` when the block has ended without an error.

    Raises:
        DataError: there was no picture; `target` is unchanged.
        VideoError, LianpuError: it cannot be encoded or written.
    """
    stream_format = StreamFormat(*size_px, Fraction(rate).limit_denominator(1001))
    with atomic_file(target) as partial, frame_writer(partial, stream_format, encoding, TIME_BASE) as writer:
        recorded = Recording(target, writer)
        yield recorded
        if not recorded.timestamps:
            raise DataError(f"Stopped before the first frame: {target} was not written.")


_INSTALL = {
    "linux": "Install v4l2loopback and load it: sudo modprobe v4l2loopback exclusive_caps=1 card_label=Lianpu",
    "darwin": "Install OBS Studio, start its virtual camera once, and stop it",
    "win32": "Install OBS Studio: its virtual camera comes with it",
}


@dataclass(frozen=True, eq=False)
class VirtualCamera:
    """An open virtual camera: see `virtual_camera`."""

    camera: Any
    name: str = "virtual camera"

    @property
    def device(self) -> str:
        """Its name in other programs."""
        return str(self.camera.device)

    def show(self, picture: Picture, time_s: float) -> None:
        """Send a picture (H, W, 3)."""
        self.camera.send(picture)


@contextmanager
def virtual_camera(name: str | None, size_px: tuple[int, int], rate: float) -> Iterator[VirtualCamera]:
    """A virtual camera of that width and height, the first one or that of the given name. Raises SettingsError without one."""
    try:
        import pyvirtualcam
    except ImportError:
        raise SettingsError(
            "A virtual camera needs pyvirtualcam, which is not installed. Install it: pip install 'lianpu[camera]'"
        ) from None
    try:
        camera = pyvirtualcam.Camera(*size_px, fps=rate, fmt=pyvirtualcam.PixelFormat.RGB, device=name)
    except (RuntimeError, ValueError, OSError) as problem:
        option = f"--virtual-camera {name}" if name else "--virtual-camera"
        how = next(
            (words for system, words in _INSTALL.items() if sys.platform.startswith(system)),
            "See the documentation of pyvirtualcam",
        )
        raise SettingsError(
            f"{option}: no virtual camera of {size_px[0]} x {size_px[1]} opens ({_reason(problem)}). {how}."
        ) from None
    with camera:
        yield VirtualCamera(camera)


def _reason(problem: Exception) -> str:
    return " ".join(str(problem).split())[:160] or type(problem).__name__
