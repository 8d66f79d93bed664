"""dlib's shape predictors: points of a face out of its box."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import dlib
import numpy as np

from lianpu.errors import ModelError
from lianpu.image import Picture, check_picture
from lianpu.perception.alignment import inverse, map_points, warp
from lianpu.perception.dlib_boxes import UPRIGHT, BoxXyxy, dlib_box, is_upright, upright_box, upright_matrix
from lianpu.perception.results import Face, Points


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
