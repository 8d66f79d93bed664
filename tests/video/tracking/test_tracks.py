"""What is averaged over the frames of a track."""

from collections.abc import Iterator

import numpy as np

from lianpu.faces.results import SexAge
from lianpu.video.tracking.tracks import Looks, next_looks


def _readings() -> Iterator[SexAge]:
    """Of a face of 40 that looks rather female: as far apart as those of a still face are at worst."""
    chance = np.random.default_rng(4)
    while True:
        yield SexAge(float(np.clip(0.3 + chance.normal(0, 0.05), 0, 1)), 40 + float(chance.normal(0, 3)), "drawn")


def test_how_a_face_looks_is_read_rarely_and_moves_slowly() -> None:
    source, calls, state = _readings(), 0, None
    shown: list[SexAge] = []

    def read() -> SexAge:
        nonlocal calls
        calls += 1
        return next(source)

    for number in range(240):
        state = next_looks(state, number + 7, 1 / 25, read)
        assert state is not None
        shown.append(state.shown)
    assert calls < 25
    assert np.abs(np.diff([one.age for one in shown])).max() < 0.15
    assert np.abs(np.diff([one.male_score for one in shown])).max() < 0.003
    assert abs(shown[-1].age - 40) < 1.5 and abs(shown[-1].male_score - 0.3) < 0.03


def test_a_face_that_cannot_be_read_is_tried_again_and_one_that_was_read_keeps_its_looks() -> None:
    assert next_looks(None, 0, 0.04, lambda: None) is None
    known = Looks(SexAge(0.2, 30.0, ""), SexAge(0.2, 30.0, ""))
    assert next_looks(known, 0, 0.04, lambda: None) == known
