"""The speed of paths that edit a live picture, over the same frames, taking turns pass by pass."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lianpu.camera.loop import Mailbox
from lianpu.errors import DataError
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import FramePipeline, Tracked, edit_frame

RATE = 30.0
"""Frames per second of the clip's own time, which smoothing follows."""

_POLL_S = 0.2


@dataclass(frozen=True)
class FrameTime:
    """When a frame was taken, when it was ready, whether a face was edited, and seconds by stage."""

    begin_s: float
    end_s: float
    with_face: bool
    stages: Mapping[str, float]


class LivePath(Protocol):
    """A way to edit the frames of a live picture."""

    @property
    def name(self) -> str:
        """Its heading in tables."""
        ...

    def run(self, frames: Sequence[Picture]) -> Iterator[FrameTime]:
        """Edit all frames (H, W, 3), one after the other as fast as possible, from a new state on; the times of each."""
        ...


@dataclass(frozen=True, eq=False)
class OneThread:
    """A pipeline that tracks and renders each frame before it takes the next."""

    name: str
    pipeline: FramePipeline

    def run(self, frames: Sequence[Picture]) -> Iterator[FrameTime]:
        """See `LivePath.run`."""
        state = self.pipeline.begin()
        for number, picture in enumerate(frames):
            begin = time.perf_counter()
            state, edited = edit_frame(self.pipeline, state, picture, number, number / RATE)
            yield FrameTime(begin, time.perf_counter(), bool(edited.edited), edited.seconds)


@dataclass(frozen=True, eq=False)
class TwoThreads:
    """A pipeline that tracks in a thread of its own, as `lianpu camera` does: a frame while the one before is rendered."""

    name: str
    pipeline: FramePipeline

    def run(self, frames: Sequence[Picture]) -> Iterator[FrameTime]:
        """See `LivePath.run`."""
        seen: Mailbox[tuple[float, Picture, Tracked]] = Mailbox()

        def track() -> None:
            state = self.pipeline.begin()
            try:
                for number, picture in enumerate(frames):
                    begin = time.perf_counter()
                    state, tracked = self.pipeline.track(state, picture, number, number / RATE)
                    seen.put((begin, picture, tracked))
                    while not seen.wait_taken(_POLL_S):
                        pass
            finally:
                seen.close()

        with ThreadPoolExecutor(1) as pool:
            tracking = pool.submit(track)
            while not seen.ended:
                taken = seen.take(_POLL_S)
                if taken is not None:
                    begin, picture, tracked = taken
                    edited = self.pipeline.render(picture, tracked)
                    yield FrameTime(begin, time.perf_counter(), bool(edited.edited), edited.seconds)
            tracking.result()


@dataclass(frozen=True)
class PathSpeed:
    """The speed of one path with one edit.

    Args:
        frames: number of frames counted.
        rate: frames per second by the wall clock; other programs slow it down.
        latency_s: median time from taking a frame to its edited picture.
        late_s: the same of the slowest twentieth.
        processor_s: processor time a frame, of all threads.
        stages: mean seconds a frame by stage and step.
    """

    frames: int
    rate: float
    latency_s: float
    late_s: float
    processor_s: float
    stages: Mapping[str, float]


def measure_paths(
    paths: Sequence[LivePath],
    frames: Sequence[Picture],
    rounds: int,
    *,
    warm_frames: int,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, PathSpeed]:
    """The speed of each path, by name, over `rounds` passes through all frames.

    Args:
        paths: in the order of the first pass; the order rotates.
        frames: (H, W, 3) each.
        rounds: passes of each path.
        warm_frames: frames at the beginning of each pass that do not count.
        clock: processor time of this process.

    Raises:
        DataError: no frame shows a face.
    """
    taken: dict[str, list[tuple[list[FrameTime], float]]] = {path.name: [] for path in paths}
    for round_ in range(rounds):
        for place in range(len(paths)):
            path = paths[(round_ + place) % len(paths)]
            times, began = [], 0.0
            for number, one in enumerate(path.run(frames)):
                times.append(one)
                if number == warm_frames - 1:
                    began = clock()
            taken[path.name].append((times, clock() - began))
    if not any(one.with_face for passes in taken.values() for times, _ in passes for one in times):
        raise DataError("No face was found in any frame, so nothing was edited. Give other photos, or another --detector.")
    return {name: _speed(passes, warm_frames) for name, passes in taken.items()}


def _speed(passes: Sequence[tuple[list[FrameTime], float]], warm_frames: int) -> PathSpeed:
    counted = [times[warm_frames:] for times, _ in passes]
    every = [one for times in counted for one in times]
    seconds = sum(times[-1].end_s - times[warm_frames - 1].end_s for times, _ in passes)
    latencies = [one.end_s - one.begin_s for one in every]
    stages: dict[str, float] = {}
    for one in every:
        for name, took in one.stages.items():
            stages[name] = stages.get(name, 0.0) + took / len(every)
    return PathSpeed(
        len(every),
        len(every) / seconds,
        float(np.median(latencies)),
        float(np.percentile(latencies, 95)),
        sum(processor for _, processor in passes) / len(every),
        stages,
    )
