"""What each stage and each step costs on a video, measured in one process: the steps take turns on every frame."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lianpu.bench.flicker import Contender
from lianpu.errors import DataError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.subject import Subject
from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_ENDING, PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoFacts
from lianpu.video.io.reading import frames_from
from lianpu.video.io.writing import FrameWriter
from lianpu.video.job.frame_edit import READ, WRITE
from lianpu.video.tracking.tracker import Following, FollowSettings, follow

Clock = Callable[[], float]
"""Seconds: `time.perf_counter`, or `time.process_time` where other programs keep the processors busy."""


@dataclass(frozen=True)
class ClipSpeed:
    """What a clip took.

    Args:
        frames: how many it has.
        with_faces: how many show a face.
        faces: how many faces a frame shows, on the average.
        stages: seconds a frame of `read`, `search`, `follow`, `parts` and `write`: all that every video takes.
        steps: seconds that each contender takes for a frame, over the frames with faces.
    """

    frames: int
    with_faces: int
    faces: float
    stages: Mapping[str, float]
    steps: Mapping[str, float]

    @property
    def without_steps_s(self) -> float:
        """Seconds a frame of a video in which nothing is edited."""
        return sum(self.stages.values())

    def ratio(self, name: str) -> float:
        """How many times as long a frame takes with the contender as with none."""
        return (self.without_steps_s + self.steps[name]) / self.without_steps_s


def measure_speed(
    facts: VideoFacts,
    contenders: Mapping[str, Contender],
    analyzer: FaceAnalyzer,
    encoding: Encoding,
    folder: Path,
    *,
    settings: FollowSettings | None = None,
    rounds: int = 3,
    threads: int | None = None,
    clock: Clock = time.perf_counter,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ClipSpeed:
    """What the stages and contenders cost on a video.

    Each round goes through the whole video. Of each frame the median of the rounds counts, and of these the mean: a search in every
    tenth frame counts for a tenth, and what another program took once does not count. All contenders get the same frames, in an order
    that turns from frame to frame; the first frame with a face is done once before, to warm up.

    Args:
        facts: of the video.
        contenders: by name.
        analyzer: what sees faces.
        encoding: of what is written: the frames as they are, by the way of edited ones (through RGB).
        folder: where that is written.
        settings: how faces are followed.
        rounds: how many.
        threads: of the encoder.
        clock: see `Clock`.
        on_progress: called with (frames done, frames of all rounds).

    Raises:
        DataError: there is no face in any frame.
    """
    settings = FollowSettings() if settings is None else settings
    stage_rounds: list[Mapping[str, np.ndarray]] = []
    shown: list[int] = []
    for round_ in range(rounds):

        def on_frame(number: int, round_: int = round_) -> None:
            on_progress(round_ * len(facts.stamps) + number + 1, rounds * len(facts.stamps))

        with piece_writer(folder / f"written{PIECE_ENDING}", facts, encoding, threads) as writer:
            seconds, shown = _one_round(facts, contenders, analyzer, settings, writer, round_, clock, on_frame)
            begin = clock()
        held_back_s = clock() - begin  # by the encoder, which looks ahead
        seconds[WRITE] = np.full(len(shown), seconds[WRITE].mean() + held_back_s / len(shown))
        stage_rounds.append(seconds)
    with_face = np.array(shown) > 0
    of_frames = {name: np.median([one[name] for one in stage_rounds], axis=0) for name in stage_rounds[0]}
    stages = {name: float(values.mean()) for name, values in of_frames.items() if name not in contenders}
    steps = {name: float(of_frames[name][with_face].mean()) for name in contenders}
    return ClipSpeed(len(shown), int(with_face.sum()), statistics.mean(shown), stages, steps)


def _one_round(
    facts: VideoFacts,
    contenders: Mapping[str, Contender],
    analyzer: FaceAnalyzer,
    settings: FollowSettings,
    writer: FrameWriter,
    round_: int,
    clock: Clock,
    on_frame: Callable[[int], None],
) -> tuple[dict[str, np.ndarray], list[int]]:
    """Seconds of every frame, by stage and contender; and how many faces each shows."""
    seconds: dict[str, list[float]] = {name: [] for name in (READ, "search", "follow", "parts", WRITE, *contenders)}
    shown: list[int] = []
    known, begin = Following(), clock()
    for number, frame in enumerate(frames_from(facts, 0, len(facts.stamps))):
        seconds[READ].append(clock() - begin)
        known, sight = follow(known, frame.picture, number, facts.time_s(frame.stamp), analyzer, settings, clock=clock)
        if not round_ and not any(shown):
            _take_turns(contenders, 0, frame.picture, sight.subjects, clock)  # to warm up
        taken = {**sight.seconds, **_take_turns(contenders, number + round_, frame.picture, sight.subjects, clock)}
        begin = clock()
        writer.write(frame.picture, number, PIECE_TIME_BASE)
        taken[WRITE] = clock() - begin
        for name in (WRITE, *sight.seconds, *contenders):
            seconds[name].append(taken.get(name, 0.0))
        shown.append(len(sight.subjects))
        on_frame(number)
        begin = clock()
    if not any(shown):
        raise DataError(f"No face was found in any frame of {facts.file.name}. Take another clip, or another --detector.")
    return {name: np.array(values) for name, values in seconds.items()}, shown


def _take_turns(
    contenders: Mapping[str, Contender], first: int, picture: Picture, subjects: Sequence[Subject], clock: Clock
) -> dict[str, float]:
    """Seconds that each contender takes for a frame, beginning with another in every frame; nothing without a face."""
    seconds: dict[str, float] = {}
    names = list(contenders)
    for place in range(len(names) if subjects else 0):
        name = names[(first + place) % len(names)]
        begin = clock()
        contenders[name](picture, subjects)
        seconds[name] = clock() - begin
    return seconds
