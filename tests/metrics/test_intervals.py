"""95 % intervals against published and hand-made numbers."""

import math

import numpy as np
import pytest

from lianpu.metrics.intervals import bootstrap, wilson


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"), [(15, 16, 0.717, 0.989), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (81, 263, 0.255, 0.366)]
)
def test_wilson_gives_the_known_ends(hits: int, count: int, low: float, high: float) -> None:
    """81 of 263 is Newcombe's example (1998, table I, method 3)."""
    found = wilson(hits, count)
    assert found.value == hits / count
    assert (found.low, found.high) == pytest.approx((low, high), abs=6e-4)


def test_nothing_measured_may_be_anything() -> None:
    found = wilson(0, 0)
    assert math.isnan(found.value) and (found.low, found.high) == (0.0, 1.0)
    assert math.isnan(bootstrap([], 0).value)


def test_more_hits_than_tries_are_refused() -> None:
    with pytest.raises(ValueError, match="got 3 of 2"):
        wilson(3, 2)


def test_a_bootstrap_is_near_the_interval_of_a_mean_and_repeats_with_its_seed() -> None:
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)
    found = bootstrap(values, 0)
    half = 1.96 * values.std() / 20
    assert found.value == pytest.approx(values.mean())
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.05)
    assert bootstrap(values, 0) == found != bootstrap(values, 1)


def test_a_bootstrap_takes_any_statistic() -> None:
    assert bootstrap([3.0, 3.0, 3.0], 0, lambda drawn: float(np.median(drawn))).high == 3.0
