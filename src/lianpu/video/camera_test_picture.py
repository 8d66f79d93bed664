"""A camera where there is none: a portrait that moves before the lens."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.image import Picture
from lianpu.video.camera_source import CameraFrame, wait_until
from lianpu.video.clips import camera_matrix

_PERIOD_S = 6.0


@dataclass(frozen=True, eq=False)
class MovingPicture:
    """The motion of `clips.pan_over`, there and back without a jump.

    Args:
        portrait: (h, w, 3).
        size_px: width and height of the frames.
        rate: frames a second.
    """

    portrait: Picture
    size_px: tuple[int, int] = (640, 360)
    rate: float = 30.0

    @property
    def name(self) -> str:
        """What the user knows it by."""
        return "test"

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames without end; those for which this machine is too slow are left out, as a camera would."""
        scene = _widened(self.portrait, self.size_px)
        begin, number = time.perf_counter(), 0
        while wait_until(begin + number / self.rate, stop):
            at = (1 - math.cos(2 * math.pi * number / self.rate / _PERIOD_S)) / 2
            matrix = camera_matrix(scene, at, *self.size_px)
            picture = cv2.warpAffine(scene, matrix, self.size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            yield CameraFrame(number, number / self.rate, time.perf_counter(), np.asarray(picture, dtype=np.uint8))
            number = max(number + 1, math.floor((time.perf_counter() - begin) * self.rate))


def _widened(portrait: Picture, size_px: tuple[int, int]) -> Picture:
    """The portrait with its sides drawn out to the proportions of the frames, so that the face is not cut."""
    high, wide = portrait.shape[:2]
    more_x = max(0, math.ceil((high * size_px[0] / size_px[1] - wide) / 2))
    more_y = max(0, math.ceil((wide * size_px[1] / size_px[0] - high) / 2))
    return np.asarray(cv2.copyMakeBorder(portrait, more_y, more_y, more_x, more_x, cv2.BORDER_REPLICATE), dtype=np.uint8)
