"""Curves that never overshoot, by hand and against SciPy."""

import numpy as np
import pytest
from scipy.interpolate import PchipInterpolator

from lianpu.imaging.curves import monotone_curve


def test_a_line_stays_a_line_and_a_plateau_a_plateau() -> None:
    at = np.linspace(-1, 4, 11)
    assert np.allclose(monotone_curve([0, 1, 3], [2, 4, 8], at), 2 + 2 * at)
    assert np.allclose(monotone_curve([0, 1, 2, 3], [0, 1, 1, 5], np.array([1.0, 1.3, 2.0])), 1)


def test_it_goes_through_its_points_and_never_overshoots() -> None:
    places, values = [-1.0, 20.0, 24.0, 60.0, 101.0], [0.0, 3.0, 30.0, 31.0, 90.0]
    curve = monotone_curve(places, values, np.linspace(-1, 101, 1001))
    assert np.allclose(monotone_curve(places, values, np.array(places)), values)
    assert (np.diff(curve) >= -1e-9).all() and curve.min() >= 0 and curve.max() <= 90


@pytest.mark.parametrize("seed", range(6))
def test_it_is_scipys(seed: int) -> None:
    chance = np.random.default_rng(seed)
    places = np.cumsum(chance.uniform(0.1, 5, 6))
    values = chance.normal(size=6) if seed % 2 else np.cumsum(chance.uniform(0, 3, 6))
    at = np.linspace(places[0] - 1, places[-1] + 1, 200)
    assert np.allclose(monotone_curve(places.tolist(), values.tolist(), at), PchipInterpolator(places, values)(at), atol=1e-9)
