"""How often attributes are true, and which labels contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lianpu.attributes import HAIR_COLORS, AttributeSet, Labels
from lianpu.dataset.table import UNLABELLED, FaceTable

FEW_TO_TRAIN = 50
"""With fewer training faces that have, or lack, an attribute its edit is hardly learned."""
FEW_TO_JUDGE = 10
"""With fewer held-out faces on a side the scores of its edits are noise."""


@dataclass(frozen=True)
class AttributeBalance:
    """How many of the faces whose value is known have an attribute.

    Args:
        name: the attribute.
        train_positives: training faces that have it.
        train_count: training faces whose value is known.
        test_positives: held-out faces that have it.
        test_count: held-out faces whose value is known.
        unlabelled: training and held-out faces whose value is unknown; training leaves them out when it is selected.
    """

    name: str
    train_positives: int
    train_count: int
    test_positives: int
    test_count: int
    unlabelled: int = 0

    @property
    def is_constant(self) -> bool:
        """All training faces agree, so that it cannot be learned."""
        return self.train_positives in (0, self.train_count)

    @property
    def warning(self) -> str:
        """Which side has too few faces, in words; an empty string when none has."""
        parts = (
            ("training", self.train_positives, self.train_count, FEW_TO_TRAIN),
            ("held-out", self.test_positives, self.test_count, FEW_TO_JUDGE),
        )
        return "; ".join(
            f"{positives} {part} faces with it, {count - positives} without ({least} of each are good)"
            for part, positives, count, least in parts
            if min(positives, count - positives) < least
        )


def balance_of(table: FaceTable, names: Sequence[str]) -> tuple[AttributeBalance, ...]:
    """For each of `names`, how many of the training and of the held-out faces have it, and of how many it is unknown."""
    train, test = (table.labels[table.rows_of([split])] for split in ("train", table.held_out_split()))
    columns = [table.attributes.index(name) for name in names]
    return tuple(_balance(name, train[:, at], test[:, at]) for name, at in zip(names, columns, strict=True))


def _balance(name: str, train: np.ndarray, test: np.ndarray) -> AttributeBalance:
    known = [part[part != UNLABELLED] for part in (train, test)]
    unlabelled = len(train) + len(test) - sum(map(len, known))
    return AttributeBalance(name, int(known[0].sum()), len(known[0]), int(known[1].sum()), len(known[1]), unlabelled)


def drawing_weights(attributes: AttributeSet, labels: Labels, strength: float) -> np.ndarray:
    """(N,) how often each face is drawn so that rare labels come as often as common ones: 1 for all when `strength` is 0.

    A face's weight is the mean, over hair colour and the other attributes, of one over the share of faces that have its value; to the
    power `strength`.
    """
    inverse = []
    for unit in attributes.units():
        values = labels[:, list(unit)] @ (2.0 ** np.arange(len(unit)))
        _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
        inverse.append(len(labels) / (len(counts) * counts[which]))
    return np.asarray(np.mean(inverse, axis=0) ** strength, dtype=np.float64)


def hair_contradictions(table: FaceTable, names: Sequence[str]) -> tuple[tuple[str, tuple[str, str]], ...]:
    """Faces with two hair colours at once, each with the pair; a face with three is there for every pair."""
    hair = [name for name in HAIR_COLORS if name in names]
    return tuple(
        (table.files[row], (one, other))
        for one, other in combinations(hair, 2)
        for row in np.flatnonzero(_column(table, one) & _column(table, other))
    )


def faces_without_hair_color(table: FaceTable, names: Sequence[str]) -> int | None:
    """How many faces surely have none of the hair colours among `names`; None when fewer than two are among them."""
    hair = [name for name in HAIR_COLORS if name in names]
    if len(hair) < 2:
        return None
    return int((table.labels[:, [table.attributes.index(name) for name in hair]] == 0).all(axis=1).sum())


def _column(table: FaceTable, name: str) -> np.ndarray:
    return table.labels[:, table.attributes.index(name)] == 1
