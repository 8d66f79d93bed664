"""dlib's models: detector, 68-point predictors with the boxes that they need, and identity encoder."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np

from lianpu.errors import ModelError
from lianpu.faces.alignment import TEMPLATES, alignment_matrix
from lianpu.faces.results import Face, Identity, Points
from lianpu.imaging.geometry import Matrix, inverse, map_points, scale_between, scale_box, scale_of, scaled_size, warp
from lianpu.imaging.picture import Picture, check_picture
from lianpu.models.store.locate import require_model_file

BoxXyxy = tuple[float, float, float, float]

UPRIGHT = TEMPLATES["celebamask-hq"]
"""Where a face is brought before its box is drawn, or before it is read when it lies too far on its side."""

BOX_CENTRE = (252.4, 303.9)
"""Middle of dlib's box in the upright crop of 512 px: the mean over 886 faces of CelebAMask-HQ found by `HogFinder()`, +-8 and 11 px.

Against the points from dlib's own box, 68 points from SCRFD's box as it is are off by 4.7 % of the distance of the outer eye corners
(mean of 176 faces; up to 82 %), from YuNet's by 4.2 %; from the box mapped by each detector's mean shift and size by 2.4 and 2.3 %;
from the square that is drawn here by 1.1 %, with either. dlib's own box moves its points by 1.2 % when its picture is not enlarged.
"""

BOX_SIDE = 288.8
"""Side of dlib's box there, +-23 px: dlib searches sizes in steps of 6 to 5."""

LARGEST_ROLL_DEG = 30.0
"""dlib's predictors were trained on faces turned in the picture by less than about this."""


def roll_deg(face: Face) -> float:
    """How far the face is turned in the picture, -180 to 180 degrees; 0 is upright, positive is clockwise."""
    matrix = alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)
    return math.degrees(math.atan2(-matrix[1, 0], matrix[0, 0]))


def is_upright(face: Face) -> bool:
    """Whether dlib's predictors can read the face as it lies in the picture."""
    return abs(roll_deg(face)) <= LARGEST_ROLL_DEG


def dlib_box(face: Face) -> BoxXyxy:
    """The box dlib's detector would draw: its own if it found the face, else a square about the face's five points.

    The boxes of other detectors are taller, wider or tighter, each in its own way; the five points mean the same everywhere.
    """
    if face.detector == "dlib":
        return face.box_xyxy
    matrix = alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)
    x, y = map_points(inverse(matrix), np.array([BOX_CENTRE]))[0].tolist()
    half = BOX_SIDE / 2 / scale_of(matrix)
    return (x - half, y - half, x + half, y + half)


def upright_box() -> BoxXyxy:
    """dlib's box in the upright crop of 512 px."""
    (x, y), half = BOX_CENTRE, BOX_SIDE / 2
    return (x - half, y - half, x + half, y + half)


def upright_matrix(face: Face) -> Matrix:
    """The matrix (2, 3) that brings the face upright into the crop."""
    return alignment_matrix(face.points, UPRIGHT, UPRIGHT.width)


class ShapePredictor:
    """A dlib shape predictor, of whatever number of points (Kazemi & Sullivan 2014, One Millisecond Face Alignment).

    Args:
        file: the .dat file.
        count: how many points it must have; any number when None.

    Raises:
        ModelError: the file is missing, no shape predictor, or has another number of points.
    """

    def __init__(self, file: Path | str, count: int | None = None) -> None:
        self._run = open_dlib_file(Path(file), dlib.shape_predictor, "shape predictor")
        blank = np.zeros((32, 32, 3), dtype=np.uint8)
        self.count = int(self._run(blank, dlib.rectangle(0, 0, 31, 31)).num_parts)
        if count is not None and self.count != count:
            raise ModelError(f"{file} predicts {self.count} points, not {count}. Give a predictor of {count} points.")

    def predict(self, picture: Picture, box_xyxy: BoxXyxy) -> Points:
        """The points (K, 2) of the face in a box of dlib's habit; the box may reach over the picture's border."""
        found = self.detection(picture, box_xyxy)
        return np.array([(point.x, point.y) for point in found.parts()], dtype=np.float32)

    def detection(self, picture: Picture, box_xyxy: BoxXyxy) -> Any:
        """The same as dlib's own object."""
        return self._run(contiguous(picture), dlib.rectangle(*(round(edge) for edge in box_xyxy)))

    def of_face(self, picture: Picture, face: Face) -> Points:
        """The points (K, 2) of a face that any detector found.

        Its box is adjusted to dlib's habit first. A face that lies on its side or upside down is brought upright, read, and
        its points are taken back into the picture.
        """
        if is_upright(face):
            return self.predict(picture, dlib_box(face))
        matrix = upright_matrix(face)
        crop = warp(picture, matrix, (UPRIGHT.width, UPRIGHT.height))
        return map_points(inverse(matrix), self.predict(crop, upright_box()))


