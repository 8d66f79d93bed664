"""Scoring a predictor on labelled faces."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.errors import DataError
from lianpu.image import read_image
from lianpu.landmarks.boxes import BoxedFace
from lianpu.landmarks.scores import LandmarkScores, landmark_scores
from lianpu.perception.dlib_predictor import ShapePredictor


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of a predictor, and what they depend on.

    Args:
        scores: see there.
        boxes: how many boxes each source drew (`labels`, `dlib`, `points`).
        worst: up to five pictures with the largest errors, each with its error, inter-ocular.
    """

    scores: LandmarkScores
    boxes: dict[str, int]
    worst: tuple[tuple[str, float], ...]

    def as_json(self) -> dict[str, Any]:
        """Everything, as JSON can hold it."""
        return {**self.scores.as_json(), "boxes": self.boxes, "worst": dict(self.worst)}


def evaluate_predictor(
    predictor: ShapePredictor, faces: Sequence[BoxedFace], on_progress: Callable[[int, int], None] | None = None
) -> Evaluation:
    """The scores of a 68-point predictor that starts from each face's box.

    Raises:
        DataError: there is no face.
        PictureError: a picture cannot be read.
    """
    if not faces:
        raise DataError("There is no labelled face to score a predictor on. Give labelled faces.")
    predicted = []
    for done, face in enumerate(faces, start=1):
        predicted.append(predictor.predict(read_image(face.picture), face.box_xyxy))
        if on_progress:
            on_progress(done, len(faces))
    scores = landmark_scores(np.stack(predicted), np.stack([face.points for face in faces]))
    worst = np.argsort(-scores.errors)[:5]
    return Evaluation(
        scores,
        dict(Counter(face.box_from for face in faces)),
        tuple((faces[index].picture.name, float(scores.errors[index])) for index in worst),
    )
