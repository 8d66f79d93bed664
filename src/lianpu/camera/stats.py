"""Statistics of a running camera: frames per second, latency and time by stage, of all frames and of the last seconds."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

_RECENT_S = 2.0


@dataclass(frozen=True)
class CameraStatistics:
    """Statistics of some frames.

    Args:
        frames: number of frames shown.
        with_faces: number of frames in which a face was edited.
        rate: frames per second from the first one shown to the last; 0 for fewer than two.
        latency_s: median time from receiving a frame to showing it.
        worst_s: longest such time.
        took: seconds by stage and step, over all these frames.
    """

    frames: int
    with_faces: int
    rate: float
    latency_s: float
    worst_s: float
    took: Mapping[str, float]


@dataclass(frozen=True)
class ShownFrame:
    """A frame for the statistics: when it was shown, its latency, whether a face was edited, seconds by stage."""

    at_s: float
    latency_s: float
    with_face: bool
    took: Mapping[str, float]


class Meter:
    """Collects the statistics of frames as they are shown."""

    def __init__(self) -> None:
        self._recent: deque[ShownFrame] = deque()
        self._latencies = array("d")
        self._took: dict[str, float] = {}
        self._frames = self._with_faces = 0
        self._first_s = self._last_s = 0.0

    def add(self, shown: ShownFrame) -> None:
        """Add a frame."""
        if not self._frames:
            self._first_s = shown.at_s
        self._latencies.append(shown.latency_s)
        self._frames += 1
        self._with_faces += shown.with_face
        self._last_s = shown.at_s
        for name, seconds in shown.took.items():
            self._took[name] = self._took.get(name, 0.0) + seconds
        self._recent.append(shown)
        while shown.at_s - self._recent[0].at_s > _RECENT_S:
            self._recent.popleft()

    def recent(self) -> CameraStatistics:
        """Statistics of the last two seconds."""
        took: dict[str, float] = {}
        for one in self._recent:
            for name, seconds in one.took.items():
                took[name] = took.get(name, 0.0) + seconds
        latencies = [one.latency_s for one in self._recent]
        span = self._recent[-1].at_s - self._recent[0].at_s if self._recent else 0.0
        with_faces = sum(one.with_face for one in self._recent)
        return _statistics(len(self._recent), with_faces, span, latencies, took)

    def total(self) -> CameraStatistics:
        """Statistics of all frames."""
        return _statistics(self._frames, self._with_faces, self._last_s - self._first_s, self._latencies, dict(self._took))


def _statistics(
    frames: int, with_faces: int, span_s: float, latencies: array[float] | list[float], took: Mapping[str, float]
) -> CameraStatistics:
    rate = (frames - 1) / span_s if frames > 1 and span_s > 0 else 0.0
    middle, worst = (median(latencies), max(latencies)) if len(latencies) else (0.0, 0.0)
    return CameraStatistics(frames, with_faces, rate, middle, worst, took)
