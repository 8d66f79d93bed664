"""Faces of a live frame: the mesh of this frame, and the parser's probabilities, which may be some frames old, aligned to it.

Effects have a live form that takes these (`effects/catalogue.Effect.live`); `LiveFace.subject` serves the effects without one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import cv2
import numpy as np

from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.mesh import mesh_parts, points_68
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, SexAge, Subject
from lianpu.imaging.color import percentiles
from lianpu.imaging.geometry import (
    Matrix,
    Window,
    compose,
    ends_of,
    inverse,
    map_points,
    scale_between,
    scale_box,
    scaled_size,
    scaling,
    warp_values,
    window_around,
)
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX, part_index

Share = np.ndarray[Any, np.dtype[np.uint8]]
"""Probability of a part at each pixel, (s, s) uint8: 255 is certain."""

PARSER = "live"
"""`FaceParts.parser` of parts that come from the shares of a live face."""

_CERTAIN = 255

_CROP = TEMPLATES["celebamask-hq"]

CROP_PX = _CROP.width
"""Side of the crop that `LiveFace.alignment` leads to."""

AROUND = 1.6
"""How many times as wide as a face's crop the crop is in which hair is looked for that leaves it: a head of hair is higher than the crop."""

_APART = 4.0
"""Faces farther apart than this, in their units, have no hair in common."""

_SEAM = 0.1
"""Width of the seam between the hair of two faces, in units."""

_EDGE = 0.045
"""Share of the crop's side, on each side, where what the wider crop shows of hair counts instead."""


@dataclass(frozen=True)
class HairColor:
    """The colour of a face's hair: what a new colour is computed from, averaged over time so that the new one does not flicker.

    Args:
        light: 5th, 50th and 95th percentile of L (CIE Lab).
        tone: mean a and b.
    """

    light: tuple[float, float, float]
    tone: tuple[float, float]

    def moved_to(self, new: HairColor, rate: float) -> HairColor:
        """This colour moved towards that of a new frame by `rate`, 0 to 1: 1 - exp(-seconds / time constant)."""
        light = tuple(old + rate * (now - old) for old, now in zip(self.light, new.light, strict=True))
        tone = tuple(old + rate * (now - old) for old, now in zip(self.tone, new.tone, strict=True))
        return HairColor((light[0], light[1], light[2]), (tone[0], tone[1]))


