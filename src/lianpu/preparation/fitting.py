"""Logistic regression on a few hundred faces: fitted, its penalty chosen and its chances made honest by cross-validation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lianpu.attributes import balanced_folds
from lianpu.dataset.sources import read_table
from lianpu.dataset.table import UNLABELLED, FaceTable
from lianpu.errors import DataError, PictureError
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import opened_image, read_image
from lianpu.preparation.analysis import measured
from lianpu.preparation.label_rules import YOUNG, IdentityRule, LabelRules, MeasureRule, log_odds, term_values
from lianpu.preparation.labels import ATTRIBUTES, NO, UNKNOWN, YES, labels_of
from lianpu.preparation.measures import Measures, part_measures
from lianpu.preparation.models import AnalysisModels
from lianpu.preparation.scoring import Agreement, LabelScore

FOLDS = 5

PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A regression: chance = logistic(values @ weights + bias).

    Args:
        weights: (F,).
        bias: added to the weighted values.
        penalty: half of it times the squared weights was added to the loss.
        held_out: (N,) chances of the faces it was fitted to, each from a fit without it.
    """

    weights: np.ndarray
    bias: float
    penalty: float
    held_out: np.ndarray


def fit_calibrated(values: np.ndarray, truth: np.ndarray, seed: int = 0) -> Fitted:
    """The regression of truth (N,) bool on values (N, F).

    The penalty is the one with the smallest log loss on held-out fifths. On few faces the result is too sure of itself: a slope and a
    shift, fitted to the held-out answers, fix that (Platt 1999, Probabilistic outputs for support vector machines).

    Raises:
        ValueError: fewer than FOLDS faces with or without it.
    """
    if min(truth.sum(), (~truth).sum()) < FOLDS:
        raise ValueError(f"{int(truth.sum())} faces with it and {int((~truth).sum())} without, {FOLDS} of each are needed")
    folds = balanced_folds(truth, FOLDS, seed)
    held_out = {penalty: _held_out(values, truth, folds, penalty) for penalty in PENALTIES}
    penalty = min(PENALTIES, key=lambda each: _log_loss(_logistic(held_out[each]), truth))
    weights, bias = fit_logistic(values, truth, penalty)
    slope, shift = fit_logistic(held_out[penalty][:, None], truth, 1e-3)
    return Fitted(
        weights=slope[0] * weights,
        bias=slope[0] * bias + shift,
        penalty=penalty,
        held_out=_logistic(slope[0] * held_out[penalty] + shift),
    )


def fit_logistic(values: np.ndarray, truth: np.ndarray, penalty: float) -> tuple[np.ndarray, float]:
    """Weights (F,) and bias with the least log loss plus half the penalty times the squared weights (Newton's method)."""
    design = np.column_stack([values, np.ones(len(values))])
    ridge = np.diag([*np.full(values.shape[1], penalty), 1e-9])
    solution = np.zeros(design.shape[1])
    for _ in range(100):
        chance = _logistic(design @ solution)
        gradient = design.T @ (chance - truth) + ridge @ solution
        curvature = (design * (chance * (1 - chance))[:, None]).T @ design + ridge
        step = np.linalg.solve(curvature, gradient)
        solution -= step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return solution[:-1], float(solution[-1])


def _held_out(values: np.ndarray, truth: np.ndarray, folds: np.ndarray, penalty: float) -> np.ndarray:
    answers = np.empty(len(truth))
    for fold in range(FOLDS):
        inside = folds == fold
        weights, bias = fit_logistic(values[~inside], truth[~inside], penalty)
        answers[inside] = values[inside] @ weights + bias
    return answers


def _log_loss(chance: np.ndarray, truth: np.ndarray) -> float:
    sure = np.clip(np.where(truth, chance, 1 - chance), 1e-12, 1.0)
    return float(-np.log(sure).mean())


def _logistic(values: np.ndarray) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.clip(values, -500, 500)))


_LINEAR = ((0,),)

_QUADRATIC = ((0,), (1,), (2,), (0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))

_LAB = ("hair_lightness", "hair_a", "hair_b")

MEASURED: dict[str, tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]] = {
    "Black_Hair": (_LAB, _QUADRATIC),
    "Blond_Hair": (_LAB, _QUADRATIC),
    "Brown_Hair": (_LAB, _QUADRATIC),
    "Gray_Hair": ((*_LAB, YOUNG), (*_QUADRATIC, (3,), (0, 3), (1, 3), (2, 3), (3, 3))),
    "Eyeglasses": (("glasses",), _LINEAR),
    "Wearing_Hat": (("hat",), _LINEAR),
    "Wearing_Earrings": (("earrings",), _LINEAR),
    "Mouth_Slightly_Open": (("mouth_open",), _LINEAR),
}
"""The attributes that follow from parts: which measures, and which of their products."""

PROBED = ("Male", "Young")
"""The attributes that follow from the identity vector."""


@dataclass(frozen=True, eq=False)
class KnownFace:
    """A face whose labels are known, and what was measured on it."""

    labels: Mapping[str, bool]
    measures: Measures
    identity: np.ndarray


