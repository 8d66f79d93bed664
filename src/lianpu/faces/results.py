"""What was found in a photo, as frozen results that check themselves. Coordinates are pixels of the given picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np

from lianpu.imaging.geometry import Matrix, Window, map_points, scale_box, scale_of, scale_points
from lianpu.imaging.picture import Picture
from lianpu.part_names import PARTS, part_index

Points = np.ndarray[Any, np.dtype[np.float32]]
"""Points (K, 2), x then y; 0 is the centre of the first pixel."""

LANDMARK_COUNTS: dict[str, int] = {"dlib-68": 68, "insightface-106": 106}
"""The schemes of landmarks, and how many points each has."""

MESH_COUNTS = (468, 478)
"""How many points a mesh may have: MediaPipe's face mesh, without and with the two irises."""

TURNS = (0, 90, 180, 270)


@dataclass(frozen=True, eq=False)
class Face:
    """A face that a detector found.

    Args:
        box_xyxy: left, top, right, bottom; it may reach over the picture's border.
        score: how sure the detector is, 0 to 1; scores of two detectors cannot be compared.
        points: (5, 2) float32: the eye on the picture's left when the face is upright, the other eye, tip of the nose, the
            corner of the mouth on the left, and on the right (InsightFace's order).
        detector: who found it.
        turned: degrees (0, 90, 180, 270) counter-clockwise that the picture was turned by when it was found.
        enlarged: whether it was found only in an enlarged copy.

    Raises:
        ValueError: a number is not finite or out of its range, or the box is empty.
    """

    box_xyxy: tuple[float, float, float, float]
    score: float
    points: Points
    detector: str
    turned: int = 0
    enlarged: bool = False

    def __post_init__(self) -> None:
        box = tuple(float(value) for value in self.box_xyxy)
        if len(box) != 4 or not all(map(math.isfinite, box)) or box[2] <= box[0] or box[3] <= box[1]:
            raise ValueError(f"a box is left, top, right, bottom with right > left and bottom > top, got {box}")
        object.__setattr__(self, "box_xyxy", box)
        object.__setattr__(self, "score", _share(self.score, "a score"))
        object.__setattr__(self, "points", _checked_points(self.points, 5, "a face"))
        if self.turned not in TURNS:
            raise ValueError(f"a picture is turned by {TURNS} degrees, got {self.turned}")

    @property
    def width_px(self) -> float:
        """Width of the box."""
        return self.box_xyxy[2] - self.box_xyxy[0]

    @property
    def height_px(self) -> float:
        """Height of the box."""
        return self.box_xyxy[3] - self.box_xyxy[1]

    @property
    def area(self) -> float:
        """Area of the box in square pixels, with what lies outside the picture."""
        return self.width_px * self.height_px

    @property
    def eye_distance_px(self) -> float:
        """Distance between the two eye points."""
        (left_x, left_y), (right_x, right_y) = self.points[:2].tolist()
        return math.hypot(left_x - right_x, left_y - right_y)

    @cached_property
    def unit_px(self) -> float:
        """The distance of the eyes, corrected for the head's pose; at least 1.

        A turned face has its eyes nearer together, a tilted one has them nearer to the mouth: the larger estimate counts.
        """
        (x1, y1), (x2, y2), _, (x3, y3), (x4, y4) = self.points.tolist()
        height = math.hypot(x1 + x2 - x3 - x4, y1 + y2 - y3 - y4) / 2
        return max(self.eye_distance_px, 0.96 * height, 1.0)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The points of one face, (K, 2) float32, in the order of a scheme: `dlib-68` (iBUG 300-W) or `insightface-106`.

    Raises:
        ValueError: the scheme is unknown, or the points are not as many as it has, or not finite.
    """

    points: Points
    scheme: Literal["dlib-68", "insightface-106"]

    def __post_init__(self) -> None:
        if self.scheme not in LANDMARK_COUNTS:
            raise ValueError(f"landmarks are {' or '.join(LANDMARK_COUNTS)}, got '{self.scheme}'")
        object.__setattr__(self, "points", _checked_points(self.points, LANDMARK_COUNTS[self.scheme], self.scheme))


@dataclass(frozen=True, eq=False)
class Mesh:
    """The surface of one face in MediaPipe's points (`faces.mesh`).

    Args:
        points: (478, 3) float32, or (468, 3) without the irises: x, y in pixels of the picture (0 is the centre of the first pixel), and z
            in the same unit, smaller nearer to us.
        presence: how sure the network is of a face, 0 to 1. It is as sure of a dog or a surgical mask.

    Raises:
        ValueError: the points are not as many, or not finite, or the presence is out of its range.
    """

    points: np.ndarray[Any, np.dtype[np.float32]]
    presence: float

    def __post_init__(self) -> None:
        count = len(self.points) if len(self.points) in MESH_COUNTS else MESH_COUNTS[-1]
        object.__setattr__(self, "points", _checked_points(self.points, count, "a mesh", 3))
        object.__setattr__(self, "presence", _share(self.presence, "a presence"))

    def scaled(self, by: tuple[float, float]) -> Mesh:
        """The mesh in a copy of its picture that is `by` times as wide and as high."""
        flat = scale_points(self.points[:, :2], by)
        return Mesh(np.column_stack([flat, self.points[:, 2] * (by[0] + by[1]) / 2]), self.presence)

    def moved(self, matrix: Matrix) -> Mesh:
        """The mesh with its points taken through a similarity (2, 3)."""
        return Mesh(
            np.column_stack([map_points(matrix, self.points[:, :2]), self.points[:, 2] * scale_of(matrix)]), self.presence
        )


class SoftParser(Protocol):
    """A parser that also says how probable each part is (`face_parsing.runtime.OnnxParser`)."""

    @property
    def size_px(self) -> int:
        """Side of the crops that it takes."""
        ...

    def part_shares(self, crop: Picture) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """The probability of each part (19, s, s) uint8, 255 is certain, in an aligned crop (S, S, 3)."""
        ...


@dataclass(frozen=True, eq=False)
class FaceParts:
    """The parts of one face over the whole picture.

    Args:
        mask: (H, W) uint8, class indices in CelebAMask-HQ's order (`part_names.PARTS`); 0 wherever this face is not.
        parser: who parsed it.
        soft: where the probabilities of its parts come from (`parts.probability_over`): the parser that found them, or, (19, s, s)
            float32, what was averaged over the frames of a video in the face's own crop. None where nothing gives them.

    Raises:
        ValueError: the mask has another type or shape, or an index that is no class.
    """

    mask: np.ndarray[Any, np.dtype[np.uint8]]
    parser: str
    soft: SoftParser | np.ndarray[Any, np.dtype[np.float32]] | None = None

    def __reduce__(self) -> tuple[type[FaceParts], tuple[Any, ...]]:
        """Another process gets the mask alone: an open network cannot be sent there."""
        return FaceParts, (self.mask, self.parser)

    def __post_init__(self) -> None:
        if self.mask.dtype != np.uint8 or self.mask.ndim != 2 or not self.mask.size:
            raise ValueError(f"a mask is uint8 (H, W), got {self.mask.dtype} {self.mask.shape}")
        largest = int(self.mask.max())
        if largest >= len(PARTS):
            raise ValueError(f"a mask holds classes 0 to {len(PARTS) - 1}, got {largest}")

    def where(self, *names: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """(H, W) bool: true where the mask is one of the named parts. Raises SettingsError for a name that is no part."""
        chosen = np.zeros(len(PARTS), dtype=np.bool_)
        chosen[[part_index(name) for name in names]] = True
        return chosen[self.mask]

    def share(self, name: str) -> float:
        """The share of the whole picture's pixels that a part has, 0 to 1."""
        return float(np.count_nonzero(self.mask == part_index(name)) / self.mask.size)


