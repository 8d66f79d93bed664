"""A video's file as a camera: its frames come when they are due, once or again and again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lianpu.video.camera_source import CameraFrame, wait_until
from lianpu.video.facts import VideoFacts
from lianpu.video.orientation import shown
from lianpu.video.reading import frames_from


@dataclass(frozen=True)
class FileCamera:
    """A video that plays at its own speed.

    Args:
        facts: of the video.
        loop: whether it begins anew at its end.
    """

    facts: VideoFacts
    loop: bool = False

    @property
    def name(self) -> str:
        """What the user knows it by."""
        return str(self.facts.file)

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its frames, as they are shown."""
        lying = np.empty((self.facts.height, self.facts.width, 3), dtype=np.uint8)
        height, width = shown(lying, self.facts.matrix).shape[:2]
        return width, height

    @property
    def rate(self) -> float:
        """Frames a second, on the average."""
        return float(self.facts.rate)

    def frames(self, stop: threading.Event) -> Iterator[CameraFrame]:
        """Frames when they are due; where decoding is too slow for that, as soon as they are there."""
        begin, number, offset = time.perf_counter(), 0, 0.0
        while not stop.is_set():
            before = number
            for frame in frames_from(self.facts, 0, len(self.facts.stamps)):
                time_s = offset + self.facts.time_s(frame.stamp)
                if not wait_until(begin + time_s, stop):
                    return
                yield CameraFrame(number, time_s, time.perf_counter(), frame.picture)
                number += 1
            if not self.loop or number == before:
                return
            offset += self.facts.seconds
