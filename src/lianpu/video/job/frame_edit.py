"""One frame of a video or a camera: its faces tracked, the preset applied, each step timed."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lianpu.editing.presets import EffectStep, Preset, Step
from lianpu.editing.session import EditJob
from lianpu.errors import SettingsError
from lianpu.faces.analyzer import EVERY, LARGEST
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.tracker import TrackedFaces, TrackerState, TrackSettings, track_faces


@dataclass(frozen=True, eq=False)
class EditedFrame:
    """A frame after the edit.

    Args:
        picture: (H, W, 3); the same object as the input where nothing was edited.
        tracked: the faces of the frame.
        edited: how many faces were edited.
        seconds: time by stage and step.
    """

    picture: Picture
    tracked: TrackedFaces
    edited: int
    seconds: dict[str, float]


def check_faces(faces: str) -> None:
    """Raise SettingsError unless `faces` is `all` or `largest`: the sizes of faces change from frame to frame."""
    if faces not in (EVERY, LARGEST):
        raise SettingsError(
            f"--faces {faces}: in a video say {EVERY} or {LARGEST}; numbers by size would change from frame to frame."
        )


def edit_frame(
    before: TrackerState, picture: Picture, number: int, time_s: float, job: EditJob, settings: TrackSettings
) -> tuple[TrackerState, EditedFrame]:
    """The tracker's state after a frame (H, W, 3), and the frame edited as the job's request asks. Arguments as of `track_faces`."""
    after, tracked = track_faces(before, picture, number, time_s, job.session.analyzer, settings)
    chosen = tracked.largest if job.request.faces == LARGEST else tracked.subjects
    seconds = dict(tracked.seconds)
    if chosen:
        for name, step in named_steps(job.preset):
            begin = time.perf_counter()
            picture = job.session.edit(picture, chosen, Preset(name, (step,)), job.request.known)
            seconds[name] = time.perf_counter() - begin
    return after, EditedFrame(picture, tracked, len(chosen), seconds)


def named_steps(preset: Preset) -> list[tuple[str, Step]]:
    """The steps of a preset, each with a unique name."""
    names = [step.effect.name if isinstance(step, EffectStep) else "edit" for step in preset.steps]
    return [
        (name if names.count(name) == 1 else f"{name} ({names[: place + 1].count(name)})", step)
        for place, (name, step) in enumerate(zip(names, preset.steps, strict=True))
    ]
