"""What a running camera is judged by: frames a second, latency, and what each stage takes; of all frames, and of the last seconds."""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

_RECENT_S = 2.0


@dataclass(frozen=True)
class CameraFigures:
    """Figures of some frames.

    Args:
        frames: that were edited and handed out.
        with_faces: how many of them showed a face that was edited.
        rate: frames a second, from the first one handed out to the last; 0 of fewer than two.
        latency_s: from coming in to being handed out, the median.
        worst_s: likewise, the longest.
        took: seconds by stage and step, over all of these frames.
    """

    frames: int
    with_faces: int
    rate: float
    latency_s: float
    worst_s: float
    took: Mapping[str, float]


@dataclass(frozen=True)
class ShownFrame:
    """What is noted of a frame: when it was handed out, how long after it came, whether a face was edited, seconds by stage."""

    at_s: float
    latency_s: float
    with_face: bool
    took: Mapping[str, float]


class Meter:
    """Counts frames as they are handed out."""

    def __init__(self) -> None:
        self._recent: deque[ShownFrame] = deque()
        self._latencies = array("d")
        self._took: dict[str, float] = {}
        self._frames = self._with_faces = 0
        self._first_s = self._last_s = 0.0

    def add(self, shown: ShownFrame) -> None:
        """Count a frame."""
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

    def recent(self) -> CameraFigures:
        """Of the last two seconds."""
        took: dict[str, float] = {}
        for one in self._recent:
            for name, seconds in one.took.items():
                took[name] = took.get(name, 0.0) + seconds
        latencies = [one.latency_s for one in self._recent]
        span = self._recent[-1].at_s - self._recent[0].at_s if self._recent else 0.0
        with_faces = sum(one.with_face for one in self._recent)
        return _figures(len(self._recent), with_faces, span, latencies, took)

    def total(self) -> CameraFigures:
        """Of all frames."""
        return _figures(self._frames, self._with_faces, self._last_s - self._first_s, self._latencies, dict(self._took))


def _figures(
    frames: int, with_faces: int, span_s: float, latencies: array[float] | list[float], took: Mapping[str, float]
) -> CameraFigures:
    rate = (frames - 1) / span_s if frames > 1 and span_s > 0 else 0.0
    middle, worst = (median(latencies), max(latencies)) if len(latencies) else (0.0, 0.0)
    return CameraFigures(frames, with_faces, rate, middle, worst, took)
