"""Webcams, read by OpenCV.

OpenCV and not PyAV, because a camera's number then means the same on Linux, macOS and Windows: FFmpeg's dshow accepts names only, and its
avfoundation returns EAGAIN between frames and needs a frame rate that the camera supports.
"""

from __future__ import annotations

import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lianpu.camera.sources import CameraFrame
from lianpu.errors import VideoError
from lianpu.imaging.opencv import quiet_opencv
from lianpu.imaging.picture import Picture

_DEFAULT_RATE = 30.0

_DEVICES = Path("/dev")


@dataclass(frozen=True, eq=False)
class Webcam:
    """An open camera: see `open_webcam`."""

    name: str
    size_px: tuple[int, int]
    rate: float
    capture: cv2.VideoCapture

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames of the driver. Raises VideoError when it fails."""
        first, number = None, 0
        try:
            while not stop.is_set():
                there, picture = self.capture.read()
                received = time.perf_counter()
                if not there:
                    raise VideoError(
                        f"The camera {self.name} stopped after {number} frames. Was it unplugged, or taken by another program?"
                    )
                first = received if first is None else first
                yield CameraFrame(number, received - first, received, _rgb(picture))
                number += 1
        finally:
            self.capture.release()


def is_camera(words: str) -> bool:
    """Whether `words` is a camera's number or device and not the name of a file."""
    if words.isdecimal() or words.startswith("/dev/video"):
        return True
    try:
        return stat.S_ISCHR(Path(words).stat().st_mode)
    except OSError:
        return False


def open_webcam(words: str, size_px: tuple[int, int] | None = None) -> Webcam:
    """Open the camera of that number or device and read its first frame.

    Args:
        words: 0, 1, ... or /dev/video0.
        size_px: width and height requested from the driver, which may choose others.

    Raises:
        VideoError: the camera is missing, may not be opened, is in use, or gives no frame.
    """
    device = Path(f"/dev/video{words}") if words.isdecimal() else Path(words)
    if sys.platform.startswith("linux"):
        _check_device(words, device)
    number = int(words) if words.isdecimal() else _number(device)
    with quiet_opencv():
        capture = cv2.VideoCapture(number, cv2.CAP_V4L2 if sys.platform.startswith("linux") else cv2.CAP_ANY)
        if size_px is not None and capture.isOpened():
            capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))  # raw frames of this size are slower over USB
            capture.set(cv2.CAP_PROP_FRAME_WIDTH, size_px[0])
            capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size_px[1])
        there, picture = capture.read() if capture.isOpened() else (False, None)
    if not there or picture is None:
        capture.release()
        raise VideoError(
            f"--source {words}: the camera does not open. It may be in use by another program, forbidden by the privacy settings of macOS or "
            f"Windows, or no camera has that number. {_others(device)}"
        )
    height, width = picture.shape[:2]
    rate = capture.get(cv2.CAP_PROP_FPS)
    return Webcam(words, (width, height), rate if 1 <= rate <= 1000 else _DEFAULT_RATE, capture)


def _check_device(words: str, device: Path) -> None:
    if not device.exists():
        raise VideoError(f"--source {words}: there is no camera {device}. {_others(device)}")
    if not os.access(device, os.R_OK | os.W_OK):
        raise VideoError(f"--source {words}: {device} may not be opened. Join the group that owns it (most often: video).")


def _number(device: Path) -> int:
    """The camera's number: 1 for /dev/video1 and for links to it. Raises VideoError for another device."""
    real = device.resolve()
    digits = real.name.removeprefix("video")
    if not real.name.startswith("video") or not digits.isdecimal():
        raise VideoError(f"--source {device} is a device, but not a camera. {_others(device)}")
    return int(digits)


def _others(device: Path) -> str:
    there = sorted(str(one) for one in _DEVICES.glob("video*") if one != device)
    found = f"Cameras found: {', '.join(there)}. " if there else ""
    return f"{found}Give another number, a video's file, or --source test (a drawn face)."


def _rgb(picture: np.ndarray) -> Picture:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), dtype=np.uint8)
