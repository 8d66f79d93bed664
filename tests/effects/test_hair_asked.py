import numpy as np
import pytest

from lianpu.effects.hair import USUAL_SKIN, AskedColor, asked_color, meant_color, natural_target
from lianpu.imaging.color import lab_of_color
from lianpu.models.store.locate import commercial_safe

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
    assert asked.color == pytest.approx(lab_of_color("#d8b070"), abs=0.5) and asked.sure == 1.0


def _asked(color: str, own: str) -> AskedColor:
    return AskedColor(lab_of_color(color), 1.0, lab_of_color(color) - lab_of_color(own))


@pytest.mark.parametrize(
    ("shade", "drawn"), [("black", "#2a2320"), ("brown", "#5a3f2a"), ("blond", "#a07848"), ("gray", "#8a8078")]
)
def test_an_editor_that_moves_hair_to_a_colour_means_that_colour_as_it_looks_in_the_photo(shade: str, drawn: str) -> None:
    own = "#604020" if shade != "brown" else "#d0a060"
    meant, sure = meant_color(shade, _asked(drawn, own), lab_of_color(own), USUAL_SKIN)
    assert meant == pytest.approx(natural_target(shade, lab_of_color(own), USUAL_SKIN), abs=3) and sure > 0.5


def test_a_colour_of_another_kind_stays_as_drawn() -> None:
    own, blue = "#604020", "#2040c0"
    meant, sure = meant_color("black", _asked(blue, own), lab_of_color(own), USUAL_SKIN)
    assert meant == pytest.approx(lab_of_color(blue)) and sure == 1


def test_an_editor_that_does_nothing_means_nothing() -> None:
    own = lab_of_color("#604020")
    assert meant_color("black", AskedColor(own, 0.0, np.zeros(3, dtype=np.float32)), own, USUAL_SKIN)[1] == 0


def test_without_natural_shades_a_colour_stays_as_drawn() -> None:
    own, drawn = "#604020", "#2a2320"
    with commercial_safe(True):
        meant, _ = meant_color("black", _asked(drawn, own), lab_of_color(own), USUAL_SKIN)
    assert meant == pytest.approx(lab_of_color(drawn))


def test_what_changes_outside_the_hair_says_nothing_of_its_colour() -> None:
    before, after = _crop((40, 30, 20)), _crop((40, 30, 20))
    after[22:] = (255, 0, 0)
    asked = asked_color(before, after, WEIGHT)
    assert asked is not None and asked.sure == 0.0


def test_an_editor_that_hardly_changes_anything_is_hardly_believed() -> None:
    sure = []
    for step in (0, 3, 8, 60):
        asked = asked_color(_crop((60, 60, 60)), _crop((60 + step,) * 3), WEIGHT)
        assert asked is not None
        sure.append(asked.sure)
    assert sure[0] == 0 and sure == sorted(sure) and 0 < sure[2] < 1 and sure[3] == 1


def test_no_hair_has_no_colour() -> None:
    assert asked_color(_crop((1, 2, 3)), _crop((9, 9, 9)), np.zeros((32, 32), dtype=np.float32)) is None
