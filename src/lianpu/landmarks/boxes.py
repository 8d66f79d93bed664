"""A box for every labelled face: the labelled one, else that of dlib's detector, else one from the points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lianpu.faces.detection import overlap
from lianpu.faces.dlib_models import BoxXyxy, HogFinder, dlib_box, five_of_68
from lianpu.faces.results import Face
from lianpu.imaging.picture import Picture
from lianpu.landmarks.scheme68 import FaceLabel, Points68
from lianpu.photo.reading import read_image

BoxSource = Literal["labels", "dlib", "points"]

_SAME_FACE_IOU = 0.4


@dataclass(frozen=True, eq=False)
class BoxedFace:
    """A labelled face with the box that a predictor starts from.

    Args:
        picture: the picture's file.
        points: (68, 2) float32, as labelled.
        box_xyxy: left, top, right, bottom.
        box_from: who drew the box: the `labels`, `dlib`'s detector, or a square about the labelled `points` where that detector
            finds no face (it knows where the face is, so scores with it are a little too good).
    """

    picture: Path
    points: Points68
    box_xyxy: BoxXyxy
    box_from: BoxSource


def give_boxes(labels: Sequence[FaceLabel], on_progress: Callable[[int, int], None] | None = None) -> tuple[BoxedFace, ...]:
    """The labelled faces, each with a box. A predictor must be trained on boxes of the detector that it will be used with.

    Raises:
        PictureError: a picture cannot be read.
    """
    finder = HogFinder()
    faces = []
    for done, label in enumerate(labels, start=1):
        if label.box_xyxy is not None:
            faces.append(BoxedFace(label.picture, label.points, label.box_xyxy, "labels"))
        else:
            faces.append(_found(label, read_image(label.picture), finder))
        if on_progress:
            on_progress(done, len(labels))
    return tuple(faces)


def _found(label: FaceLabel, picture: Picture, finder: HogFinder) -> BoxedFace:
    low, high = label.points.min(axis=0), label.points.max(axis=0)
    bounds = (float(low[0]), float(low[1]), float(high[0]) + 1, float(high[1]) + 1)
    square = dlib_box(Face(bounds, 1.0, five_of_68(label.points), "labels"))
    ideal = Face(square, 1.0, five_of_68(label.points), "labels")
    boxes = [box for box, _ in finder.find(picture)]
    overlaps = [overlap(ideal, Face(box, 1.0, ideal.points, "dlib")) for box in boxes]
    if overlaps and max(overlaps) >= _SAME_FACE_IOU:
        return BoxedFace(label.picture, label.points, boxes[overlaps.index(max(overlaps))], "dlib")
    return BoxedFace(label.picture, label.points, square, "points")
