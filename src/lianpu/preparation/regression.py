"""Logistic regression on a few hundred faces: fitted, its penalty chosen and its chances made honest by cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

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
    shift, fitted to the held-out answers, mend that (Platt 1999, Probabilistic outputs for support vector machines).

    Raises:
        ValueError: fewer than FOLDS faces with or without it.
    """
    if min(truth.sum(), (~truth).sum()) < FOLDS:
        raise ValueError(f"{int(truth.sum())} faces with it and {int((~truth).sum())} without, {FOLDS} of each are needed")
    folds = _folds(truth, seed)
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


def _folds(truth: np.ndarray, seed: int) -> np.ndarray:
    """(N,) the fold of each face, those with and those without it spread evenly."""
    folds = np.empty(len(truth), dtype=int)
    chance = np.random.default_rng(seed)
    for kind in (True, False):
        rows = chance.permutation(np.flatnonzero(truth == kind))
        folds[rows] = np.arange(len(rows)) % FOLDS
    return folds


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
