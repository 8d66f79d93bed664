"""Flicker: the change between frames beyond their motion, measured on clips with known motion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from lianpu.camera.moving_picture import MadeFrame
from lianpu.errors import DataError
from lianpu.faces.live import LiveFace
from lianpu.faces.results import Subject
from lianpu.imaging.geometry import Matrix, inverse, map_points
from lianpu.imaging.picture import Picture
from lianpu.video.job.frame_pipeline import State, Tracked

_SEEN_PX = 2.0
"""Blur (standard deviation) of an effect's change before comparison: amplified grain is not flicker."""


@dataclass(frozen=True)
class Flicker:
    """The change of a face from one frame to the next beyond its motion; means over frames.

    Args:
        points: distance of its 68 points, in % of the eye distance.
        parts: share of its pixels (without background) that change their part, in %.
        effects: change of what each contender does to the picture, in % of what it does.
        frames: number of pairs of frames.
    """

    points: float
    parts: float
    effects: Mapping[str, float]
    frames: int


Contender = Callable[[Picture, Sequence[Subject]], Picture]
"""An edit of a frame and its faces."""


Rendered = Callable[[Picture, Tracked], Picture]
"""An edit of a frame by what tracking says of it."""


class Tracking(Protocol):
    """The half of a `FramePipeline` that tracks."""

    def begin(self) -> State:
        """The state before the first frame."""
        ...

    def track(self, before: State, picture: Picture, number: int, time_s: float) -> tuple[State, Tracked]:
        """The state after a frame (H, W, 3), and its faces."""
        ...


def clip_flicker(
    frames: Sequence[MadeFrame],
    tracking: Tracking,
    contenders: Mapping[str, Rendered],
    rate: float = 24.0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Flicker:
    """The flicker of the largest face of a synthetic clip, as it is tracked, and of what each contender does to it.

    Args:
        frames: of `pan_over`, in order; pairs in which the face is missing do not count.
        tracking: a pipeline.
        contenders: by name.
        rate: frames per second.
        on_progress: called with (frames done, frames).

    Raises:
        DataError: no two consecutive frames of one photo show the face.
    """
    points, parts = [], []
    effects: dict[str, list[float]] = {name: [] for name in contenders}
    state, before = tracking.begin(), None
    for number, frame in enumerate(frames):
        state, tracked = tracking.track(state, frame.picture, number, number / rate)
        subject = _largest(frame.picture, tracked)
        done = {name: _change(frame.picture, apply(frame.picture, tracked)) for name, apply in contenders.items() if subject}
        if before is not None and before[1] is not None and subject is not None and before[0].photo == frame.photo:
            onward = _after(frame.matrix, inverse(before[0].matrix))
            points.append(_moved_points(before[1], subject, onward))
            parts.append(_changed_parts(before[1], subject, onward, frame.picture.shape))
            for name, now in done.items():
                effects[name].append(_changed_effect(before[2][name], now, onward))
        before = (frame, subject, done)
        on_progress(number + 1, len(frames))
    if not points:
        raise DataError("No two consecutive frames show a face, so flicker cannot be measured. Give other pictures.")
    means = {name: float(np.mean(values)) for name, values in effects.items()}
    return Flicker(float(np.mean(points)), float(np.mean(parts)), means, len(points))


def _largest(picture: Picture, tracked: Tracked) -> Subject | None:
    """The largest face as effects on photos take it."""
    if not tracked.largest:
        return None
    largest = tracked.largest[0]
    return largest.subject(picture) if isinstance(largest, LiveFace) else largest


def _moved_points(first: Subject, second: Subject, onward: Matrix) -> float:
    """Mean distance of the points from those of the frame before moved by the true motion, in % of the eye distance."""
    apart = np.linalg.norm(map_points(onward, first.landmarks.points) - second.landmarks.points, axis=1).mean()
    return 100 * float(apart) / second.face.eye_distance_px


def _changed_parts(first: Subject, second: Subject, onward: Matrix, shape: tuple[int, ...]) -> float:
    """Percent of the face's pixels whose part differs from the frame before, warped by the true motion."""
    size = (shape[1], shape[0])
    before, now = (_whole(subject, shape) for subject in (first, second))
    seen = cv2.warpAffine(np.full(shape[:2], 255, np.uint8), onward, size, flags=cv2.INTER_NEAREST) > 0
    window = np.zeros(shape[:2], dtype=bool)
    window[second.window] = True
    moved = cv2.warpAffine(before, onward, size, flags=cv2.INTER_NEAREST)
    face = ((moved > 0) | (now > 0)) & seen & window
    return 100 * float((moved != now)[face].mean()) if face.any() else 0.0


def _change(picture: Picture, edited: Picture) -> np.ndarray:
    """The blurred change that an edit made to a frame (H, W, 3)."""
    return cv2.GaussianBlur(edited.astype(np.float32) - picture, (0, 0), _SEEN_PX)


def _changed_effect(before: np.ndarray, now: np.ndarray, onward: Matrix) -> float:
    """Percent of an edit's change that differs from that of the frame before, warped by the true motion."""
    size = (now.shape[1], now.shape[0])
    moved = cv2.warpAffine(before, onward, size, flags=cv2.INTER_LINEAR)
    seen = cv2.warpAffine(np.ones(before.shape[:2], np.float32), onward, size, flags=cv2.INTER_LINEAR) > 0.999
    total = float(np.abs(now[seen]).sum() + np.abs(moved[seen]).sum()) / 2
    return 100 * float(np.abs(now - moved)[seen].sum()) / total if total > 0 else 0.0


def _whole(subject: Subject, shape: tuple[int, ...]) -> np.ndarray:
    whole = np.zeros(shape[:2], dtype=np.uint8)
    whole[subject.window] = subject.parts.mask
    return whole


def _after(second: Matrix, first: Matrix) -> Matrix:
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])
