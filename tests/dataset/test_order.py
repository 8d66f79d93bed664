"""Chance depends only on (seed, step)."""

import numpy as np
import pytest

from lianpu.dataset.order import step_rows


def _walk(count: int, batch_size: int, seed: int, steps: range) -> np.ndarray:
    return np.concatenate([step_rows(count, batch_size, seed, step)[0] for step in steps])


@pytest.mark.parametrize(("count", "batch_size"), [(10, 5), (10, 4), (7, 3), (3, 8), (1, 2)])
def test_every_epoch_shows_every_face_once_also_when_a_batch_spans_epochs(count: int, batch_size: int) -> None:
    seen = _walk(count, batch_size, 5, range(1, count * 2 + 1))
    epochs = seen[: len(seen) // count * count].reshape(-1, count)
    assert (np.sort(epochs, axis=1) == np.arange(count)).all()


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first, second = _walk(50, 50, 0, range(1, 2)), _walk(50, 50, 0, range(2, 3))
    other = _walk(50, 50, 1, range(1, 2))
    assert not (first == second).all() and not (first == other).all()


def test_a_step_does_not_depend_on_what_was_asked_before() -> None:
    later = step_rows(100, 16, 3, 700)
    for step in (1, 699, 5000):
        step_rows(100, 16, 3, step)
    again = step_rows(100, 16, 3, 700)
    assert (later[0] == again[0]).all() and (later[1] == again[1]).all()


def test_flips_are_a_fair_coin() -> None:
    flips = np.concatenate([step_rows(1000, 100, 9, step)[1] for step in range(1, 101)])
    assert flips.mean() == pytest.approx(0.5, abs=0.02)
    by_place = np.stack([step_rows(1000, 100, 9, step)[1] for step in range(1, 101)]).mean(axis=0)
    assert by_place.min() > 0.25 and by_place.max() < 0.75


def test_the_numbers_are_the_same_in_every_version() -> None:
    rows, flips = step_rows(10, 6, 42, 2)
    assert rows.tolist() == [6, 0, 4, 7, 6, 9] and flips.astype(int).tolist() == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize("wrong", [(0, 1, 0, 1), (1, 0, 0, 1), (1, 1, 0, 0)])
def test_steps_count_from_1(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="start at 1"):
        step_rows(*wrong)