@dataclass(frozen=True, eq=False)
class LiveFace:
    """A face of a live frame with all that effects need.

    Args:
        face: its box and five points, of the mesh, in pixels of the frame.
        mesh: of this frame.
        shares: probabilities (s, s) uint8 of parts (`part_names.PARTS`) in the face's crop (`celebamask-hq`); a part that is missing is
            nowhere, and what remains to 255 is background. Empty without a parser: then parts come from the mesh, and there is no hair.
        matrix: (2, 3), from pixels of the frame to pixels of the shares.
        mouth_visible: 1 for a mouth that is seen, 0 for one behind a mask or a hand, smooth in between: make-up and teeth fade with it.
        hair: the hair's colour averaged over the frames so far (`hair_color_of`, `HairColor.moved_to`); None takes that of this frame.
        around: probability of hair (s, s) uint8 in a crop `AROUND` times as wide about the same centre (`around_matrix`); None where the
            hair is not known beyond the crop: there it fades back to its own colour.
        others: middle (x, y) and unit (`Face.unit_px`) of the frame's other faces: hair that is nearer to them, in units, is theirs.
        looks: how male and how old it looks, averaged over the frames so far; None reads it in every frame anew.
        carried: what effects remember of it from the frames before, by their names (`Subject.carried`).
        changing: how much it has turned or been lit otherwise lately, 0 to 1: of a face at rest less needs to be found anew.

    Raises:
        ValueError: a share is of another type or shape than the others, or `mouth_visible` is not from 0 to 1.
    """

    face: Face
    mesh: Mesh
    shares: Mapping[str, Share]
    matrix: Matrix
    mouth_visible: float = 1.0
    hair: HairColor | None = None
    around: Share | None = None
    others: tuple[tuple[float, float, float], ...] = ()
    looks: SexAge | None = None
    carried: Mapping[str, object] = field(default_factory=dict)
    changing: float = 1.0

    def __post_init__(self) -> None:
        for name, share in self.shares.items():
            part_index(name)
            if share.dtype != np.uint8 or share.shape != (self.side_px, self.side_px):
                raise ValueError(
                    f"shares are uint8 ({self.side_px}, {self.side_px}) as the first one, {name} is {share.dtype} {share.shape}"
                )
        if self.around is not None and (self.around.dtype != np.uint8 or self.around.ndim != 2):
            raise ValueError(f"the hair around is uint8 (s, s), got {self.around.dtype} {self.around.shape}")
        if not 0.0 <= self.mouth_visible <= 1.0:
            raise ValueError(f"mouth_visible is from 0 to 1, got {self.mouth_visible}")

    @cached_property
    def side_px(self) -> int:
        """Side of the shares; 1 without any."""
        return next((share.shape[0] for share in self.shares.values()), 1)

    @cached_property
    def alignment(self) -> Matrix:
        """The matrix (2, 3) from the frame to the face's crop of 512 pixels (`celebamask-hq`): that of the shares, where there are any."""
        if self.shares:
            return compose(scaling(_CROP.width / self.side_px), self.matrix)
        return alignment_matrix(self.face.points, _CROP, _CROP.width)

    @cached_property
    def _from_shares(self) -> Matrix:
        return inverse(self.matrix)

    def share_over(self, names: tuple[str, ...], to: Matrix, size_px: tuple[int, int]) -> Share:
        """The probability of some parts together (height, width) uint8, as a matrix (2, 3) from the frame to `size_px` = (width, height)
        shows it; 0 outside of the crop, and everywhere without any of the parts."""
        found = [self.shares[name] for name in names if name in self.shares]
        if not found:
            return np.zeros(size_px[::-1], dtype=np.uint8)
        total = found[0]
        for share in found[1:]:
            total = np.asarray(cv2.add(total, share), dtype=np.uint8)
        return np.asarray(warp_values(total, compose(to, self._from_shares), size_px, outside=0), dtype=np.uint8)

    def hair_over(self, to: Matrix, size_px: tuple[int, int]) -> Share:
        """The probability of hair like `share_over`, beyond the crop that of the wider one, without the hair of other faces."""
        near = self.share_over(("hair",), to, size_px)
        if self.around is not None:
            near = self._with_around(near, to, size_px)
        own = self._nearer_to_own(to, size_px)
        return near if own is None else np.asarray(cv2.multiply(near, own, scale=1 / _CERTAIN), dtype=np.uint8)

    def _with_around(self, near: Share, to: Matrix, size_px: tuple[int, int]) -> Share:
        assert self.around is not None
        known = warp_values(_inside(self.side_px), compose(to, self._from_shares), size_px, outside=0)
        wide = around_matrix(self.matrix, self.side_px, self.around.shape[0])
        far = warp_values(self.around, compose(to, inverse(wide)), size_px, outside=0)
        return np.asarray(
            cv2.add(cv2.multiply(near, known, scale=1 / _CERTAIN), cv2.multiply(far, cv2.bitwise_not(known), scale=1 / _CERTAIN)),
            dtype=np.uint8,
        )

    def _nearer_to_own(self, to: Matrix, size_px: tuple[int, int]) -> Share | None:
        """(height, width): 255 where this face is the nearest, falling to 0 across the line from which on another is; None if it is alone."""
        middle, unit = self.face.points.mean(axis=0), self.face.unit_px
        near = [one for one in self.others if np.hypot(one[0] - middle[0], one[1] - middle[1]) < _APART * (unit + one[2])]
        if not near:
            return None
        back = inverse(to)
        x = back[0, 0] * np.arange(size_px[0], dtype=np.float32)[None] + back[0, 2]
        y = back[1, 1] * np.arange(size_px[1], dtype=np.float32)[:, None] + back[1, 2]
        own = np.hypot(x - middle[0], y - middle[1]) / unit
        theirs = np.min([np.hypot(x - left, y - top) / size for left, top, size in near], axis=0)
        return np.rint(_CERTAIN * np.clip((theirs - own) / _SEAM + 0.5, 0, 1)).astype(np.uint8)

    def hair_window(self, frame: Picture, margin_px: float) -> Window | None:
        """Rows and columns of the frame around hair and face, with a margin; None without hair in the frame."""
        found = []
        wide = None if self.around is None else around_matrix(self.matrix, self.side_px, self.around.shape[0])
        for share, matrix in ((self.shares.get("hair"), self.matrix), (self.around, wide)):
            if share is None or matrix is None:
                continue
            left, top, width, height = cv2.boundingRect(cv2.threshold(share, _CERTAIN // 16, 1, cv2.THRESH_BINARY)[1])
            if width:
                right, bottom = left + width, top + height
                corners = np.array([(left, top), (right, top), (left, bottom), (right, bottom)]) - 0.5
                found.append(map_points(inverse(matrix), corners))
        if not found:
            return None
        return window_around(frame, np.concatenate([*found, self.face.points]), margin_px)

    def window(self, frame: Picture) -> Window:
        """Rows and columns of the frame that the face's crop covers; at least one pixel, at the frame's border for a face outside."""
        far = _CROP.width - 0.5
        (left, top), (right, bottom) = ends_of(
            map_points(inverse(self.alignment), np.array([(-0.5, -0.5), (far, -0.5), (-0.5, far), (far, far)]))
        )
        high, wide = frame.shape[:2]
        left, top = (min(max(math.floor(value), 0), limit - 1) for value, limit in ((left, wide), (top, high)))
        right, bottom = min(max(math.ceil(right) + 1, left + 1), wide), min(max(math.ceil(bottom) + 1, top + 1), high)
        return slice(top, bottom), slice(left, right)

    def subject(self, frame: Picture) -> Subject:
        """The face as effects on photos take it, its parts the most probable ones."""
        return self.subject_in(np.eye(2, 3), self.window(frame))

    def subject_in(self, to: Matrix, window: Window) -> Subject:
        """The face as effects on photos take it, in another picture.

        Args:
            to: (2, 3), from pixels of the frame to those of the picture: scales and a shift, no turn.
            window: rows and columns of that picture that the parts cover.
        """
        across, down = float(to[0, 0]), float(to[1, 1])
        shift = to[:, 2] - ((across - 1) / 2, (down - 1) / 2)  # what `scale_points` has not done
        left, top, right, bottom = scale_box(self.face.box_xyxy, (across, down))
        box = (left + shift[0], top + shift[1], right + shift[0], bottom + shift[1])
        face = Face(box, self.face.score, map_points(to, self.face.points), self.face.detector, self.face.turned)
        deep = self.mesh.points[:, 2:] * np.float32((across + down) / 2)
        mesh = Mesh(np.concatenate([map_points(to, self.mesh.points[:, :2]), deep], axis=1), self.mesh.presence)
        parts = self._parts(to, window) if self.shares else mesh_parts(mesh, window)
        return Subject(face, Landmarks(points_68(mesh), "dlib-68"), window, parts, mesh=mesh, looks=self.looks)

    def _parts(self, to: Matrix, window: Window) -> FaceParts:
        rows, columns = window
        size = (columns.stop - columns.start, rows.stop - rows.start)
        moved = to - np.array([[0, 0, columns.start], [0, 0, rows.start]])
        known = {name: share for name, share in self.shares.items() if name != "background"}
        rest = np.full((self.side_px, self.side_px), _CERTAIN, dtype=np.uint8)
        for share in known.values():
            rest = np.asarray(cv2.subtract(rest, share), dtype=np.uint8)
        matrix = compose(moved, self._from_shares)
        largest = np.asarray(warp_values(rest, matrix, size, outside=0), dtype=np.uint8)
        mask = np.zeros(size[::-1], dtype=np.uint8)
        for name, share in known.items():
            if share.any():
                here = warp_values(share, matrix, size, outside=0)
                mask[here > largest] = PART_INDEX[name]
                largest = np.maximum(largest, here)
        return FaceParts(mask, PARSER)


def around_matrix(matrix: Matrix, side_px: int, around_px: int) -> Matrix:
    """The matrix (2, 3) from pixels of the frame to a crop of `around_px` that is `AROUND` times as wide as one of `side_px`."""
    shrink = around_px / (side_px * AROUND)
    middle, new_middle = (side_px - 1) / 2, (around_px - 1) / 2
    return compose(np.array([[shrink, 0, new_middle - shrink * middle], [0, shrink, new_middle - shrink * middle]]), matrix)


@lru_cache(maxsize=8)
def _inside(side_px: int) -> Share:
    """(s, s): 255 inside the crop, falling to 0 at its border."""
    edge = max(1, round(_EDGE * side_px))
    mask = np.zeros((side_px, side_px), dtype=np.uint8)
    mask[edge:-edge, edge:-edge] = _CERTAIN
    return np.asarray(cv2.blur(mask, (2 * edge + 1, 2 * edge + 1), borderType=cv2.BORDER_CONSTANT), dtype=np.uint8)


@dataclass(frozen=True, eq=False)
class LiveScene:
    """The people of a live frame.

    Args:
        faces: all faces, largest first.
        person: (h, w) uint8, a small alpha matte of all people over the whole frame, 255 is a person; None where it was not computed.
    """

    faces: tuple[LiveFace, ...]
    person: np.ndarray[Any, np.dtype[np.uint8]] | None = None

    def __post_init__(self) -> None:
        if self.person is not None and (self.person.dtype != np.uint8 or self.person.ndim != 2):
            raise ValueError(f"a matte is uint8 (h, w), got {self.person.dtype} {self.person.shape}")


_MEASURED_PX = 128

_SURE_HAIR = 178
"""Least share of hair, of 255, that its colour is measured in."""

_LEAST_HAIR = 12
"""Pixels of the measured copy."""


def hair_color_of(frame: Picture, face: LiveFace) -> HairColor | None:
    """The colour of a face's hair in a frame (H, W, 3), for `LiveFace.hair`; None where too little hair is seen."""
    if "hair" not in face.shares:
        return None
    rows, columns = face.window(frame)
    part = frame[rows, columns]
    size = scaled_size(part, min(1.0, _MEASURED_PX / max(part.shape[:2])))
    small = cv2.resize(
        part, size, interpolation=cv2.INTER_LINEAR
    )  # every so many pixels: the percentiles are those of single strands
    to_small = compose(scaling(scale_between(part, small)), np.array([[1.0, 0, -columns.start], [0, 1.0, -rows.start]]))
    share = face.share_over(("hair",), to_small, size)
    sure = share >= min(_SURE_HAIR, max(_CERTAIN // 4, int(share.max())))
    if int(sure.sum()) < _LEAST_HAIR:
        return None
    lab = cv2.cvtColor(small.astype(np.float32) / np.float32(255), cv2.COLOR_RGB2Lab)[sure]
    low, middle, high = percentiles(lab[:, 0], 5, 50, 95)
    a, b = lab[:, 1:].mean(axis=0).tolist()
    return HairColor((low, middle, high), (a, b))
