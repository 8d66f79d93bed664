"""What the label vector means, and what setting one attribute does to the others."""

import numpy as np
import pytest

from lianpu.attributes import AttributeSet, Labels, balanced_folds, is_hair_color, rows_with
from lianpu.errors import SettingsError, nearest_name

FIVE = AttributeSet.of(["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"])


def _labels(*rows: list[int]) -> Labels:
    return np.array(rows, dtype=np.float32)


def test_hair_colours_are_a_group_only_when_there_are_two_or_more() -> None:
    assert FIVE.groups == (("Black_Hair", "Blond_Hair", "Brown_Hair"),)
    assert AttributeSet.of(["Black_Hair", "Male"]).groups == ()
    assert FIVE.group_of("Blond_Hair") == FIVE.groups[0] and FIVE.group_of("Male") == ("Male",)


def test_classes_are_one_group_of_which_exactly_one_is_true() -> None:
    classes = AttributeSet.of_classes(["a", "b"])
    assert classes.one_class and classes.groups == (("a", "b"),)
    assert AttributeSet.of_classes(["a"]).groups == ()


def test_setting_one_hair_colour_takes_the_others_away() -> None:
    labels = _labels([1, 0, 0, 1, 0], [0, 0, 0, 0, 1])
    blond = FIVE.with_values(labels, {"Blond_Hair": True})
    assert blond.tolist() == [[0, 1, 0, 1, 0], [0, 1, 0, 0, 1]]
    assert labels[0].tolist() == [1, 0, 0, 1, 0] and blond.dtype == np.float32  # the given ones stay


@pytest.mark.parametrize("values", [{"Blond_Hair": True, "Black_Hair": False}, {"Black_Hair": False, "Blond_Hair": True}])
def test_the_order_of_the_values_does_not_matter(values: dict[str, bool]) -> None:
    assert FIVE.with_values(_labels([1, 0, 0, 0, 0]), values).tolist() == [[0, 1, 0, 0, 0]]


def test_taking_a_hair_colour_away_leaves_none() -> None:
    assert FIVE.with_values(_labels([1, 0, 0, 1, 1]), {"Black_Hair": False, "Male": False}).tolist() == [[0, 0, 0, 0, 1]]


def test_two_colours_at_once_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"Black_Hair and Brown_Hair exclude each other. Set one of them"):
        FIVE.with_values(_labels([0, 0, 0, 0, 0]), {"Black_Hair": True, "Brown_Hair": True})


def test_an_unknown_attribute_is_refused_with_the_nearest_and_the_list() -> None:
    with pytest.raises(SettingsError) as caught:
        FIVE.with_values(_labels([0, 0, 0, 0, 0]), {"blond-hair": True})
    assert "'blond-hair' is not an attribute here (did you mean 'Blond_Hair'?)" in str(caught.value)
    assert "Known: Black_Hair, Blond_Hair, Brown_Hair, Male, Young" in str(caught.value)


def test_toggling_puts_on_a_colour_and_flips_the_rest() -> None:
    labels = _labels([1, 0, 0, 1, 0])
    assert FIVE.toggled(labels, "Black_Hair").tolist() == [[1, 0, 0, 1, 0]]
    assert FIVE.toggled(labels, "Brown_Hair").tolist() == [[0, 0, 1, 1, 0]]
    assert FIVE.toggled(labels, "Male").tolist() == [[1, 0, 0, 0, 0]]
    assert FIVE.toggled(labels, "Young").tolist() == [[1, 0, 0, 1, 1]]


def test_the_transforms_are_all_pairs_of_a_group_and_both_flips_of_the_rest() -> None:
    names = [transform.name for transform in FIVE.transforms()]
    assert len(names) == len(set(names)) == 6 + 4
    assert names[0] == "Black_Hair -> Blond_Hair"
    assert {"Brown_Hair -> Black_Hair", "Male -> not Male", "not Male -> Male", "not Young -> Young"} <= set(names)


