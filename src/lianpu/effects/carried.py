"""What effects remember of a tracked face from frame to frame: maps that lie still on the face, and move towards each new finding slowly.

What a video shows is decided over time: a limit that is crossed in one frame and not in the next would flicker. And what changes slowly on
a face (its spots, how its hair meets the ground) need not be computed in every frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.effects.live import to_view
from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.live import LiveFace, around_matrix
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import (
    Matrix,
    Window,
    compose,
    enlarge,
    inverse,
    map_points,
    quick_shrink,
    scale_between,
    scaling,
    similarity,
    warp_values,
)
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture

_CROP = TEMPLATES["celebamask-hq"]

_STIFF = slice(17, 48)
"""Of the 68 points those that a talking mouth does not move: brows, nose and eyes."""

_STILL_PX = 0.6
"""Maps are bent with the face once a point has gone this far, in pixels of the map."""

_GRID, _REACH = 9, 0.12
"""Knots a side of the bent map, and how far a point bends what is around it, as a share of the side (standard deviation)."""

_SEEN_PX = 64
"""Side of the copy of a face's picture in which it is seen whether a place has become another one."""

_DRIFTED = 0.06
"""A face that has turned so far, as a share of the map's side (mean of the points), is described anew."""


@dataclass(frozen=True, eq=False)
class Anchor:
    """Pixels that lie still on a face: its upright crop in the frame in which it was described first.

    Args:
        points: (68, 2), where its points were in that crop.
        side_px: side of the crop.
    """

    points: np.ndarray
    side_px: int

    @classmethod
    def of(cls, five: np.ndarray, points: np.ndarray, side_px: int, *, wide: bool = False) -> Anchor:
        """The anchor of a face with five points (5, 2) and 68 points (68, 2) in pixels of its frame; `wide`: with the hair around its crop."""
        matrix = alignment_matrix(five, _CROP, side_px)
        matrix = around_matrix(matrix, side_px, side_px) if wide else matrix
        return cls(map_points(matrix, points).astype(np.float64), side_px)

    def from_frame(self, points: np.ndarray) -> Matrix:
        """The matrix (2, 3) from a frame in which the face's 68 points are `points` to the anchor's pixels, as if the face were stiff."""
        return similarity(np.asarray(points, dtype=np.float64)[_STIFF], self.points[_STIFF])

    def is_near(self, points: np.ndarray) -> bool:
        """Whether the face of a frame still has about this shape."""
        apart = map_points(self.from_frame(points), points) - self.points
        return float(np.linalg.norm(apart, axis=1).mean()) < _DRIFTED * self.side_px

    def over_view(self, values: Field, points: np.ndarray, view: View, *, bent: bool = False) -> Field:
        """A map (s, s) or (s, s, C) of the anchor over a view (h, w) of a frame; 0 outside. `bent`: along with the face's points."""
        matrix = compose(to_view(view), inverse(self.from_frame(points)))
        seen = map_points(matrix, self.points)
        return _pulled(values, matrix, seen, view.to_view(points), view.shape[::-1], bent)

    def from_view(self, values: Field, points: np.ndarray, view: View, *, bent: bool = False) -> Field:
        """What covers a view, (h, w) or (h, w, C), as a map of the anchor: the way back of `over_view`; the border goes on outside."""
        matrix = compose(self.from_frame(points), inverse(to_view(view)))
        seen = map_points(matrix, view.to_view(points))
        return _pulled(values, matrix, seen, self.points, (self.side_px, self.side_px), bent, outside=None)

    def seen_in(self, view: View, points: np.ndarray) -> Field:
        """A small copy (m, m, 3) of the anchor's picture, of a view of a frame in which the face's 68 points are `points`."""
        picture = quick_shrink(view.picture, 2 * _SEEN_PX)
        to_small = compose(scaling(scale_between(view.picture, picture)), to_view(view))
        matrix = compose(scaling(_SEEN_PX / self.side_px), compose(self.from_frame(points), inverse(to_small)))
        return np.asarray(warp_values(picture, matrix, (_SEEN_PX, _SEEN_PX)), dtype=np.float32)


def _pulled(
    values: Field,
    matrix: Matrix,
    seen: np.ndarray,
    wanted: np.ndarray,
    size_px: tuple[int, int],
    bent: bool,
    outside: float | None = 0.0,
) -> Field:
    """Values warped by a matrix and, where points that come to `seen` are `wanted` elsewhere, bent along."""
    planes = values.reshape(*values.shape[:2], -1)
    parts = [planes[:, :, first : first + 4] for first in range(0, planes.shape[2], 4)]
    offset = seen - wanted
    if not bent or float(np.abs(offset).max()) < _STILL_PX:
        moved = [warp_values(part, matrix, size_px, outside) for part in parts]
    else:
        width, height = size_px
        across, down = ((np.arange(_GRID) + 0.5) * length / _GRID - 0.5 for length in size_px)
        weights = np.exp(-(((down[:, None] - wanted[:, 1]) / (_REACH * height)) ** 2) / 2)[:, None, :]
        weights = weights * np.exp(-(((across[:, None] - wanted[:, 0]) / (_REACH * width)) ** 2) / 2)[None]
        knots = weights @ offset / (weights.sum(axis=2, keepdims=True) + 0.3)
        x, y = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)[:, None]
        from_x, from_y = (
            enlarge((knots @ row[:2]).astype(np.float32), size_px)
            + np.float32(row[0]) * x
            + (row[1] * y + row[2]).astype(np.float32)
            for row in inverse(matrix)
        )
        border = cv2.BORDER_REPLICATE if outside is None else cv2.BORDER_CONSTANT
        moved = [
            cv2.remap(np.ascontiguousarray(part), from_x, from_y, cv2.INTER_LINEAR, borderMode=border, borderValue=0)
            for part in parts
        ]
    whole = [part.reshape(size_px[1], size_px[0], -1) for part in moved]
    result = whole[0] if len(whole) == 1 else np.concatenate(whole, axis=2)
    return np.asarray(result.reshape(size_px[1], size_px[0], *values.shape[2:]), dtype=np.float32)


