"""Synthetic clips: a camera that pans, zooms and rotates over photos, so that the true motion is known."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lianpu.imaging.geometry import Matrix, warp
from lianpu.imaging.picture import Picture


@dataclass(frozen=True, eq=False)
class MadeFrame:
    """A frame of a synthetic clip.

    Args:
        picture: (H, W, 3).
        photo: the number of the photo that it shows.
        matrix: (2, 3), maps points of that photo to the frame.
    """

    picture: Picture
    photo: int
    matrix: Matrix


def pan_over(
    photos: Sequence[Picture],
    frames_each: int,
    size_px: tuple[int, int],
    noise: float = 2.0,
    seed: int = 0,
    way_frames: int | None = None,
) -> Iterator[MadeFrame]:
    """Frames of a camera that moves over one photo after the other, with a cut between.

    Args:
        photos: (H, W, 3) each.
        frames_each: number of frames of each photo.
        size_px: width and height of the frames.
        noise: standard deviation of the sensor noise, of 255.
        seed: of the noise.
        way_frames: frames of the camera's whole path over a photo; None for `frames_each`.
    """
    way = frames_each if way_frames is None else way_frames
    random = np.random.default_rng(seed)
    width, height = size_px
    for number, photo in enumerate(photos):
        for index in range(frames_each):
            matrix = camera_matrix(photo, index / max(1, way - 1), width, height, number)
            picture = warp(photo, matrix, size_px)
            if noise > 0:
                picture = np.clip(np.rint(picture + random.normal(0.0, noise, picture.shape)), 0, 255).astype(np.uint8)
            yield MadeFrame(picture, number, matrix)


def camera_matrix(photo: Picture, at: float, width: int, height: int, number: int = 0) -> Matrix:
    """The matrix (2, 3) that maps points of a photo to a frame of a camera that moves in an arc, zooms in and rotates slightly.

    Args:
        photo: (H, W, 3).
        at: position on the camera's path, 0 to 1.
        width: of the frame.
        height: likewise.
        number: of the photo; shifts the path.
    """
    high, wide = photo.shape[:2]
    fit = max(width / wide, height / high)
    scale = fit * (1.12 + 0.18 * at)
    angle = math.radians(3.0) * math.sin(2 * math.pi * (at + 0.2 * number))
    room_x, room_y = wide - width / scale, high - height / scale
    x = wide / 2 + 0.4 * room_x * math.sin(2 * math.pi * at)
    y = high / 2 + 0.4 * room_y * math.cos(math.pi * (at + number))
    turn = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.column_stack([turn, np.array([width / 2, height / 2]) - turn @ (x, y)])
