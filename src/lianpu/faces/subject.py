"""A face of a photo with all that effects ask for: its five points, its 68 landmarks, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np

from lianpu.face_parsing.onnx_parser import FaceParser
from lianpu.faces.parts import parse_windows
from lianpu.faces.results import Face, FaceParts, Landmarks, Points
from lianpu.imaging.geometry import Window, scale_box, scale_points
from lianpu.imaging.picture import Picture

WIDER = 1.8
"""How many times as wide as a face's crop the second, wider crop is (`wide_parsing.parse_wide`): down to the chest."""


class LandmarkReader(Protocol):
    """Anything that reads 68 points of a face: `faces.dlib_models.ShapePredictor`."""

    def of_face(self, picture: Picture, face: Face) -> Points:
        """The points (68, 2) of a face, in pixels of the picture."""
        ...


@dataclass(frozen=True, eq=False)
class WideParts:
    """The parts of a face over `WIDER` times as much as its crop shows: less exact, and hair does not end where the crop does.

    Args:
        window: rows and columns of the photo.
        parts: over the window (h, w).
    """

    window: Window
    parts: FaceParts


@dataclass(frozen=True, eq=False)
class Subject:
    """A face of a photo with all that effects need.

    Args:
        face: its box and five points, in pixels of the photo.
        landmarks: its 68 points in iBUG's order (`dlib-68`), in pixels of the photo.
        window: the rows and columns of the photo that `parts` covers: where the face's crop of 512 px (`celebamask-hq`) lies.
        parts: its parts, over the window (h, w); hair and shoulders that reach out of the window are not in it.
        around: the same over more of the photo; None where no hair leaves the crop, or it was not parsed.
        reach: how many times as much as the crop of 512 px the parts cover: 1, or `WIDER` of what `wide` gives.

    Raises:
        ValueError: the landmarks are of another scheme, or the parts do not fit the window.
    """

    face: Face
    landmarks: Landmarks
    window: Window
    parts: FaceParts
    around: WideParts | None = None
    reach: float = 1.0

    def __post_init__(self) -> None:
        if self.landmarks.scheme != "dlib-68":
            raise ValueError(f"effects take the points of dlib-68, got {self.landmarks.scheme}")
        rows, columns = self.window
        expected = (rows.stop - rows.start, columns.stop - columns.start)
        if self.parts.mask.shape != expected:
            raise ValueError(f"the window is {expected} and the parts are {self.parts.mask.shape}")

    def wide(self) -> Subject:
        """The subject with all that is known of its hair: its window and parts are those around it, where there are any."""
        if self.around is None:
            return self
        return replace(self, window=self.around.window, parts=self.around.parts, around=None, reach=WIDER)

    def scaled(self, by: tuple[float, float], size: tuple[int, int]) -> Subject:
        """The subject in a resized copy of its photo.

        Args:
            by: how many times as wide and as high the copy is.
            size: width and height of the copy in pixels.
        """
        points = scale_points(self.face.points, by).astype(np.float32)
        face = replace(self.face, box_xyxy=scale_box(self.face.box_xyxy, by), points=points)
        landmarks = Landmarks(scale_points(self.landmarks.points, by).astype(np.float32), self.landmarks.scheme)
        around = None if self.around is None else WideParts(*_scaled_parts(self.around.window, self.around.parts, by, size))
        return Subject(face, landmarks, *_scaled_parts(self.window, self.parts, by, size), around, self.reach)


def _scaled_parts(window: Window, parts: FaceParts, by: tuple[float, float], size: tuple[int, int]) -> tuple[Window, FaceParts]:
    rows, columns = window
    scaled = (_scaled_span(rows, by[1], size[1]), _scaled_span(columns, by[0], size[0]))
    shape = (scaled[1].stop - scaled[1].start, scaled[0].stop - scaled[0].start)
    mask = np.asarray(cv2.resize(parts.mask, shape, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return scaled, FaceParts(mask, parts.parser)


def _scaled_span(span: slice, by: float, length: int) -> slice:
    start = min(length - 1, max(0, round(span.start * by)))
    return slice(start, max(start + 1, min(length, round(span.stop * by))))


def describe_faces(photo: Picture, faces: Sequence[Face], parser: FaceParser, landmarks: LandmarkReader) -> tuple[Subject, ...]:
    """The faces that were found in a photo (H, W, 3), with their points and parts, in the order given; all faces that may hide one
    another must be given at once. A face that lies outside of the photo altogether is left out.

    Args:
        photo: (H, W, 3) uint8 RGB.
        faces: of `faces.detection.find_faces`.
        parser: of `faces.parts.load_parser`.
        landmarks: of 68 points.
    """
    subjects = []
    for face, found in zip(faces, parse_windows(photo, faces, parser), strict=True):
        if found is not None:
            window, mask = found
            points = np.asarray(landmarks.of_face(photo, face), dtype=np.float32)
            subjects.append(Subject(face, Landmarks(points, "dlib-68"), window, FaceParts(mask, parser.name)))
    return tuple(subjects)