_OTHER = (0.05, 0.12)
"""Mean difference of colour (0 to 1) of a place from what was seen there last, from which on it is followed faster, and at once."""


@dataclass(frozen=True, eq=False)
class CarriedMaps:
    """Maps that lie still on a face, found in some frames and followed slowly in all.

    Args:
        anchor: their pixels.
        shown: (s, s, C), as they are followed.
        found: (s, s, C), as they were found last.
        seen: the picture then, as of `Anchor.seen_in`.
    """

    anchor: Anchor
    shown: Field
    found: Field
    seen: Field

    @classmethod
    def begin(cls, found: Field, points: np.ndarray, view: View, anchor: Anchor, *, bent: bool = False) -> CarriedMaps:
        """What a first view of the face shows; arguments as of `Anchor.from_view`."""
        maps = anchor.from_view(found, points, view, bent=bent)
        return cls(anchor, maps, maps, anchor.seen_in(view, points))

    def found_again(self, found: Field, points: np.ndarray, view: View, *, bent: bool = False) -> CarriedMaps:
        """With what another view of the face shows. Where the picture has become another one, it counts at once."""
        found, seen = self.anchor.from_view(found, points, view, bent=bent), self.anchor.seen_in(view, points)
        other = cv2.blur(cv2.absdiff(seen, self.seen), (3, 3)).mean(axis=2)
        changed = smoothstep(other, *_OTHER)
        shown = self.shown
        if changed.any():
            shown = shown + enlarge(changed, found.shape[1::-1])[:, :, None] * (found - shown)
        return CarriedMaps(self.anchor, np.asarray(shown, dtype=np.float32), found, seen)

    def followed(self, rate: float) -> CarriedMaps:
        """With `shown` moved by `rate`, 0 to 1, towards what was found."""
        if self.shown is self.found:
            return self
        flat = (self.shown.reshape(len(self.shown), -1), self.found.reshape(len(self.found), -1))
        moved = cv2.addWeighted(flat[0], 1 - rate, flat[1], rate, 0.0)
        return replace(self, shown=np.asarray(moved, dtype=np.float32).reshape(self.shown.shape))

    def anchored_anew(self, five: np.ndarray, points: np.ndarray, *, wide: bool = False) -> CarriedMaps:
        """In the pixels of the face as it is now, after it has turned. Arguments as of `Anchor.of`."""
        anchor = Anchor.of(five, points, self.anchor.side_px, wide=wide)
        onward = compose(anchor.from_frame(points), inverse(self.anchor.from_frame(points)))
        small = scaling(_SEEN_PX / anchor.side_px)
        seen = moved_by(self.seen, compose(small, compose(onward, inverse(small))))
        return CarriedMaps(anchor, moved_by(self.shown, onward), moved_by(self.found, onward), seen)


_FOUND_EVERY, _FOUND_AT_REST, _AT_REST = 6, 12, 0.1
"""What is kept of live faces is found anew in every frame of so many, and of so many while they change (`LiveFace.changing`) no more than
the last."""


def is_found_anew(face: LiveFace, turn: int) -> bool:
    """Whether something that is kept of a live face is found anew in the frame of that turn (`hair_matte.carry_hair`)."""
    return turn % (_FOUND_AT_REST if face.changing < _AT_REST else _FOUND_EVERY) == 0


def quick_view(photo: Picture, window: Window, longest_px: int) -> View:
    """`view_of` in a quarter of the time, by halvings and a bilinear rest."""
    part = quick_shrink(photo[window], longest_px)
    return View(window, np.multiply(part, np.float32(1 / 255), dtype=np.float32))


def moved_by(values: Field, matrix: Matrix) -> Field:
    """A map (s, s, C) moved by a matrix (2, 3) into another one of the same size."""
    side = len(values)
    parts = [warp_values(values[:, :, first : first + 4], matrix, (side, side)) for first in range(0, values.shape[2], 4)]
    return np.concatenate([part.reshape(side, side, -1) for part in parts], axis=2)


def rate_of(seconds: float, time_constant_s: float) -> float:
    """How far an average moves towards what is new, 0 to 1, in so many seconds."""
    return 1 - math.exp(-seconds / time_constant_s)
