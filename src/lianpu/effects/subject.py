"""A face of a photo with all that effects ask for: its five points, its 68 landmarks, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lianpu.image import Picture
from lianpu.parser.face_parser import FaceParser
from lianpu.perception.alignment import Window
from lianpu.perception.parsing import parse_windows
from lianpu.perception.results import Face, FaceParts, Landmarks, Points

WIDER = 1.8
"""How many times as wide as a face's crop a second look is (`surroundings.looked_around`): down to the chest."""


class LandmarkReader(Protocol):
    """Anything that reads 68 points of a face: `perception.dlib_predictor.ShapePredictor`."""

    def of_face(self, picture: Picture, face: Face) -> Points:
        """The points (68, 2) of a face, in pixels of the picture."""
        ...


@dataclass(frozen=True, eq=False)
class Around:
    """The parts of a face over `WIDER` times as much as its crop shows: less exact, and hair does not end where the crop does.

    Args:
        window: rows and columns of the photo.
        parts: over the window (h, w).
    """

    window: Window
    parts: FaceParts


@dataclass(frozen=True, eq=False)
class Subject:
    """A face of a photo, as effects see it.

    Args:
        face: its box and five points, in pixels of the photo.
        landmarks: its 68 points in iBUG's order (`dlib-68`), in pixels of the photo.
        window: the rows and columns of the photo that `parts` covers: where the face's crop of 512 px (`celebamask-hq`) lies.
        parts: its parts, over the window (h, w); hair and shoulders that reach out of the window are not in it.
        around: the same over more of the photo; None where no hair leaves the crop, or nobody has looked.
        reach: how many times as much as the crop of 512 px the parts cover: 1, or `WIDER` of what `wide` gives.

    Raises:
        ValueError: the landmarks are of another scheme, or the parts do not fit the window.
    """

    face: Face
    landmarks: Landmarks
    window: Window
    parts: FaceParts
    around: Around | None = None
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


def describe_faces(photo: Picture, faces: Sequence[Face], parser: FaceParser, landmarks: LandmarkReader) -> tuple[Subject, ...]:
    """The faces that were found in a photo (H, W, 3), with their points and parts, in the order given; all faces that may hide one
    another must be given at once. A face that lies outside of the photo altogether is left out.

    Args:
        photo: (H, W, 3) uint8 RGB.
        faces: of `perception.detection.find_faces`.
        parser: of `perception.parsing.load_parser`.
        landmarks: of 68 points.
    """
    subjects = []
    for face, found in zip(faces, parse_windows(photo, faces, parser), strict=True):
        if found is not None:
            window, mask = found
            points = np.asarray(landmarks.of_face(photo, face), dtype=np.float32)
            subjects.append(Subject(face, Landmarks(points, "dlib-68"), window, FaceParts(mask, parser.name)))
    return tuple(subjects)
