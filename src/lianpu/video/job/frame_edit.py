"""The frames of a segment, or of a camera, edited one after the other, and the time that each step takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lianpu.editing.presets import EffectStep, Preset, Step
from lianpu.editing.session import EditJob
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import EVERY, LARGEST
from lianpu.imaging.picture import Picture
from lianpu.video.io.encoding import Encoding
from lianpu.video.io.muxing import PIECE_TIME_BASE, piece_writer
from lianpu.video.io.probe import VideoFacts
from lianpu.video.io.reading import Frame, frames_from
from lianpu.video.job.work_folder import Segment, SegmentDone, WorkFolder
from lianpu.video.tracking.tracker import Following, FollowSettings, Sight, follow

READ, WRITE = "read", "write"
"""Stages beside those of `Sight.seconds` and the steps."""


@dataclass(frozen=True, eq=False)
class EditedFrame:
    """A frame with what was asked.

    Args:
        picture: (H, W, 3); the same object as the frame where nothing was edited.
        sight: what was seen in the frame.
        edited: how many faces were edited.
        seconds: what it took, by stage and step.
    """

    picture: Picture
    sight: Sight
    edited: int
    seconds: dict[str, float]


def check_faces(faces: str) -> None:
    """Nothing for `all` and `largest`. Raises SettingsError for numbers: in a video the sizes of faces change places."""
    if faces not in (EVERY, LARGEST):
        raise SettingsError(
            f"--faces {faces}: in a video say {EVERY} or {LARGEST}; numbers by size would change from frame to frame."
        )


def edit_frame(
    before: Following, picture: Picture, number: int, time_s: float, job: EditJob, settings: FollowSettings
) -> tuple[Following, EditedFrame]:
    """The next frame (H, W, 3) of a video or a camera, edited as the job's request asks; and what is to be known for the one after it."""
    after, sight = follow(before, picture, number, time_s, job.session.analyzer, settings)
    chosen = sight.largest if job.request.faces == LARGEST else sight.subjects
    seconds = dict(sight.seconds)
    if chosen:
        for name, step in named_steps(job.preset):
            begin = time.perf_counter()
            picture = job.session.edit(picture, chosen, Preset(name, (step,)), job.request.known)
            seconds[name] = time.perf_counter() - begin
    return after, EditedFrame(picture, sight, len(chosen), seconds)


def named_steps(preset: Preset) -> list[tuple[str, Step]]:
    """The steps of a preset, each under a name of its own."""
    names = [step.effect.name if isinstance(step, EffectStep) else "edit" for step in preset.steps]
    return [
        (name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})", step)
        for place, (name, step) in enumerate(zip(names, preset.steps, strict=True))
    ]


def edit_segment(
    job: EditJob,
    facts: VideoFacts,
    segment: Segment,
    work: WorkFolder,
    encoding: Encoding,
    settings: FollowSettings,
    on_frame: Callable[[], None],
) -> SegmentDone:
    """The segment edited, encoded, and kept in the work folder; what came of it.

    Args:
        job: what the request needs, opened.
        facts: of the video.
        segment: which frames.
        work: where it is kept.
        encoding: how it is encoded.
        settings: how faces are followed.
        on_frame: called for each frame that was written.
    """
    known, with_faces = Following(), 0
    stamps: list[int] = []
    cuts: list[int] = []
    seconds: dict[str, float] = {}
    partial = work.partial_file(segment)
    with piece_writer(partial, facts, encoding) as writer:
        number = segment.run_in - 1
        for frame, took in _timed(frames_from(facts, segment.run_in, segment.last)):
            number += 1
            if frame.stamp < facts.stamps[segment.first]:
                known, _ = follow(known, frame.picture, number, facts.time_s(frame.stamp), job.session.analyzer, settings)
                continue
            known, edited = edit_frame(known, frame.picture, number, facts.time_s(frame.stamp), job, settings)
            begin = time.perf_counter()
            if edited.picture is frame.picture:
                writer.write_raw(frame, len(stamps), PIECE_TIME_BASE)
            else:
                writer.write(edited.picture, len(stamps), PIECE_TIME_BASE)
            for name, second in (edited.seconds | {READ: took, WRITE: time.perf_counter() - begin}).items():
                seconds[name] = seconds.get(name, 0.0) + second
            stamps.append(frame.stamp)
            with_faces += bool(edited.edited)
            if edited.sight.cut:
                cuts.append(frame.stamp)
            on_frame()
    done = SegmentDone(tuple(stamps), with_faces, tuple(cuts), seconds)
    work.keep(segment, done)
    return done


def _timed(frames: Iterator[Frame]) -> Iterator[tuple[Frame, float]]:
    """Frames, each with the seconds that it took to come."""
    while True:
        begin = time.perf_counter()
        frame = next(frames, None)
        if frame is None:
            return
        yield frame, time.perf_counter() - begin
