"""What a camera gives, whatever it is: frames as they come, each with the time at which it came."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from lianpu.errors import SettingsError
from lianpu.image import Picture

_LONGEST_PX = 8192


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """A frame that came.

    Args:
        number: in its source, from 0; those that nobody took are counted, too.
        time_s: when it was captured, in seconds from the first one.
        came_s: when it came here, on `time.perf_counter`: what latency is counted from.
        picture: (H, W, 3).
    """

    number: int
    time_s: float
    came_s: float
    picture: Picture


class CameraSource(Protocol):
    """A webcam, a file or a made picture."""

    @property
    def name(self) -> str:
        """What the user knows it by."""
        ...

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its frames."""
        ...

    @property
    def rate(self) -> float:
        """Frames a second, as it says."""
        ...

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames at the source's own speed, of any size, until `stop` is set or it ends. Raises LianpuError when it breaks off."""
        ...


def read_size(words: str) -> tuple[int, int]:
    """Width and height of words such as 1280x720. Raises SettingsError for others."""
    width, separator, height = words.lower().replace("×", "x").partition("x")
    if not separator or not width.strip().isdecimal() or not height.strip().isdecimal():
        raise SettingsError(f"--size {words}: write WIDTHxHEIGHT in pixels, such as 1280x720.")
    size = (int(width), int(height))
    if min(size) < 16 or max(size) > _LONGEST_PX:
        raise SettingsError(f"--size {words}: sides are from 16 to {_LONGEST_PX} pixels.")
    return size


def fitted(picture: Picture, size_px: tuple[int, int]) -> Picture:
    """The picture (H, W, 3) inside (height, width, 3) of `size_px` = (width, height): all of it, undistorted, with black beside it."""
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
    """The picture (H, W, 3), left and right changed, as in a mirror."""
    return np.ascontiguousarray(picture[:, ::-1])


def wait_until(moment_s: float, stop: threading.Event) -> bool:
    """Wait until `time.perf_counter` is at `moment_s`; False when `stop` was set before."""
    left = moment_s - time.perf_counter()
    return not (stop.wait(left) if left > 0 else stop.is_set())
