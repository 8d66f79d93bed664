"""The One Euro filter (Casiez et al. 2012)."""

import numpy as np
import pytest

from lianpu.video.tracking.one_euro import OneEuro, Smoothed, smoothed


def _through(values: np.ndarray, filter_: OneEuro) -> np.ndarray:
    state, out = Smoothed.begin(values[0]), [values[0]]
    for value in values[1:]:
        state = smoothed(state, value, 1 / 25, filter_)
        out.append(state.value)
    return np.stack(out)


def test_what_stands_still_stays_where_it_is() -> None:
    still = np.full((20, 3, 2), 7.5)
    assert np.allclose(_through(still, OneEuro()), still)


def test_trembling_gets_smaller_and_a_move_arrives() -> None:
    random = np.random.default_rng(0)
    trembling = 100 + random.normal(0, 1, (200, 5, 2))
    quiet = _through(trembling, OneEuro(min_cutoff_hz=1.0))
    assert np.diff(quiet[50:], axis=0).std() < 0.4 * np.diff(trembling[50:], axis=0).std()
    step = np.concatenate([np.zeros((5, 1, 2)), np.full((60, 1, 2), 10.0)])
    slow, quick = _through(step, OneEuro(beta=0.0)), _through(step, OneEuro(beta=1.0))
    assert slow[-1] == pytest.approx(10, abs=0.5)
    assert (quick[8] > slow[8]).all()  # speed opens the filter


def test_settings_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="positive cutoffs"):
        OneEuro(min_cutoff_hz=0.0)
