"""Errors of predicted points: NME, the area under the error curve, and failure rates.

The protocol is that of 300-W (Sagonas et al. 2016, 300 Faces In-The-Wild Challenge: database and results): a face's error is the
mean distance of its 68 points, divided by the distance of the labelled outer eye corners.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.errors import DataError
from lianpu.faces.dlib_models import ShapePredictor
from lianpu.landmarks.boxes import BoxedFace
from lianpu.landmarks.scheme68 import COUNT, REGIONS, inter_ocular, inter_pupil
from lianpu.photo.reading import read_image

Errors = np.ndarray[Any, np.dtype[np.float64]]

AUC_LIMIT = 0.08

FAILURE_LIMITS = (0.08, 0.10)


@dataclass(frozen=True, eq=False)
class LandmarkScores:
    """The scores of a predictor; errors are shares of an eye distance (0.05 is 5 %).

    Args:
        faces: how many faces were scored.
        nme_inter_ocular: mean error, divided by the distance of the outer eye corners.
        nme_inter_pupil: mean error, divided by the distance of the centres of the eyes; about 1.4 times as large.
        median_inter_ocular: median over the faces; a few lost faces do not move it.
        auc_at_008: area under the cumulative curve of errors up to 0.08, 0 to 1; 1 is perfect.
        failure_at_008: share of faces whose error is above 0.08.
        failure_at_010: likewise above 0.10.
        by_region: mean error of the points of each region, inter-ocular.
        errors: (N,) the error of each face, inter-ocular.
    """

    faces: int
    nme_inter_ocular: float
    nme_inter_pupil: float
    median_inter_ocular: float
    auc_at_008: float
    failure_at_008: float
    failure_at_010: float
    by_region: dict[str, float]
    errors: Errors

    def as_json(self) -> dict[str, Any]:
        """All but the errors of single faces, as JSON can hold it."""
        return {name: value for name, value in vars(self).items() if name != "errors"}


def landmark_scores(predicted: np.ndarray, labelled: np.ndarray) -> LandmarkScores:
    """The scores of predicted points (N, 68, 2) against labelled ones (N, 68, 2).

    Raises:
        ValueError: the shapes differ or are empty, or a labelled face's eye corners lie in one place.
    """
    if predicted.shape != labelled.shape or predicted.shape[1:] != (COUNT, 2) or not len(predicted):
        raise ValueError(f"scores compare points (N, 68, 2) of the same faces, got {predicted.shape} and {labelled.shape}")
    corners = inter_ocular(labelled)
    if not (corners > 0).all():
        raise ValueError(f"face {int(np.argmin(corners))} has both outer eye corners in one place")
    distances = point_distances(predicted, labelled)
    errors = distances.mean(axis=1) / corners
    relative = distances / corners[:, None]
    return LandmarkScores(
        faces=len(errors),
        nme_inter_ocular=float(errors.mean()),
        nme_inter_pupil=float((distances.mean(axis=1) / inter_pupil(labelled)).mean()),
        median_inter_ocular=float(np.median(errors)),
        auc_at_008=area_under_curve(errors, AUC_LIMIT),
        failure_at_008=failure_rate(errors, FAILURE_LIMITS[0]),
        failure_at_010=failure_rate(errors, FAILURE_LIMITS[1]),
        by_region={name: float(relative[:, list(points)].mean()) for name, points in REGIONS.items()},
        errors=errors,
    )


def point_distances(predicted: np.ndarray, labelled: np.ndarray) -> Errors:
    """(N, K): the error of each point in pixels."""
    return np.linalg.norm(predicted.astype(np.float64) - labelled.astype(np.float64), axis=2)


def area_under_curve(errors: np.ndarray, limit: float) -> float:
    """Area under the share of faces with an error of at most e, for e from 0 to `limit`, divided by `limit`.

    Exact: a face of error e is counted from e to the limit.
    """
    return float(np.clip(1.0 - np.asarray(errors, dtype=np.float64) / limit, 0.0, 1.0).mean())


def failure_rate(errors: np.ndarray, limit: float) -> float:
    """The share of errors above `limit`."""
    return float((np.asarray(errors) > limit).mean())


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
