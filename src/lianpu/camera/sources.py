"""Camera sources: frames with their capture times, from a file or a moving test picture; webcams are in `webcam`."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from lianpu.camera.moving_picture import camera_matrix
from lianpu.errors import SettingsError
from lianpu.imaging.picture import Picture
from lianpu.video.io.probe import VideoProbe, shown
from lianpu.video.io.reading import frames_from

_LONGEST_PX = 8192


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """A frame of a source.

    Args:
        number: in its source, from 0; dropped frames count, too.
        time_s: capture time in seconds from the first frame.
        received_s: when it was received, on `time.perf_counter`; latency counts from here.
        picture: (H, W, 3).
    """

    number: int
    time_s: float
    received_s: float
    picture: Picture


class CameraSource(Protocol):
    """A webcam, a file or a moving test picture."""

    @property
    def name(self) -> str:
        """Its name for the user."""
        ...

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its frames."""
        ...

    @property
    def rate(self) -> float:
        """Nominal frames per second."""
        ...

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames of any size at the source's own speed, until `stop` is set or it ends. Raises LianpuError when the source fails."""
        ...


def read_size(words: str) -> tuple[int, int]:
    """Width and height from a text such as 1280x720. Raises SettingsError for any other text."""
    width, separator, height = words.lower().replace("×", "x").partition("x")
    if not separator or not width.strip().isdecimal() or not height.strip().isdecimal():
        raise SettingsError(f"--size {words}: write WIDTHxHEIGHT in pixels, such as 1280x720.")
    size = (int(width), int(height))
    if min(size) < 16 or max(size) > _LONGEST_PX:
        raise SettingsError(f"--size {words}: width and height are 16 to {_LONGEST_PX} pixels.")
    return size


def fitted(picture: Picture, size_px: tuple[int, int]) -> Picture:
    """The picture (H, W, 3) inside (height, width, 3) of `size_px` = (width, height): scaled to fit, with black borders."""
    width, height = size_px
    high, wide = picture.shape[:2]
    if (wide, high) == size_px:
        return picture
    scale = min(width / wide, height / high)
    inner = (min(width, max(1, round(wide * scale))), min(height, max(1, round(high * scale))))
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    whole = np.zeros((height, width, 3), dtype=np.uint8)
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    whole[top : top + inner[1], left : left + inner[0]] = cv2.resize(picture, inner, interpolation=way)
    return whole


def mirrored(picture: Picture) -> Picture:
    """The picture (H, W, 3), flipped left to right."""
    return np.ascontiguousarray(picture[:, ::-1])


def wait_until(moment_s: float, stop: threading.Event) -> bool:
    """Wait until `time.perf_counter` reaches `moment_s`; False when `stop` was set before."""
    left = moment_s - time.perf_counter()
    return not (stop.wait(left) if left > 0 else stop.is_set())


@dataclass(frozen=True)
class FileCamera:
    """A video that plays at its own speed.

    Args:
        probe: of the video.
        loop: start again at its end.
    """

    probe: VideoProbe
    loop: bool = False

    @property
    def name(self) -> str:
        """Its name for the user."""
        return str(self.probe.file)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its frames as shown."""
        lying = np.empty((self.probe.height, self.probe.width, 3), dtype=np.uint8)
        height, width = shown(lying, self.probe.matrix).shape[:2]
        return width, height

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return float(self.probe.rate)

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames at their timestamps; as soon as possible where decoding is slower."""
        begin, number, offset = time.perf_counter(), 0, 0.0
        while not stop.is_set():
            before = number
            for frame in frames_from(self.probe, 0, len(self.probe.timestamps)):
                time_s = offset + self.probe.time_s(frame.timestamp)
                if not wait_until(begin + time_s, stop):
                    return
                yield CameraFrame(number, time_s, time.perf_counter(), frame.picture)
                number += 1
            if not self.loop or number == before:
                return
            offset += self.probe.seconds


_PERIOD_S = 6.0


@dataclass(frozen=True, eq=False)
class MovingPicture:
    """A portrait under a moving camera (`moving_picture.camera_matrix`), back and forth without a jump.

    Args:
        portrait: (h, w, 3).
        size_px: width and height of the frames.
        rate: frames per second.
    """

    portrait: Picture
    size_px: tuple[int, int] = (640, 360)
    rate: float = 30.0

    @property
    def name(self) -> str:
        """Its name for the user."""
        return "test"

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Endless frames; a slow machine skips some, as with a camera."""
        scene = _widened(self.portrait, self.size_px)
        begin, number = time.perf_counter(), 0
        while wait_until(begin + number / self.rate, stop):
            at = (1 - math.cos(2 * math.pi * number / self.rate / _PERIOD_S)) / 2
            matrix = camera_matrix(scene, at, *self.size_px)
            picture = cv2.warpAffine(scene, matrix, self.size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            yield CameraFrame(number, number / self.rate, time.perf_counter(), np.asarray(picture, dtype=np.uint8))
            number = max(number + 1, math.floor((time.perf_counter() - begin) * self.rate))


def _widened(portrait: Picture, size_px: tuple[int, int]) -> Picture:
    """The portrait padded to the aspect ratio of the frames, so that the face is not cropped."""
    high, wide = portrait.shape[:2]
    more_x = max(0, math.ceil((high * size_px[0] / size_px[1] - wide) / 2))
    more_y = max(0, math.ceil((wide * size_px[1] / size_px[0] - high) / 2))
    return np.asarray(cv2.copyMakeBorder(portrait, more_y, more_y, more_x, more_x, cv2.BORDER_REPLICATE), dtype=np.uint8)