def five_of_68(points: np.ndarray) -> Points:
    """The five points of `Face`, (5, 2), out of 68 in iBUG's order: centres of the eyes, tip of the nose, corners of the mouth."""
    return np.stack([points[36:42].mean(axis=0), points[42:48].mean(axis=0), points[30], points[48], points[54]]).astype(
        np.float32
    )


def open_dlib_file(file: Path, open_file: Callable[[str], Any], kind: str) -> Any:
    """What dlib makes of a file. Raises ModelError when it is missing, or not what `kind` says."""
    if not file.is_file():
        raise ModelError(f"{file} is not there. Give the file of a dlib {kind} (.dat).")
    try:
        return open_file(str(file))
    except (RuntimeError, MemoryError) as problem:
        reason = " ".join(str(problem).split()).rstrip(".")[:150] or type(problem).__name__
        raise ModelError(f"{file} is no dlib {kind}, or is cut off ({reason}). Give another file.") from None


def contiguous(picture: Picture) -> Picture:
    """The picture, checked, with its rows one after the other in memory: dlib reads nothing else."""
    return np.ascontiguousarray(check_picture(picture))


HOG_WINDOW_PX = 80
"""The smallest face that dlib's detector finds without making the picture larger."""

SAME_PERSON_DISTANCE = 0.40
"""Two unit vectors of `DlibEncoder` nearer than this are probably of one person: dlib's rule of 0.6, whose vectors are longer.

Measured on 221 faces of CelebAMask-HQ: dlib's vectors are 1.49 long (+-0.07), and pairs that are 0.6 apart there are 0.40 apart at
length 1. Of pairs of different pictures, 0.2 % are nearer than that (some are one person); a face and its mirror image are
0.12 apart (at most 0.22), a face and its JPEG of quality 30 at half the size 0.08 (at most 0.12).
"""

_CHIP_PX = 150

_PIXELS_SEARCHED = 12_000_000

_LONGEST_SEARCHED_PX, _LARGEST_RATIO = 30_000, 100
"""dlib corrupts memory in pictures that are thin and very wide (60,000 x 40 pixels): longer ones are shrunk, thinner ones get a border."""


