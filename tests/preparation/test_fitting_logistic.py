"""The fit against one by a library, and chances that keep what they promise."""

import numpy as np
import pytest
from scipy.optimize import minimize

from lianpu.preparation.fitting import fit_calibrated, fit_logistic


def _faces(count: int, features: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    values = chance.normal(size=(count, features))
    truth = chance.random(count) < 1 / (1 + np.exp(-(values[:, 0] * 2 - 0.5)))
    return values, truth


def test_the_fit_is_the_minimum_that_a_library_finds() -> None:
    values, truth = _faces(200, 3)
    weights, bias = fit_logistic(values, truth, 2.0)

    def loss(solution: np.ndarray) -> float:
        answers = values @ solution[:3] + solution[3]
        return float(np.logaddexp(0, np.where(truth, -answers, answers)).sum() + solution[:3] @ solution[:3])

    found = minimize(loss, np.zeros(4), tol=1e-12).x
    assert [*weights, bias] == pytest.approx(found.tolist(), abs=1e-4)


def test_values_that_part_the_faces_wholly_are_no_trouble() -> None:
    values = np.concatenate([np.full(50, -5.0), np.full(10, -1.0)])[:, None]
    fitted = fit_calibrated(values, values[:, 0] > -2)
    chances = 1 / (1 + np.exp(-(values @ fitted.weights + fitted.bias)))
    assert chances[:50].max() < 0.2 and chances[50:].min() > 0.8


def test_many_features_on_few_faces_do_not_make_chances_too_sure() -> None:
    values, truth = _faces(300, 100)
    fitted = fit_calibrated(values, truth)
    new_values, new_truth = _faces(5000, 100, seed=1)
    chances = 1 / (1 + np.exp(-(new_values @ fitted.weights + fitted.bias)))
    sure = np.maximum(chances, 1 - chances) > 0.9
    right = ((chances > 0.5) == new_truth)[sure]
    assert sure.sum() > 100 and right.mean() > 0.88
    assert len(fitted.held_out) == 300 and np.corrcoef(fitted.held_out, truth)[0, 1] > 0.3


def test_too_few_faces_of_a_kind_are_refused() -> None:
    values, truth = _faces(20, 2)
    truth[:] = False
    truth[:4] = True
    with pytest.raises(ValueError, match="4 faces with it and 16 without, 5 of each are needed"):
        fit_calibrated(values, truth)