def test_every_transform_is_read_back_from_its_name() -> None:
    for transform in FIVE.transforms():
        assert FIVE.parse_transform(transform.name) == transform
    both = FIVE.parse_transform("Male + not Young -> Blond_Hair+not Male")
    assert both.source == {"Male": True, "Young": False} and both.target == {"Blond_Hair": True, "Male": False}
    assert FIVE.parse_transform(both.name) == both


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Male", "'Male' is no transform. Write it as 'Black_Hair -> Blond_Hair'"),
        ("Male -> ", "'' is not an attribute here"),
        ("very Male -> Young", "'very Male' is not an attribute here (did you mean 'Male'?)"),
        ("Black Hair -> Young", "'Black Hair' is not an attribute here"),
        ("not not Male -> Young", "'not Male' is not an attribute here"),
        ("Male -> Yuong", "'Yuong' is not an attribute here (did you mean 'Young'?)"),
    ],
)
def test_what_is_no_transform_is_refused(text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        FIVE.parse_transform(text)
    assert words in str(caught.value)


def test_an_attribute_whose_name_begins_with_not_can_be_named() -> None:
    odd = AttributeSet.of(["not smiling", "Male"])
    assert odd.parse_transform("not smiling -> not not smiling").target == {"not smiling": False}


@pytest.mark.parametrize(
    ("names", "groups", "words"),
    [
        ([], (), "No attributes are selected"),
        (["Male", "Young", "Male"], (), "selected_attrs names Male twice"),
        (["Male"], (("Male", "Femal"),), "'Femal' is not an attribute here"),
    ],
)
def test_a_set_that_cannot_be_is_refused(names: list[str], groups: tuple[tuple[str, ...], ...], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        AttributeSet(tuple(names), groups)


@pytest.mark.parametrize("attributes", [FIVE, AttributeSet.of_classes(["a", "b"]), AttributeSet.of(["Male"])])
def test_a_set_is_read_back_from_json(attributes: AttributeSet) -> None:
    assert AttributeSet.from_json(attributes.to_json()) == attributes


def test_rows_with_all_the_values() -> None:
    labels = _labels([1, 0, 0, 1, 0], [1, 0, 0, 0, 1], [0, 1, 0, 1, 1])
    assert rows_with(FIVE, labels, {"Black_Hair": True}).tolist() == [0, 1]
    assert rows_with(FIVE, labels, {"Black_Hair": True, "Male": False}).tolist() == [1]
    assert rows_with(FIVE, labels, {"Brown_Hair": True}).tolist() == []
    assert rows_with(FIVE, labels, {}).tolist() == [0, 1, 2]


@pytest.mark.parametrize(("name", "expected"), [("selected_attr", " (did you mean 'selected_attrs'?)"), ("zzz", ""), ("", "")])
def test_the_nearest_name_is_suggested_when_one_is_near(name: str, expected: str) -> None:
    assert nearest_name(name, ["selected_attrs", "batch_size"]) == expected
    assert nearest_name(name, []) == ""


def test_a_difference_says_what_shall_change_and_a_new_group_member_says_all() -> None:
    attributes = AttributeSet.of(("Black_Hair", "Blond_Hair", "Male"))
    labels = np.array([[1, 0, 1], [0, 0, 1], [1, 0, 0], [0, 1, 0]], dtype=np.float32)
    targets = np.array([[0, 1, 1], [0, 1, 0], [0, 0, 1], [0, 1, 0]], dtype=np.float32)
    assert attributes.differences(labels, targets).tolist() == [[0, 1, 0], [0, 1, -1], [-1, 0, 1], [0, 0, 0]]


def test_units_are_groups_and_what_stands_alone() -> None:
    assert AttributeSet.of(("Male", "Black_Hair", "Young", "Blond_Hair")).units() == ((1, 3), (0,), (2,))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("Blond_Hair",), True),
        (("Black_Hair", "Blond_Hair"), True),
        (("Wavy_Hair",), False),
        (("Blond_Hair", "Male"), False),
        ((), False),
    ],
)
def test_only_colours_of_hair_are_colours_of_hair(names: tuple[str, ...], said: bool) -> None:
    assert is_hair_color(names) is said


def test_folds_hold_as_many_with_the_attribute_as_without_and_follow_from_the_seed() -> None:
    truth = np.arange(20) % 4 == 0
    folds = balanced_folds(truth, 5, seed=1)
    assert [int(truth[folds == fold].sum()) for fold in range(5)] == [1] * 5
    assert [int((folds == fold).sum()) for fold in range(5)] == [4] * 5
    assert np.array_equal(folds, balanced_folds(truth, 5, seed=1)) and not np.array_equal(folds, balanced_folds(truth, 5, seed=2))
