"""Clips of a still face that moves as faces do, warped along its mesh, and how far edits flicker and swim on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.errors import DataError
from lianpu.faces.mesh import REGIONS
from lianpu.faces.results import Mesh
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture
from lianpu.transforms.surface import SURFACE, Coordinates, ThinPlate
from lianpu.video.job.frame_pipeline import FramePipeline

_GRID = 64
"""Knots a side at which the smooth maps are made; they are interpolated in between."""

_EYE_CORNERS = (33, 263)
_UPPER_LIDS = ((246, 161, 160, 159, 158, 157, 173), (466, 388, 387, 386, 385, 384, 398))
_LOWER_LIDS = ((7, 163, 144, 145, 153, 154, 155), (249, 390, 373, 374, 380, 381, 382))
"""Points of both upper lids, and those of the lower ones below them."""

_LIP_MIDDLES = (13, 14)
_SMOOTHING = 1e-3

_SEEN_PX = 2.0
"""Blur (standard deviation) of an edit's change before comparison: amplified grain is not flicker."""


@dataclass(frozen=True, eq=False)
class MovedFrame:
    """A frame of a moved still.

    Args:
        picture: (H, W, 3).
        onward: (H, W, 2) float32, where each pixel (x, y) of the still lies in the frame.
    """

    picture: Picture
    onward: np.ndarray[Any, np.dtype[np.float32]]


def _mouth(points: Coordinates, at: float, unit: float) -> Coordinates:
    """The mouth opens by a fifth of the eye distance: what lies below the lips' middle goes down, the upper lip a little up."""
    middle = points[list(_LIP_MIDDLES), 1].mean()
    below = smoothstep(points[:, 1], middle - 0.02 * unit, middle + 0.1 * unit)
    lip = np.isin(np.arange(len(points)), REGIONS["upper_lip"])
    return np.column_stack([np.zeros(len(points)), 0.2 * unit * at * below - 0.03 * unit * at * lip])


def _turn(points: Coordinates, at: float, unit: float) -> Coordinates:
    """The head turns by 12 degrees: what is nearer to us than the outline of the face goes to the side, the outline stays."""
    ahead = points[list(REGIONS["face_oval"]), 2].mean() - points[:, 2]
    return np.column_stack([np.sin(np.radians(12.0) * at) * np.maximum(ahead, 0.0), np.zeros(len(points))])


def _blink(points: Coordinates, at: float, unit: float) -> Coordinates:
    """Both upper lids come down to the lower ones."""
    moved = np.zeros((len(points), 2))
    for upper, lower in zip(_UPPER_LIDS, _LOWER_LIDS, strict=True):
        moved[list(upper)] = 0.9 * abs(at) * (points[list(lower), :2] - points[list(upper), :2])
    return moved


def _still(points: Coordinates, at: float, unit: float) -> Coordinates:
    return np.zeros((len(points), 2))


MOTIONS: Mapping[str, Callable[[Coordinates, float, float], Coordinates]] = {
    "mouth": _mouth,
    "turn": _turn,
    "blink": _blink,
    "zoom": _still,
    "light": _still,
}
"""How points (K, 3) move, by the phase (-1 to 1) and the eye distance; `zoom` comes nearer by 12 %, `light` changes the side light by 25 %."""


