"""Who is edited to what, and how success is counted, on labels that can be followed by hand."""

import numpy as np
import pytest

from lianpu.attributes import AttributeSet, Transform
from lianpu.errors import SettingsError
from lianpu.evaluation.plan import (
    EditTask,
    TooFew,
    chosen_transforms,
    overall_task,
    success_by_attribute,
    success_share,
    transform_task,
)

ATTRIBUTES = AttributeSet.of(["Black_Hair", "Blond_Hair", "Male"])
BLACK, BLOND, BLACK_MAN = [1, 0, 0], [0, 1, 0], [1, 0, 1]


def labels(*rows: list[int]) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def test_a_transform_edits_the_faces_that_have_the_source_and_compares_with_those_that_have_the_target() -> None:
    task = transform_task(
        ATTRIBUTES,
        Transform({"Black_Hair": True}, {"Blond_Hair": True}),
        labels(BLACK, BLOND, BLACK_MAN),
        labels(BLOND, BLACK, BLOND),
        minimum=1,
    )
    assert isinstance(task, EditTask) and task.name == "Black_Hair -> Blond_Hair"
    assert task.source_rows.tolist() == [0, 2] and task.real_rows.tolist() == [0, 2]
    assert task.target_labels.tolist() == [[0, 1, 0], [0, 1, 1]]
    assert task.asked.tolist() == [[True, True, False]] * 2


def test_a_transform_with_too_few_faces_of_either_kind_gets_a_reason_instead_of_a_number() -> None:
    blond = Transform({"Black_Hair": True}, {"Blond_Hair": True})
    few_sources = transform_task(ATTRIBUTES, blond, labels(BLACK), labels(*[BLOND] * 10))
    few_targets = transform_task(ATTRIBUTES, blond, labels(*[BLACK] * 10), labels(BLOND))
    assert few_sources == TooFew(blond.name, "1 held-out faces have the source values; at least 10 are needed")
    assert few_targets == TooFew(blond.name, "1 real faces have the target values; at least 10 are needed")


def test_overall_targets_are_the_held_out_labels_in_another_order_and_the_same_for_the_same_seed() -> None:
    own = labels(*[BLACK] * 5, *[BLOND] * 5, *[BLACK_MAN] * 5)
    first, again, other = (overall_task(ATTRIBUTES, own, 30, seed) for seed in (0, 0, 1))
    assert first.target_labels.tolist() == again.target_labels.tolist() != other.target_labels.tolist()
    assert sorted(first.target_labels.tolist()) == sorted(own.tolist())
    assert len(first) == 15 and len(first.real_rows) == 30


def test_a_change_within_a_group_asks_for_the_whole_group_and_nothing_else() -> None:
    own = labels(BLACK, BLOND)
    seed = next(seed for seed in range(50) if (overall_task(ATTRIBUTES, own, 2, seed).target_labels != own).any())
    assert overall_task(ATTRIBUTES, own, 2, seed).asked.tolist() == [[True, True, False]] * 2


def made_task(own: np.ndarray, targets: np.ndarray, asked: list[list[bool]]) -> EditTask:
    return EditTask("overall", np.arange(len(own)), own, targets, np.arange(1), np.array(asked))


def test_a_hair_edit_counts_once_and_only_when_the_whole_group_is_right() -> None:
    """Face 1: blond seen. Face 2: nothing seen. Face 3: blond seen, but so is black: not reached. One of three."""
    task = made_task(labels(BLACK, BLACK, BLACK), labels(BLOND, BLOND, BLOND), [[True, True, False]] * 3)
    assert success_share(ATTRIBUTES, labels(BLOND, [0, 0, 0], [1, 1, 0]), task) == pytest.approx(1 / 3)


def test_what_was_not_asked_does_not_count() -> None:
    """Face 1 was asked for hair only; the judge sees a man, which is no failure of the hair edit."""
    task = made_task(labels(BLACK), labels(BLOND), [[True, True, False]])
    assert success_share(ATTRIBUTES, labels([0, 1, 1]), task) == 1.0


def test_success_of_edits_that_ask_for_nothing_is_none() -> None:
    assert success_share(ATTRIBUTES, labels(BLACK), made_task(labels(BLACK), labels(BLACK), [[False] * 3])) is None


def test_success_by_attribute_counts_only_the_edits_that_change_it() -> None:
    task = made_task(labels(BLACK, BLOND), labels(BLOND, [0, 1, 1]), [[True, True, False], [False, False, True]])
    seen = labels([0, 1, 0], [0, 1, 0])
    assert success_by_attribute(ATTRIBUTES, seen, task) == {"Black_Hair": (1.0, 1), "Blond_Hair": (1.0, 1), "Male": (0.0, 1)}


def test_transforms_are_the_named_ones_or_the_default_ones() -> None:
    assert [one.name for one in chosen_transforms(ATTRIBUTES, ["Male -> not Male"])] == ["Male -> not Male"]
    assert [one.name for one in chosen_transforms(ATTRIBUTES, [])] == [one.name for one in ATTRIBUTES.transforms()]
    with pytest.raises(SettingsError, match="did you mean 'Male'"):
        chosen_transforms(ATTRIBUTES, ["Mal -> not Mal"])
