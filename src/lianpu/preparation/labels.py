"""The labels of a face: what the rules are sure of, and what a person has corrected, which wins."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np

from lianpu.attributes import HAIR_COLORS
from lianpu.dataset.text_files import read_text, refuse_lines
from lianpu.errors import nearest_name
from lianpu.preparation.label_rules import Estimate, LabelRules
from lianpu.preparation.measures import Measures
from lianpu.preparation.store import Store

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
        value: 1 has it, -1 has not, 0 unknown.
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
    given = dict(corrections)
    if any(given.get(name) == YES for name in HAIR_COLORS):
        given = dict.fromkeys(HAIR_COLORS, NO) | given
    return labels | {name: Label(value, _by_person(value, labels[name])) for name, value in given.items()}


def _by_person(value: int, before: Label) -> Estimate | None:
    return Estimate(1.0 if value == YES else 0.0, PERSON) if value != UNKNOWN else before.estimate


CORRECTIONS_FILE = "corrections.csv"
FACE = "Face"
"""What is said to be `no` where a crop shows no face, or one that is not wanted: it is left out of the set."""
HEADER = ("file", "attribute", "value")

_VALUES = {"1": YES, "yes": YES, "true": YES, "-1": NO, "no": NO, "false": NO, "0": UNKNOWN, "unknown": UNKNOWN, "": UNKNOWN}

Corrections = dict[str, dict[str, int]]
"""file -> attribute -> 1, -1 or 0."""


def read_corrections(file: Path, store: Store) -> Corrections:
    """The corrections in a file; none when it is not there. Of two lines for one value the later holds.

    Besides the attributes there is `Face`: with `no` the face is left out of the set.

    Raises:
        DataError: an unknown face, attribute or value, two hair colours of one face, or another header; each with its line and,
            where one is near, the name that may have been meant. Nothing is applied then.
    """
    if not file.is_file():
        return {}
    reader = csv.reader(StringIO(read_text(file), newline=""), skipinitialspace=True)
    header = tuple(cell.strip().lower() for cell in next(reader, []))
    if header != HEADER:
        refuse_lines(file, [(1, f"expected {','.join(HEADER)}, got '{','.join(header)[:60]}'")], "Fix the file.")
    corrections: Corrections = {}
    problems: list[tuple[int, str]] = []
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        problem = _problem_of(cells, store)
        if problem:
            problems.append((reader.line_num, problem))
            continue
        of_face = corrections.setdefault(cells[0], {})
        of_face[cells[1]] = _VALUES[cells[2].lower()]
        colors = [name for name in HAIR_COLORS if of_face.get(name) == YES]
        if len(colors) > 1:
            problems.append((reader.line_num, f"{cells[0]} has {' and '.join(colors)}, which exclude each other"))
    refuse_lines(file, problems, "Fix the file; no label was changed.")
    return corrections


def removed_faces(corrections: Corrections) -> frozenset[str]:
    """The files that a person wants left out."""
    return frozenset(file for file, labels in corrections.items() if labels.get(FACE) == NO)


def _problem_of(cells: list[str], store: Store) -> str:
    """What is wrong with a row; an empty string when nothing is."""
    if len(cells) != len(HEADER):
        return f"{len(cells)} cells for {len(HEADER)} columns"
    file, attribute, value = cells
    known = (*ATTRIBUTES, FACE)
    if attribute not in known:
        return f"'{attribute}' is not labelled here{nearest_name(attribute, known)}, known are {', '.join(known)}"
    if value.lower() not in _VALUES:
        return f"'{value}' is none of {', '.join(word for word in _VALUES if word)}"
    if not store.has_file(file):
        return f"'{file}' is no face here{nearest_name(file, store.files_like(file[:4]))}"
    return ""
