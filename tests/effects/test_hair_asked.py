import numpy as np
import pytest

from lianpu.effects.hair import asked_color
from lianpu.imaging.color import lab_of_color

WEIGHT = np.zeros((32, 32), dtype=np.float32)
WEIGHT[4:20, 4:28] = 1


def _crop(color: tuple[int, int, int]) -> np.ndarray:
    crop = np.full((32, 32, 3), 128, dtype=np.uint8)
    crop[4:20, 4:28] = color
    return crop


def test_the_colour_is_read_where_the_editor_changed_most() -> None:
    before, after = _crop((40, 30, 20)), _crop((40, 30, 20))
    after[4:14, 4:28] = (216, 176, 112)  # patchy: the rest of the hair stays dark
    asked = asked_color(before, after, WEIGHT)
    assert asked is not None
    assert asked[0] == pytest.approx(lab_of_color("#d8b070"), abs=0.5) and asked[1] == 1.0


def test_an_even_editor_that_darkens_is_not_read_from_highlights() -> None:
    """Black hair to black: only its shine is dimmed, and what is left of it is not the colour that was asked for."""
    before, after = _crop((10, 9, 8)), _crop((8, 7, 6))
    before[4:9, 4:28], after[4:9, 4:28] = (120, 100, 90), (70, 60, 54)
    patchy, even = asked_color(before, after, WEIGHT), asked_color(before, after, WEIGHT, even=True)
    assert patchy is not None and even is not None
    assert patchy[0][0] > 20 and even[0] == pytest.approx(lab_of_color("#080706"), abs=0.5)
    assert even[1] < 0.2 and patchy[1] > 0.9


def test_what_changes_outside_the_hair_says_nothing_of_its_colour() -> None:
    before, after = _crop((40, 30, 20)), _crop((40, 30, 20))
    after[22:] = (255, 0, 0)
    asked = asked_color(before, after, WEIGHT)
    assert asked is not None and asked[1] == 0.0


def test_an_editor_that_hardly_changes_anything_is_hardly_believed() -> None:
    sure = []
    for step in (0, 3, 8, 60):
        asked = asked_color(_crop((60, 60, 60)), _crop((60 + step,) * 3), WEIGHT)
        assert asked is not None
        sure.append(asked[1])
    assert sure[0] == 0 and sure == sorted(sure) and 0 < sure[2] < 1 and sure[3] == 1


def test_no_hair_has_no_colour() -> None:
    assert asked_color(_crop((1, 2, 3)), _crop((9, 9, 9)), np.zeros((32, 32), dtype=np.float32)) is None
