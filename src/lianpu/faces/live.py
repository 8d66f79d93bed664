"""Faces of a live frame: the mesh of this frame, and the parser's probabilities, which may be some frames old, aligned to it.

Effects have a live form that takes these (`effects/catalogue.Effect.live`); `LiveFace.subject` serves the effects without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.mesh import mesh_parts, points_68
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh, Subject
from lianpu.imaging.geometry import (
    Matrix,
    Window,
    compose,
    inverse,
    map_points,
    scale_between,
    scale_box,
    scaled_size,
    scaling,
    warp_values,
)
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX, part_index

Share = np.ndarray[Any, np.dtype[np.uint8]]
"""Probability of a part at each pixel, (s, s) uint8: 255 is certain."""

PARSER = "live"
"""`FaceParts.parser` of parts that come from the shares of a live face."""

_CERTAIN = 255

_CROP = TEMPLATES["celebamask-hq"]


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

    Raises:
        ValueError: a share is of another type or shape than the others, or `mouth_visible` is not from 0 to 1.
    """

    face: Face
    mesh: Mesh
    shares: Mapping[str, Share]
    matrix: Matrix
    mouth_visible: float = 1.0
    hair: HairColor | None = None

    def __post_init__(self) -> None:
        for name, share in self.shares.items():
            part_index(name)
            if share.dtype != np.uint8 or share.shape != (self.side_px, self.side_px):
                raise ValueError(
                    f"shares are uint8 ({self.side_px}, {self.side_px}) as the first one, {name} is {share.dtype} {share.shape}"
                )
        if not 0.0 <= self.mouth_visible <= 1.0:
            raise ValueError(f"mouth_visible is from 0 to 1, got {self.mouth_visible}")

    @property
    def side_px(self) -> int:
        """Side of the shares; 1 without any."""
        return next((share.shape[0] for share in self.shares.values()), 1)

    @cached_property
    def alignment(self) -> Matrix:
        """The matrix (2, 3) from the frame to the face's crop of 512 pixels (`celebamask-hq`)."""
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

    def window(self, frame: Picture) -> Window:
        """Rows and columns of the frame that the face's crop covers; at least one pixel, at the frame's border for a face outside."""
        far = _CROP.width - 0.5
        corners = np.array([(-0.5, -0.5), (far, -0.5), (-0.5, far), (far, far)])
        corners = map_points(inverse(self.alignment), corners)
        limits = np.array(frame.shape[1::-1])
        left, top = np.clip(np.floor(corners.min(axis=0)), 0, limits - 1).astype(int).tolist()
        right, bottom = np.clip(np.ceil(corners.max(axis=0)) + 1, (left + 1, top + 1), limits).astype(int).tolist()
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
        return Subject(face, Landmarks(points_68(mesh), "dlib-68"), window, parts, mesh=mesh)

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


_MEASURED_PX = 64

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
    low, middle, high = np.percentile(lab[:, 0], (5, 50, 95)).tolist()
    a, b = lab[:, 1:].mean(axis=0).tolist()
    return HairColor((low, middle, high), (a, b))
