"""A webcam, read by OpenCV.

By OpenCV and not by PyAV, because a camera's number means the same on Linux, macOS and Windows: FFmpeg's dshow takes names only, and its
avfoundation gives EAGAIN between frames and has to be told a rate that the camera knows.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lianpu.camera.sources import CameraFrame
from lianpu.errors import VideoError
from lianpu.imaging.picture import Picture

_USUAL_RATE = 30.0

_DEVICES = Path("/dev")


@dataclass(frozen=True, eq=False)
class Webcam:
    """An open camera; see `open_webcam`."""

    name: str
    size_px: tuple[int, int]
    rate: float
    capture: cv2.VideoCapture

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames as the driver gives them. Raises VideoError when it gives no more."""
        first, number = None, 0
        try:
            while not stop.is_set():
                there, picture = self.capture.read()
                came = time.perf_counter()
                if not there:
                    raise VideoError(
                        f"The camera {self.name} gave no more frames after {number}. Was it unplugged, or taken by another program?"
                    )
                first = came if first is None else first
                yield CameraFrame(number, came - first, came, _rgb(picture))
                number += 1
        finally:
            self.capture.release()


def is_camera(words: str) -> bool:
    """Whether it is a camera's number or device, and not a file's name."""
    if words.isdecimal() or words.startswith("/dev/video"):
        return True
    try:
        return stat.S_ISCHR(Path(words).stat().st_mode)
    except OSError:
        return False


def open_webcam(words: str, size_px: tuple[int, int] | None = None) -> Webcam:
    """The camera of that number or device, its first frame read.

    Args:
        words: 0, 1, ... or /dev/video0.
        size_px: the width and height that the driver is asked for; it may give others.

    Raises:
        VideoError: it is not there, may not be opened, is another program's, or gives no frame.
    """
    device = Path(f"/dev/video{words}") if words.isdecimal() else Path(words)
    if sys.platform.startswith("linux"):
        _check_device(words, device)
    number = int(words) if words.isdecimal() else _number(device)
    with _quiet_opencv():
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY)
        if size_px is not None and capture.isOpened():
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw pictures of this size come slower over USB
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_px[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_px[1])
        there, picture = capture.read() if capture.isOpened() else (False, None)
    if not there or picture is None:
        capture.release()
        raise VideoError(
            f"--source {words}: the camera does not open. It may be another program's now, or this program may not use it (the privacy "
            f"settings of macOS and Windows), or no camera has that number. {_others(device)}"
        )
    height, width = picture.shape[:2]
    rate = capture.get(cv2.CAP_PROP_FPS)
    return Webcam(words, (width, height), rate if 1 <= rate <= 1000 else _USUAL_RATE, capture)


def _check_device(words: str, device: Path) -> None:
    if not device.exists():
        raise VideoError(f"--source {words}: there is no camera {device}. {_others(device)}")
    if not os.access(device, os.R_OK | os.W_OK):
        raise VideoError(f"--source {words}: {device} may not be opened. Join the group that owns it (most often: video).")


def _number(device: Path) -> int:
    """The camera's number: of /dev/video1 it is 1, also by another name that leads there. Raises VideoError for what is no camera."""
    real = device.resolve()
    digits = real.name.removeprefix("video")
    if not real.name.startswith("video") or not digits.isdecimal():
        raise VideoError(f"--source {device} is a device, and no camera. {_others(device)}")
    return int(digits)


def _others(device: Path) -> str:
    there = sorted(str(one) for one in _DEVICES.glob("video*") if one != device)
    found = f"Cameras found: {', '.join(there)}. " if there else ""
    return f"{found}Give another number, a video's file, or --source test (a drawn face)."


def _rgb(picture: np.ndarray) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)


@contextmanager
def _quiet_opencv() -> Iterator[None]:
    """Without OpenCV's warnings on stderr: what went wrong is said by us, in one line."""
    logging = getattr(cv2.utils, "logging", None)
    if logging is None:
        yield
        return
    before = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(before)