class HogFinder:
    """Boxes of dlib's frontal face detector (HOG, five views; King 2015, Max-Margin Object Detection, arXiv:1502.00046).

    Args:
        smallest_px: faces from about this size are found: the picture is enlarged for that (time grows with the square), or,
            when it is large, shrunk so that at most 12 million pixels are searched.
        lowest_margin: dlib's margin from which on a find counts; below 0 it finds more, also where no face is.
    """

    def __init__(self, smallest_px: int = 40, lowest_margin: float = 0.0) -> None:
        self._find = dlib.get_frontal_face_detector()
        self._enlarge = HOG_WINDOW_PX / max(1, smallest_px)
        self._lowest_margin = lowest_margin

    def find(self, picture: Picture) -> tuple[tuple[BoxXyxy, float], ...]:
        """The boxes, in pixels of the picture, each with dlib's margin (0 is only just a face, 3 a clear one)."""
        whole = contiguous(picture)
        searched = self._resized(whole)
        by = scale_between(searched, whole)
        least = -(-max(searched.shape[:2]) // _LARGEST_RATIO)
        down, right = (max(0, least - side) for side in searched.shape[:2])
        if down or right:
            searched = np.pad(searched, ((0, down), (0, right), (0, 0)), mode="edge")
        boxes, margins, _ = self._find.run(searched, 0, self._lowest_margin)
        corners = ((box.left(), box.top(), box.right(), box.bottom()) for box in boxes)
        return tuple((scale_box(box, by), float(margin)) for box, margin in zip(corners, margins, strict=True))

    def _resized(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        scale = min(self._enlarge, math.sqrt(_PIXELS_SEARCHED / (width * height)), _LONGEST_SEARCHED_PX / max(width, height))
        size = scaled_size(picture, scale)
        how = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
        return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


class DlibDetector:
    """The faces that dlib's HOG detector finds, with five points.

    `Face.points` come from the 68-point predictor: centres of the eyes' six points, the nose's tip, corners of the mouth.
    `Face.score` is 1 / (1 + exp(-2 m)) of dlib's margin m: 0.5 where dlib would only just say yes, 0.88 for 1, 0.98 for 2.

    Args:
        landmarks: see `load_landmarks_68`.
        smallest_px: see `HogFinder`.
        lowest_margin: likewise.

    Raises:
        WeightsError: the predictor is not on this machine, or not allowed under --commercial-safe.
        ModelError: the file is no predictor of 68 points.
    """

    name = "dlib"
    multiscale = False
    second_search_score = 0.0

    def __init__(self, landmarks: Path | str = "auto", *, smallest_px: int = 40, lowest_margin: float = 0.0) -> None:
        self._finder = HogFinder(smallest_px, lowest_margin)
        self._predictor = load_landmarks_68(landmarks)

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) that stand about upright, most confident first."""
        return tuple(
            Face(box, 1 / (1 + math.exp(-2 * margin)), five_of_68(self._predictor.predict(picture, box)), self.name)
            for box, margin in self._finder.find(picture)
        )


class DlibEncoder:
    """128 numbers that are near for pictures of one person (dlib's ResNet, trained on 3 million faces).

    dlib's own vectors are about 1.5 long, and its rule is "one person below a distance of 0.6". Ours have length 1, as
    `Identity` asks, so the rule is `SAME_PERSON_DISTANCE` here. Faces are cut out by the 5-point predictor, as dlib did in training.

    Args:
        file: the encoder's file; the one in the model store when None.
        landmarks: the 5-point predictor's; likewise.

    Raises:
        WeightsError: a file is not on this machine, or other than the published one.
    """

    name = "dlib-face-encoder"

    def __init__(self, file: Path | str | None = None, landmarks: Path | str | None = None) -> None:
        path = require_model_file("dlib-face-encoder", file)
        self._encode = open_dlib_file(path, dlib.face_recognition_model_v1, "face encoder")
        self._predictor = ShapePredictor(require_model_file("dlib-landmarks-5", landmarks), 5)

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """The identity of each face; all faces run through the network as one batch."""
        if not faces:
            return ()
        whole = contiguous(picture)
        chips = [self._chip(whole, face) for face in faces]
        vectors = np.array(self._encode.compute_face_descriptor(chips), dtype=np.float64).reshape(len(faces), -1)
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return tuple(Identity(vector.astype(np.float32), self.name) for vector in unit)

    def _chip(self, picture: Picture, face: Face) -> Picture:
        """The face upright, (150, 150, 3), as dlib cuts it; black where the picture ends."""
        points = self._predictor.of_face(picture, face)
        parts = [dlib.point(round(float(x)), round(float(y))) for x, y in points]
        box = dlib.rectangle(*(round(edge) for edge in face.box_xyxy))
        return np.asarray(dlib.get_face_chip(picture, dlib.full_object_detection(box, parts), _CHIP_PX), dtype=np.uint8)


def load_landmarks_68(name: Path | str = "auto") -> ShapePredictor:
    """The predictor of 68 points that a name or path stands for.

    Args:
        name: `auto` or `dlib` for dlib's published one; else the .dat file of another (`lianpu landmarks train`).

    Raises:
        WeightsError: dlib's predictor is not on this machine, damaged, or not allowed under --commercial-safe.
        ModelError: the file is no shape predictor, or has another number of points.
    """
    is_published = str(name) in ("auto", "dlib")
    file = require_model_file("dlib-landmarks-68") if is_published else Path(name).expanduser()
    return _opened_68(file, file.stat().st_mtime_ns if file.is_file() else 0)


@lru_cache(maxsize=2)
def _opened_68(file: Path, mtime_ns: int) -> ShapePredictor:
    """Opened once per process for all that read points by it: 100 MB and 0.3 s. Reading changes nothing in it."""
    return ShapePredictor(file, 68)