@dataclass(frozen=True, eq=False)
class Identity:
    """Who a face is, as a unit vector (F,) float32; only vectors of the same encoder can be compared.

    Raises:
        ValueError: the vector is not finite, or its length is not 1.
    """

    vector: np.ndarray[Any, np.dtype[np.float32]]
    encoder: str

    def __post_init__(self) -> None:
        vector = np.array(self.vector, dtype=np.float32)
        length = float(np.linalg.norm(vector)) if vector.ndim == 1 and vector.size else math.nan
        if not abs(length - 1.0) < 1e-3:
            raise ValueError(f"an identity is a finite vector (F,) of length 1, got shape {vector.shape} and length {length:.4g}")
        vector.setflags(write=False)
        object.__setattr__(self, "vector", vector)

    def cosine(self, other: Identity) -> float:
        """Cosine of the angle between two identities, -1 to 1; 1 is the same. Raises ValueError for different encoders."""
        if self.encoder != other.encoder or self.vector.shape != other.vector.shape:
            raise ValueError(f"identities of {self.encoder} and {other.encoder} cannot be compared: encode both with one encoder")
        return float(np.clip(self.vector @ other.vector, -1.0, 1.0))

    def distance(self, other: Identity) -> float:
        """Euclidean distance of the unit vectors, 0 to 2; 0 is the same. Raises ValueError for different encoders."""
        self.cosine(other)  # refuses what cannot be compared
        return float(np.linalg.norm(self.vector - other.vector))


@dataclass(frozen=True)
class SexAge:
    """What a model takes a face's sex and age to be: an impression of how the face looks, no more.

    Args:
        male_score: 0 (female) to 1 (male).
        age: years.
        source: the model.

    Raises:
        ValueError: the score is outside 0 to 1, or the age is not finite.
    """

    male_score: float
    age: float
    source: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "male_score", _share(self.male_score, "a male score"))
        if not math.isfinite(self.age):
            raise ValueError(f"an age is a finite number of years, got {self.age}")