def fit_rules(faces: Sequence[KnownFace], trained_on: str, licence: str, encoder: str, parser: str) -> LabelRules:
    """Rules for every attribute that the faces are labelled with and that follows from what was measured on them.

    How young a face looks, for the rule on grey hair, is taken from probes that were fitted without it.

    Raises:
        DataError: too few faces with or without an attribute.
    """
    probes: dict[str, IdentityRule] = {}
    for name in PROBED:
        usable = [face for face in faces if name in face.labels and len(face.identity)]
        if usable:
            probes[name], chances = _fit_probe(name, usable)
            if name == "Young":
                faces = [_aged(face, chance) for face, chance in zip(usable, chances, strict=True)]
    rules = {name: _fit_measured(name, faces) for name in MEASURED if any(name in face.labels for face in faces)}
    return LabelRules(rules, probes, trained_on, licence, encoder, parser)


def known_faces(
    data: Path,
    split: str,
    models: AnalysisModels,
    masks: Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[FaceTable, list[KnownFace]]:
    """The faces of a split of a CelebAMask-HQ-like folder, measured as `prepare_faces` would; pictures without a face are left out.

    Args:
        data: the folder.
        split: train, val or test.
        models: what analyzes the pictures.
        masks: a folder of masks (PNG of class indices, named as the pictures) to take instead of the parser's; the pictures must be
            aligned as CelebAMask-HQ is.
        on_progress: called with pictures measured, and pictures in all.

    Raises:
        DataError: the folder or a picture is wrong, or the split is empty.
    """
    table = read_table("CelebAMask-HQ", data)
    rows = [row for row, own in enumerate(table.splits) if own == split]
    if not rows:
        raise DataError(f"{data} has no faces in the split '{split}' to measure.")
    faces = []
    for done, row in enumerate(rows, start=1):
        picture = read_image(table.root / table.files[row])
        found = models.find(picture)[0][:1]
        if found:
            [(identity, measures)] = measured(picture, found, models)
            if masks is not None:
                measures = part_measures(picture, _mask(masks / f"{Path(table.files[row]).stem}.png", picture))
            labels = {
                name: bool(value) for name, value in zip(table.attributes, table.labels[row], strict=True) if value != UNLABELLED
            }
            faces.append(KnownFace(labels, measures, identity))
        if on_progress is not None:
            on_progress(done, len(rows))
    return table, faces


def score_rules(rules: LabelRules, faces: Sequence[KnownFace], confidence: float) -> LabelScore:
    """How the labels that the rules give agree with the known ones."""
    ours = [labels_of(face.measures, face.identity, rules, confidence, {}) for face in faces]
    agreements = []
    for name in ATTRIBUTES:
        pairs = [(labels[name].value, face.labels[name]) for labels, face in zip(ours, faces, strict=True) if name in face.labels]
        if pairs:
            counted = Counter((value, truth) for value, truth in pairs if value != UNKNOWN)
            counts = counted[YES, True], counted[NO, False], counted[YES, False], counted[NO, True]
            agreements.append(Agreement(name, len(pairs), sum(counts), *counts))
    return LabelScore(len(faces), len(faces), tuple(agreements))


def _mask(file: Path, picture: Picture) -> np.ndarray:
    try:
        with opened_image(file) as image:
            mask = np.asarray(image)
    except PictureError as problem:
        raise DataError(
            f"{file} cannot be read as a mask ({str(problem).rstrip('.')}). Give the folder of masks, one PNG per picture."
        ) from None
    if mask.shape != picture.shape[:2]:
        raise DataError(
            f"{file} is {mask.shape[1]}x{mask.shape[0]}, its picture {picture.shape[1]}x{picture.shape[0]}. Give masks of one size."
        )
    return mask.astype(np.uint8)


def _fit_measured(name: str, faces: Sequence[KnownFace]) -> MeasureRule:
    inputs, terms = MEASURED[name]
    usable = [face for face in faces if name in face.labels and all(each in face.measures for each in inputs)]
    values = np.array([[face.measures[each] for each in inputs] for face in usable]).reshape(-1, len(inputs))
    if not len(values):
        raise DataError(f"{name} cannot be fitted: {', '.join(inputs)} were measured on no face. Give a parser or masks.")
    center, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-6)
    center_numbers, scale_numbers = tuple(center.tolist()), tuple(scale.tolist())
    products = term_values(values, center_numbers, scale_numbers, terms)
    fitted = _fit(name, products, [face.labels[name] for face in usable])
    return MeasureRule(inputs, center_numbers, scale_numbers, terms, _rounded(fitted.weights), round(fitted.bias, 4))


def _fit_probe(name: str, faces: Sequence[KnownFace]) -> tuple[IdentityRule, np.ndarray]:
    """The probe, and the chance of each face by a probe that has not seen it."""
    values = np.array([face.identity for face in faces], dtype=np.float64)
    spread = float(values.std(axis=0).mean())
    fitted = _fit(name, values / spread, [face.labels[name] for face in faces])
    return IdentityRule(_rounded(fitted.weights / spread), round(fitted.bias, 4)), fitted.held_out


def _aged(face: KnownFace, chance: float) -> KnownFace:
    return replace(face, measures=face.measures | {YOUNG: log_odds(chance)})


def _fit(name: str, values: np.ndarray, truth: Sequence[bool]) -> Fitted:
    try:
        return fit_calibrated(values, np.array(truth, dtype=bool))
    except ValueError as problem:
        raise DataError(f"{name} cannot be fitted: {problem}. Add labelled faces.") from None


def _rounded(weights: np.ndarray) -> tuple[float, ...]:
    return tuple(round(weight, 4) for weight in weights.tolist())
