"""Which faces are edited to what, and which real faces they are compared with: decided before any network runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lianpu.attributes import AttributeSet, Labels, Transform, rows_with
from lianpu.evaluation.protocol import OVERALL

MINIMUM_FACES = 10
"""A transform with fewer edited or real faces gets no number: it would say more about the draw than about the editor."""


@dataclass(frozen=True)
class EditTask:
    """One row of the score table.

    Args:
        name: `overall`, or the transform as tables print it.
        source_rows: (N,) indices of the held-out faces that are edited.
        source_labels: (N, A) their own labels.
        target_labels: (N, A) what they are edited to.
        real_rows: (M,) indices of the real faces of the reference split that the edits are compared with.
        asked: (N, A) true where the target is asked of the edit: what success is judged on.
    """

    name: str
    source_rows: np.ndarray
    source_labels: Labels
    target_labels: Labels
    real_rows: np.ndarray
    asked: np.ndarray

    def __len__(self) -> int:
        return len(self.source_rows)


@dataclass(frozen=True)
class TooFew:
    """A transform that gets no distance, or no number at all (`no_source`), and why."""

    name: str
    reason: str


def overall_task(attributes: AttributeSet, labels: Labels, real_count: int, seed: int) -> EditTask:
    """Every held-out face edited to the labels of another, drawn as in training: a seeded permutation of the labels."""
    rows = np.arange(len(labels))
    targets = labels[np.random.default_rng(seed).permutation(len(labels))]
    return EditTask(OVERALL, rows, labels, targets, np.arange(real_count), _with_groups(attributes, targets != labels))


def transform_task(
    attributes: AttributeSet, transform: Transform, labels: Labels, reference_labels: Labels, minimum: int = MINIMUM_FACES
) -> EditTask | TooFew:
    """The held-out faces that have the source values, edited to the target; real faces are those that have the target values.

    Args:
        labels: (N, A) of the held-out faces.
        reference_labels: (M, A) of the real faces of the reference split.
        minimum: fewest faces of either kind that give a number.
    """
    sources = rows_with(attributes, labels, transform.source)
    real = rows_with(attributes, reference_labels, transform.target)
    if len(sources) < minimum:
        return TooFew(transform.name, f"{len(sources)} held-out faces have the source values; at least {minimum} are needed")
    if len(real) < minimum:
        return TooFew(transform.name, f"{len(real)} real faces have the target values; at least {minimum} are needed")
    source_labels = labels[sources]
    targets = attributes.with_values(source_labels, transform.target)
    asked = np.zeros(targets.shape, dtype=bool)
    for name in transform.target:
        asked[:, [attributes.index(member) for member in attributes.group_of(name)]] = True
    return EditTask(transform.name, sources, source_labels, targets, real, asked)


def chosen_transforms(attributes: AttributeSet, names: Sequence[str]) -> tuple[Transform, ...]:
    """The transforms spelled in `names`, or the default ones when it is empty. Raises SettingsError for an unknown attribute."""
    return tuple(map(attributes.parse_transform, names)) if names else attributes.transforms()


def _with_groups(attributes: AttributeSet, changed: np.ndarray) -> np.ndarray:
    """A change of one member of a group asks for the whole group."""
    asked = changed.copy()
    for group in attributes.groups:
        columns = [attributes.index(name) for name in group]
        asked[:, columns] = changed[:, columns].any(axis=1, keepdims=True)
    return asked


def success_by_face(attributes: AttributeSet, seen: Labels, task: EditTask) -> np.ndarray:
    """(N, 2): of each face how many requested changes the judge finds, and how many there are: each group, and each attribute alone, is one.

    Args:
        seen: (N, A) in {0, 1}: the judge's predictions on the pictures.
    """
    found = np.zeros((len(task), 2))
    for columns in attributes.units():
        index = list(columns)
        wanted = task.asked[:, index].any(axis=1)
        right = (seen[:, index] == task.target_labels[:, index]).all(axis=1)
        found += np.stack([wanted & right, wanted], axis=1)
    return found


def success_share(attributes: AttributeSet, seen: Labels, task: EditTask) -> float | None:
    """Share of the requested changes that the judge finds (`success_by_face`), 0 to 1.

    None if no change was requested (all targets equal the faces' own labels).
    """
    reached, asked = success_by_face(attributes, seen, task).sum(axis=0).tolist()
    return reached / asked if asked else None


def success_by_attribute(attributes: AttributeSet, seen: Labels, task: EditTask) -> dict[str, tuple[float, int]]:
    """Per attribute: share of the edits that change it where the judge sees the target value, and how many there are."""
    result = {}
    for name in attributes.names:
        column = attributes.index(name)
        changed = task.target_labels[:, column] != task.source_labels[:, column]
        if changed.any():
            right = seen[changed, column] == task.target_labels[changed, column]
            result[name] = (float(right.mean()), int(changed.sum()))
    return result