def moving_face(photo: Picture, mesh: Mesh, motion: str, frames: int, noise: float = 1.0, seed: int = 0) -> Iterator[MovedFrame]:
    """The photo (H, W, 3) with its face in one full motion there and back, in so many frames.

    Args:
        photo: with the face of `mesh`.
        mesh: in pixels of the photo.
        motion: one of `MOTIONS`.
        frames: of one motion.
        noise: standard deviation of the sensor noise, of 255.
        seed: of the noise.
    """
    height, width = photo.shape[:2]
    points = mesh.points[:SURFACE].astype(np.float64)
    unit = float(np.linalg.norm(points[_EYE_CORNERS[0], :2] - points[_EYE_CORNERS[1], :2]))
    border = _border(width, height)
    chance = np.random.default_rng(seed)
    for number in range(frames):
        at = float(np.sin(2 * np.pi * number / frames)) if motion == "turn" else float(np.sin(np.pi * number / frames) ** 2)
        flat, moved = points[:, :2], points[:, :2] + MOTIONS[motion](points, at, unit)
        ends = border
        if motion == "zoom":
            middle, grown = flat.mean(axis=0), 1.0 + 0.12 * at
            moved, ends = middle + grown * (flat - middle), middle + grown * (border - middle)
        still, there = np.vstack([flat, border]), np.vstack([moved, ends])
        onward, back = _map(still, there, photo.shape), _map(there, still, photo.shape)
        picture = cv2.remap(photo, back[..., 0], back[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE).astype(
            np.float32
        )
        if motion == "light":
            picture *= (1.0 + 0.25 * at * np.linspace(-1, 1, width, dtype=np.float32))[None, :, None]
        picture += chance.normal(0.0, noise, picture.shape)
        yield MovedFrame(np.asarray(np.clip(np.rint(picture), 0, 255), dtype=np.uint8), onward)


def _border(width: int, height: int) -> Coordinates:
    """Points (24, 2) around the picture, which hold it still."""
    x, y = np.linspace(0, width - 1, 7), np.linspace(0, height - 1, 7)
    top = np.column_stack([x, np.zeros(7)])
    left = np.column_stack([np.zeros(5), y[1:-1]])
    return np.vstack([top, np.add(top, (0, height - 1)), left, np.add(left, (width - 1, 0))])


def _map(start: Coordinates, end: Coordinates, shape: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """(H, W, 2): where each pixel goes when points `start` (K, 2) go to `end`, smooth in between."""
    height, width = shape[:2]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    here = np.dstack([x, y])
    if np.abs(end - start).max() < 1e-6:
        return here
    step = (np.array([width, height]) / _GRID, (np.arange(_GRID) + 0.5))
    knots = np.stack(np.meshgrid(step[1] * step[0][0] - 0.5, step[1] * step[0][1] - 0.5), axis=-1).reshape(-1, 2)
    spline = ThinPlate(start, end - start, _SMOOTHING)
    moved = spline(knots).reshape(_GRID, _GRID, 2).astype(np.float32)
    return here + enlarge(moved, (width, height))


@dataclass(frozen=True)
class MotionFigures:
    """What an edit does on a moving face, brought back onto the still, in per cent of what it does; means over frames.

    Args:
        flicker: change from one frame to the next.
        swim: distance from its mean over the clip.
        frames: how many frames had a face.
    """

    flicker: float
    swim: float
    frames: int


def motion_figures(clip: Sequence[MovedFrame], pipeline: FramePipeline, rate: float = 24.0) -> MotionFigures:
    """How an edit behaves over a clip, as the pipeline tracks and renders it.

    Raises:
        DataError: fewer than two frames were edited, or nothing changed in them.
    """
    state, changes = pipeline.begin(), []
    inside = np.ones(clip[0].picture.shape[:2], dtype=bool)
    for number, frame in enumerate(clip):
        state, tracked = pipeline.track(state, frame.picture, number, number / rate)
        done = pipeline.render(frame.picture, tracked)
        if done.edited:
            x, y = frame.onward[..., 0], frame.onward[..., 1]
            inside &= (x >= 0) & (y >= 0) & (x <= inside.shape[1] - 1) & (y <= inside.shape[0] - 1)
            change = cv2.GaussianBlur(done.picture.astype(np.float32) - frame.picture, (0, 0), _SEEN_PX)
            changes.append(cv2.remap(change, x, y, cv2.INTER_LINEAR).astype(np.float16))
    stacked = np.stack([one[inside] for one in changes]).astype(np.float32) if changes else np.zeros((0, 1), np.float32)
    size = float(np.abs(stacked).mean()) if len(stacked) else 0.0
    if len(stacked) < 2 or size == 0:
        raise DataError("The edit changed nothing in the clip, so it cannot flicker. Give another photo or effect.")
    flicker = float(np.abs(np.diff(stacked, axis=0)).mean())
    return MotionFigures(100 * flicker / size, 100 * float(np.abs(stacked - stacked.mean(axis=0)).mean()) / size, len(stacked))
