"""Flicker: how much changes between frames once motion is taken out. Measured on clips whose motion is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.subject import Subject
from lianpu.image import Picture
from lianpu.perception.alignment import Matrix, inverse, map_points
from lianpu.video.clips import MadeFrame

_SEEN_PX = 2.0
"""What an effect does is blurred by this much (standard deviation) before it is compared: grain that it makes stronger is no flicker."""


@dataclass(frozen=True)
class Flicker:
    """How much a face changes from one frame to the next, motion taken out; means over the frames.

    Args:
        points: how far its 68 points move, in hundredths of the distance of the eyes.
        parts: the share of its pixels (all but background) that change their part, in percent.
        effect: how much what an effect does to the picture changes, in percent of how much it does.
        frames: how many pairs of frames count.
    """

    points: float
    parts: float
    effect: float
    frames: int


def flicker(frames: Sequence[MadeFrame], subjects: Sequence[Subject | None], edited: Sequence[Picture] | None = None) -> Flicker:
    """The flicker of a followed face over frames of a made clip.

    Args:
        frames: of `clips.pan_over`.
        subjects: the face in each; pairs of frames in which it is missing do not count.
        edited: the frames with an effect on that face; None measures no effect (0).

    Raises:
        ValueError: there is no pair of frames of one photo with the face.
    """
    points, parts, effect = [], [], []
    for index in range(1, len(frames)):
        one, two = frames[index - 1], frames[index]
        first, second = subjects[index - 1], subjects[index]
        if first is None or second is None or one.photo != two.photo:
            continue
        onward = _after(two.matrix, inverse(one.matrix))
        apart = np.linalg.norm(map_points(onward, first.landmarks.points) - second.landmarks.points, axis=1).mean()
        points.append(100 * float(apart) / second.face.eye_distance_px)
        parts.append(_changed_parts(first, second, onward, two.picture.shape))
        if edited is not None:
            effect.append(_changed_effect(one, two, edited[index - 1], edited[index], onward))
    if not points:
        raise ValueError("no two frames in a row show the face")
    return Flicker(float(np.mean(points)), float(np.mean(parts)), float(np.mean(effect)) if effect else 0.0, len(points))


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


def _changed_effect(one: MadeFrame, two: MadeFrame, first: Picture, second: Picture, onward: Matrix) -> float:
    """Percent of what an effect does that differs from what it did in the frame before, moved along."""
    size = (two.picture.shape[1], two.picture.shape[0])
    before = cv2.GaussianBlur(first.astype(np.float32) - one.picture, (0, 0), _SEEN_PX)
    now = cv2.GaussianBlur(second.astype(np.float32) - two.picture, (0, 0), _SEEN_PX)
    moved = cv2.warpAffine(before, onward, size, flags=cv2.INTER_LINEAR)
    total = float(np.abs(now).sum() + np.abs(moved).sum()) / 2
    return 100 * float(np.abs(now - moved).sum()) / total if total > 0 else 0.0


def _whole(subject: Subject, shape: tuple[int, ...]) -> np.ndarray:
    whole = np.zeros(shape[:2], dtype=np.uint8)
    whole[subject.window] = subject.parts.mask
    return whole


def _after(second: Matrix, first: Matrix) -> Matrix:
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])