def _share(value: float, what: str) -> float:
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"{what} is from 0 to 1, got {value}")
    return float(value)


def _checked_points(points: np.ndarray, count: int, what: str, axes: int = 2) -> Points:
    """The points as (count, axes) float32 in a read-only copy."""
    ours = np.array(points, dtype=np.float32)
    if ours.shape != (count, axes) or not np.isfinite(ours).all():
        raise ValueError(f"{what} has {count} finite points ({count}, {axes}), got {ours.shape}")
    ours.setflags(write=False)
    return ours


WIDE_SCALE = 1.8
"""How many times as wide as a face's crop the second, wider crop is (`parts.parse_wide`): down to the chest."""


@dataclass(frozen=True, eq=False)
class WideParts:
    """The parts of a face over `WIDE_SCALE` times as much as its crop shows: less exact, and hair does not end where the crop does.

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
        wide_parts: the same over more of the photo; None where no hair leaves the crop, or it was not parsed.
        parts_scale: how many times as much as the crop of 512 px the parts cover: 1, or `WIDE_SCALE` of what `wide` gives.
        mesh: its mesh, in pixels of the photo; None where it was not read, or is not believed.
        looks: how male and how old it looks, averaged over the frames of a video so far; None where every picture is read by itself.
        others: middle (x, y) of the five points and unit (`Face.unit_px`) of the photo's other faces, edited or not; empty where they are
            not known.

    Raises:
        ValueError: the landmarks are of another scheme, or the parts do not fit the window.
    """

    face: Face
    landmarks: Landmarks
    window: Window
    parts: FaceParts
    wide_parts: WideParts | None = None
    parts_scale: float = 1.0
    mesh: Mesh | None = None
    looks: SexAge | None = None
    others: tuple[tuple[float, float, float], ...] = ()
    carried: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.landmarks.scheme != "dlib-68":
            raise ValueError(f"effects take the points of dlib-68, got {self.landmarks.scheme}")
        rows, columns = self.window
        expected = (rows.stop - rows.start, columns.stop - columns.start)
        if self.parts.mask.shape != expected:
            raise ValueError(f"the window is {expected} and the parts are {self.parts.mask.shape}")

    def wide(self) -> Subject:
        """The subject with all that is known of its hair: its window and parts are those around it, where there are any."""
        if self.wide_parts is None:
            return self
        return replace(self, window=self.wide_parts.window, parts=self.wide_parts.parts, wide_parts=None, parts_scale=WIDE_SCALE)

    def scaled(self, by: tuple[float, float], size: tuple[int, int]) -> Subject:
        """The subject in a resized copy of its photo.

        Args:
            by: how many times as wide and as high the copy is.
            size: width and height of the copy in pixels.
        """
        points = scale_points(self.face.points, by).astype(np.float32)
        face = replace(self.face, box_xyxy=scale_box(self.face.box_xyxy, by), points=points)
        landmarks = Landmarks(scale_points(self.landmarks.points, by).astype(np.float32), self.landmarks.scheme)
        wide_parts = (
            None
            if self.wide_parts is None
            else WideParts(*_scaled_parts(self.wide_parts.window, self.wide_parts.parts, by, size))
        )
        mesh = None if self.mesh is None else self.mesh.scaled(by)
        parts = _scaled_parts(self.window, self.parts, by, size)
        others = tuple((*scale_points((x, y), by).tolist(), unit * (by[0] + by[1]) / 2) for x, y, unit in self.others)
        return Subject(face, landmarks, *parts, wide_parts, self.parts_scale, mesh, self.looks, others)


def _scaled_parts(window: Window, parts: FaceParts, by: tuple[float, float], size: tuple[int, int]) -> tuple[Window, FaceParts]:
    rows, columns = window
    scaled = (_scaled_span(rows, by[1], size[1]), _scaled_span(columns, by[0], size[0]))
    sources = [_nearest(*one) for one in zip(scaled, window, by[::-1], parts.mask.shape, strict=True)]
    return scaled, replace(parts, mask=parts.mask.take(sources[0], axis=0).take(sources[1], axis=1))


def _nearest(scaled: slice, span: slice, by: float, length: int) -> np.ndarray:
    """Where in a mask of `length` the middles of scaled pixels lie; `cv2.INTER_NEAREST` takes their edges, half a pixel off."""
    middles = (np.arange(scaled.start, scaled.stop) + 0.5) / by - span.start
    return np.clip(np.floor(middles), 0, length - 1).astype(np.intp)


def _scaled_span(span: slice, by: float, length: int) -> slice:
    start = min(length - 1, max(0, round(span.start * by)))
    return slice(start, max(start + 1, min(length, round(span.stop * by))))
