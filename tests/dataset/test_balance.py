import numpy as np

from lianpu.attributes import AttributeSet
from lianpu.dataset.balance import drawing_weights
from lianpu.dataset.order import step_rows

ATTRIBUTES = AttributeSet.of(("Black_Hair", "Blond_Hair", "Male"))


def _labels() -> np.ndarray:
    """90 black-haired men and 10 blond women."""
    return np.array([[1, 0, 1]] * 90 + [[0, 1, 0]] * 10, dtype=np.float32)


def test_balanced_weights_draw_a_rare_kind_as_often_as_a_common_one() -> None:
    weights = drawing_weights(ATTRIBUTES, _labels(), 1.0)
    assert np.isclose(weights[:90].sum(), weights[90:].sum())
    rows = np.concatenate([step_rows(100, 50, 0, step, weights)[0] for step in range(1, 41)])
    assert 0.45 < (rows >= 90).mean() < 0.55


def test_strength_0_draws_all_alike_and_half_lies_between() -> None:
    assert np.allclose(drawing_weights(ATTRIBUTES, _labels(), 0.0), 1.0)
    full, half = (drawing_weights(ATTRIBUTES, _labels(), strength) for strength in (1.0, 0.5))
    assert 1 < half[99] / half[0] < full[99] / full[0]


def test_a_weighted_step_does_not_depend_on_what_was_asked_before_and_flips_stay() -> None:
    weights = drawing_weights(ATTRIBUTES, _labels(), 1.0)
    rows, flips = step_rows(100, 8, 3, 17, weights)
    step_rows(100, 8, 3, 18, weights)
    again, flips_again = step_rows(100, 8, 3, 17, weights)
    assert np.array_equal(rows, again) and np.array_equal(flips, flips_again)
    assert np.array_equal(flips, step_rows(100, 8, 3, 17)[1])
