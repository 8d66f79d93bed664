"""The attributes of drawn people: how often, how independent, and what overriding one does."""

import numpy as np
import pytest

from lianpu.attributes import HAIR_COLORS
from lianpu.drawing.attributes import CHANCE_OF, DRAWN_ATTRIBUTES, chance, hair_color_of, sample_attributes
from lianpu.errors import SettingsError

PEOPLE = [sample_attributes(1, index) for index in range(3000)]
TABLE = np.array([[person[name] for name in DRAWN_ATTRIBUTES] for person in PEOPLE], float)


def _column(name: str) -> np.ndarray:
    return TABLE[:, DRAWN_ATTRIBUTES.index(name)]


@pytest.mark.parametrize("name", CHANCE_OF)
def test_attributes_that_stand_alone_are_as_frequent_as_they_should_be(name: str) -> None:
    assert _column(name).mean() == pytest.approx(CHANCE_OF[name], abs=0.03)


@pytest.mark.parametrize("name", HAIR_COLORS)
def test_each_hair_colour_is_about_one_face_in_five(name: str) -> None:
    assert _column(name).mean() == pytest.approx(0.2, abs=0.03)


def test_at_most_one_hair_colour_is_true_and_some_have_none() -> None:
    colors = np.stack([_column(name) for name in HAIR_COLORS]).sum(0)
    assert set(np.unique(colors)) == {0.0, 1.0}
    assert 0.1 < (colors == 0).mean() < 0.3


def test_grey_hair_is_mostly_not_young() -> None:
    gray = _column("Gray_Hair") == 1
    assert _column("Young")[gray].mean() < 0.2


def test_attributes_other_than_hair_and_age_are_independent() -> None:
    names = [name for name in DRAWN_ATTRIBUTES if name not in ("Gray_Hair", "Young")]
    links = np.corrcoef(np.stack([_column(name) for name in names]))
    for first, name in enumerate(names):
        for second, other in enumerate(names):
            if first != second and not {name, other} <= set(HAIR_COLORS):
                assert abs(links[first, second]) < 0.07, (name, other)


def test_overriding_one_attribute_leaves_the_others() -> None:
    for index in range(50):
        drawn = sample_attributes(2, index)
        for name in ("Male", "Young", "Eyeglasses"):
            wanted = sample_attributes(2, index, {name: not drawn[name]})
            assert {other for other in drawn if drawn[other] != wanted[other]} == {name}


def test_overriding_a_hair_colour_takes_the_place_of_the_old_one() -> None:
    for index in range(50):
        wanted = sample_attributes(2, index, {"Blond_Hair": True})
        assert hair_color_of(wanted) == "Blond_Hair" and sum(wanted[name] for name in HAIR_COLORS) == 1


def test_a_hair_colour_can_be_taken_away() -> None:
    assert hair_color_of(sample_attributes(2, 0, dict.fromkeys(HAIR_COLORS, False))) is None


def test_two_hair_colours_and_unknown_names_are_refused() -> None:
    with pytest.raises(SettingsError, match="Black_Hair and Gray_Hair exclude each other"):
        sample_attributes(1, 1, {"Black_Hair": True, "Gray_Hair": True})
    with pytest.raises(SettingsError, match=r"no attribute 'male' \(did you mean 'Male'\?\)"):
        sample_attributes(1, 1, {"male": True})


def test_each_topic_has_its_own_stream() -> None:
    first, again, other = chance(1, 2, "hair"), chance(1, 2, "hair"), chance(1, 2, "head")
    value = first.random()
    assert value == again.random() and value != other.random()
