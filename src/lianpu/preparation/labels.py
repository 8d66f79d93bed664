"""The labels of a face: what the rules are sure of, and what a person has said, which wins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from lianpu.attributes import HAIR_COLORS
from lianpu.preparation.label_rules import Estimate, LabelRules
from lianpu.preparation.part_measures import Measures

ATTRIBUTES: tuple[str, ...] = (
    *("Black_Hair", "Blond_Hair", "Brown_Hair", "Eyeglasses", "Gray_Hair"),
    *("Male", "Mouth_Slightly_Open", "Wearing_Earrings", "Wearing_Hat", "Young"),
)
"""What is labelled, in CelebA's order."""

YES, NO, UNKNOWN = 1, -1, 0
"""The values of CelebA's label files; 0 is unlabelled."""

PERSON = "person"


@dataclass(frozen=True)
class Label:
    """The value of one attribute of one face.

    Args:
        value: 1 has it, -1 has not, 0 nobody knows.
        estimate: what the value was made from; None when nothing that tells it was measured.
    """

    value: int
    estimate: Estimate | None

    @property
    def confidence(self) -> float:
        """How sure the estimate is of the likelier value, 0.5 to 1; 0 when there is none."""
        return max(self.estimate.chance, 1 - self.estimate.chance) if self.estimate else 0.0


def labels_of(
    measures: Measures, identity: np.ndarray, rules: LabelRules, confidence: float, corrections: Mapping[str, int]
) -> dict[str, Label]:
    """The labels of one face by attribute.

    Args:
        measures: what was measured on it.
        identity: vector (F,) of who it is, empty when not known.
        rules: what turns the measures into chances.
        confidence: values less sure than this are unlabelled.
        corrections: values that a person has given, by attribute; they hold whatever the rules say.
    """
    estimates = {name: rules.estimate(name, measures, identity) for name in ATTRIBUTES}
    sure = {name: Label(_value(estimate, confidence), estimate) for name, estimate in estimates.items()}
    return _corrected(_one_hair_color(sure), corrections)


def _value(estimate: Estimate | None, confidence: float) -> int:
    if estimate is None or max(estimate.chance, 1 - estimate.chance) < confidence:
        return UNKNOWN
    return YES if estimate.chance >= 0.5 else NO


def _one_hair_color(labels: dict[str, Label]) -> dict[str, Label]:
    """One colour that is sure means that the others are not there; two that are sure contradict each other, and are unknown."""
    there = [name for name in HAIR_COLORS if labels[name].value == YES]
    if not there:
        return labels
    others = dict.fromkeys((name for name in HAIR_COLORS if name not in there), NO)
    values = others if len(there) == 1 else others | dict.fromkeys(there, UNKNOWN)
    return labels | {name: Label(value, labels[name].estimate) for name, value in values.items()}


def _corrected(labels: dict[str, Label], corrections: Mapping[str, int]) -> dict[str, Label]:
    said = dict(corrections)
    if any(said.get(name) == YES for name in HAIR_COLORS):
        said = dict.fromkeys(HAIR_COLORS, NO) | said
    return labels | {name: Label(value, _by_person(value, labels[name])) for name, value in said.items()}


def _by_person(value: int, before: Label) -> Estimate | None:
    return Estimate(1.0 if value == YES else 0.0, PERSON) if value != UNKNOWN else before.estimate
