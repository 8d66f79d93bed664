"""Flicker: how much changes between frames once motion is taken out. Measured on clips whose motion is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.camera.moving_picture import MadeFrame
from lianpu.errors import DataError
from lianpu.faces.analyzer import FaceAnalyzer
from lianpu.faces.subject import Subject
from lianpu.imaging.geometry import Matrix, inverse, map_points
from lianpu.imaging.picture import Picture
from lianpu.video.tracking.tracker import Following, FollowSettings, follow

_SEEN_PX = 2.0
"""What an effect does is blurred by this much (standard deviation) before it is compared: grain that it makes stronger is no flicker."""


@dataclass(frozen=True)
class Flicker:
    """How much a face changes from one frame to the next, motion taken out; means over the frames.

    Args:
        points: how far its 68 points move, in hundredths of the distance of the eyes.
        parts: the share of its pixels (all but background) that change their part, in percent.
        effects: how much what each contender does to the picture changes, in percent of how much it does.
        frames: how many pairs of frames count.
    """

    points: float
    parts: float
    effects: Mapping[str, float]
    frames: int


Contender = Callable[[Picture, Sequence[Subject]], Picture]
"""What is done to a frame and its faces."""


def clip_flicker(
    frames: Sequence[MadeFrame],
    analyzer: FaceAnalyzer,
    settings: FollowSettings,
    contenders: Mapping[str, Contender],
    rate: float = 24.0,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Flicker:
    """The flicker of the largest face of a made clip, as it is followed, and of what each contender does to it.

    Args:
        frames: of `clips.pan_over`, in order; pairs of frames in which the face is missing do not count.
        analyzer: what sees faces.
        settings: how faces are followed.
        contenders: by name.
        rate: frames a second.
        on_progress: called with (frames done, frames).

    Raises:
        DataError: there are no two frames in a row of one photo with the face.
    """
    points, parts = [], []
    effects: dict[str, list[float]] = {name: [] for name in contenders}
    known, before = Following(), None
    for number, frame in enumerate(frames):
        known, sight = follow(known, frame.picture, number, number / rate, analyzer, settings)
        subject = sight.largest[0] if sight.largest else None
        done = {name: _done(frame.picture, apply(frame.picture, sight.largest)) for name, apply in contenders.items() if subject}
        if before is not None and before[1] is not None and subject is not None and before[0].photo == frame.photo:
            onward = _after(frame.matrix, inverse(before[0].matrix))
            points.append(_moved_points(before[1], subject, onward))
            parts.append(_changed_parts(before[1], subject, onward, frame.picture.shape))
            for name, now in done.items():
                effects[name].append(_changed_effect(before[2][name], now, onward))
        before = (frame, subject, done)
        on_progress(number + 1, len(frames))
    if not points:
        raise DataError("No two frames in a row show a face, so that no flicker can be measured. Take other pictures.")
    means = {name: float(np.mean(values)) for name, values in effects.items()}
    return Flicker(float(np.mean(points)), float(np.mean(parts)), means, len(points))


def _moved_points(first: Subject, second: Subject, onward: Matrix) -> float:
    """How far the points are from where the true motion takes those of the frame before, in hundredths of the distance of the eyes."""
    apart = np.linalg.norm(map_points(onward, first.landmarks.points) - second.landmarks.points, axis=1).mean()
    return 100 * float(apart) / second.face.eye_distance_px


def _changed_parts(first: Subject, second: Subject, onward: Matrix, shape: tuple[int, ...]) -> float:
    """Percent of the face's pixels that are of another part than in the frame before, moved along."""
    size = (shape[1], shape[0])
    before, now = (_whole(subject, shape) for subject in (first, second))
    seen = cv2.warpAffine(np.full(shape[:2], 255, np.uint8), onward, size, flags=cv2.INTER_NEAREST) > 0
    window = np.zeros(shape[:2], dtype=bool)
    window[second.window] = True
    moved = cv2.warpAffine(before, onward, size, flags=cv2.INTER_NEAREST)
    face = ((moved > 0) | (now > 0)) & seen & window
    return 100 * float((moved != now)[face].mean()) if face.any() else 0.0


def _done(picture: Picture, edited: Picture) -> np.ndarray:
    """What was done to a frame (H, W, 3), without what is too fine to be seen as flicker."""
    return cv2.GaussianBlur(edited.astype(np.float32) - picture, (0, 0), _SEEN_PX)


def _changed_effect(before: np.ndarray, now: np.ndarray, onward: Matrix) -> float:
    """Percent of what was done to a frame that differs from what was done to the frame before, moved along."""
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
