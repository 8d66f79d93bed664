"""The time of each stage and each contender on a video, measured in one process, interleaved on every frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from lianpu.bench.flicker import Contender
from lianpu.errors import DataError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.results import Subject
from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_ENDING, PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoProbe
from lianpu.video.io.reading import frames_from
from lianpu.video.io.writing import FrameWriter
from lianpu.video.job.segment_edit import READ, WRITE
from lianpu.video.tracking.tracker import TrackerState, TrackSettings, track_faces
from lianpu.video.tracking.tracks import Carrier

Clock = Callable[[], float]
"""Seconds: `time.perf_counter`, or `time.process_time` where other programs keep the processors busy."""


@dataclass(frozen=True)
class ClipSpeed:
    """The times of a clip.

    Args:
        frames: number of frames.
        with_faces: number of frames with a face.
        faces: faces per frame, on average.
        stages: seconds per frame of `read`, `detect`, `track`, `parse` and `write`.
        steps: seconds per frame of each contender, over the frames with faces.
    """

    frames: int
    with_faces: int
    faces: float
    stages: Mapping[str, float]
    steps: Mapping[str, float]

    @property
    def without_steps_s(self) -> float:
        """Seconds per frame without any edit."""
        return sum(self.stages.values())

    def ratio(self, name: str) -> float:
        """The time of a frame with the contender over that without."""
        return (self.without_steps_s + self.steps[name]) / self.without_steps_s


def measure_speed(
    probe: VideoProbe,
    contenders: Mapping[str, Contender],
    analyzer: FaceAnalyzer,
    encoding: Encoding,
    folder: Path,
    *,
    settings: TrackSettings | None = None,
    carriers: Mapping[str, Mapping[str, Carrier]] = MappingProxyType({}),
    rounds: int = 3,
    threads: int | None = None,
    clock: Clock = time.perf_counter,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ClipSpeed:
    """Measure the stages and contenders on a video.

    Each round goes through the whole video. The result is the mean over frames of the median over rounds: a detection in every tenth
    frame counts for a tenth, and single disturbances by other programs do not count. All contenders get the same frames, in an order that
    rotates from frame to frame; the first frame with a face is edited once before, as a warm-up.

    Args:
        probe: of the video.
        contenders: by name.
        analyzer: detects and describes faces.
        encoding: of the written frames, which are not edited but pass through RGB like edited ones.
        folder: for the written video.
        settings: how faces are tracked.
        carriers: what contenders keep of each face from frame to frame, by name (`EditSession.carriers`): it counts to their time.
        rounds: number of rounds.
        threads: of the encoder.
        clock: see `Clock`.
        on_progress: called with (frames done, frames of all rounds).

    Raises:
        DataError: no frame shows a face.
    """
    settings = TrackSettings() if settings is None else settings
    stage_rounds: list[Mapping[str, np.ndarray]] = []
    shown: list[int] = []
    for round_ in range(rounds):

        def on_frame(number: int, round_: int = round_) -> None:
            on_progress(round_ * len(probe.timestamps) + number + 1, rounds * len(probe.timestamps))

        with piece_writer(folder / f"written{PIECE_ENDING}", probe, encoding, threads) as writer:
            seconds, shown = _one_round(probe, contenders, carriers, analyzer, settings, writer, round_, clock, on_frame)
            begin = clock()
        held_back_s = clock() - begin  # by the encoder's lookahead
        seconds[WRITE] = np.full(len(shown), seconds[WRITE].mean() + held_back_s / len(shown))
        stage_rounds.append(seconds)
    with_face = np.array(shown) > 0
    of_frames = {name: np.median([one[name] for one in stage_rounds], axis=0) for name in stage_rounds[0]}
    stages = {name: float(values.mean()) for name, values in of_frames.items() if name not in contenders}
    steps = {name: float(of_frames[name][with_face].mean()) for name in contenders}
    return ClipSpeed(len(shown), int(with_face.sum()), statistics.mean(shown), stages, steps)


def _one_round(
    probe: VideoProbe,
    contenders: Mapping[str, Contender],
    carriers: Mapping[str, Mapping[str, Carrier]],
    analyzer: FaceAnalyzer,
    settings: TrackSettings,
    writer: FrameWriter,
    round_: int,
    clock: Clock,
    on_frame: Callable[[int], None],
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Seconds of every frame by stage and contender, and its number of faces."""
    seconds: dict[str, list[float]] = {name: [] for name in (READ, "detect", "track", "parse", WRITE, *contenders)}
    shown: list[int] = []
    carry_s: dict[str, float] = {}

    def timed(name: str, carry: Carrier) -> Carrier:
        def carried(*arguments: object) -> object:
            begin = clock()
            kept = carry(*arguments)
            carry_s[name] = carry_s.get(name, 0.0) + clock() - begin
            return kept

        return carried

    every = {name: timed(name, carry) for of in carriers.values() for name, carry in of.items()}
    state, begin = TrackerState(), clock()
    for number, frame in enumerate(frames_from(probe, 0, len(probe.timestamps))):
        seconds[READ].append(clock() - begin)
        carry_s.clear()
        time_s = probe.time_s(frame.timestamp)
        state, tracked = track_faces(state, frame.picture, number, time_s, analyzer, settings, carriers=every, clock=clock)
        if not round_ and not any(shown):
            _take_turns(contenders, 0, frame.picture, tracked.subjects, clock)  # to warm up
        taken = {**tracked.seconds, **_take_turns(contenders, number + round_, frame.picture, tracked.subjects, clock)}
        for name, of in carriers.items():
            taken[name] = taken.get(name, 0.0) + sum(carry_s.get(one, 0.0) for one in of)
        begin = clock()
        writer.write(frame.picture, number, PIECE_TIME_BASE)
        taken[WRITE] = clock() - begin
        for name in seconds.keys() - {READ}:
            seconds[name].append(taken.get(name, 0.0))
        shown.append(len(tracked.subjects))
        on_frame(number)
        begin = clock()
    if not any(shown):
        raise DataError(f"No face was found in any frame of {probe.file.name}. Take another clip, or another --detector.")
    return {name: np.array(values) for name, values in seconds.items()}, shown


def _take_turns(
    contenders: Mapping[str, Contender], first: int, picture: Picture, subjects: Sequence[Subject], clock: Clock
) -> dict[str, float]:
    """Seconds of each contender for a frame, starting with another one in every frame; empty without a face."""
    seconds: dict[str, float] = {}
    names = list(contenders)
    for place in range(len(names) if subjects else 0):
        name = names[(first + place) % len(names)]
        begin = clock()
        contenders[name](picture, subjects)
        seconds[name] = clock() - begin
    return seconds
