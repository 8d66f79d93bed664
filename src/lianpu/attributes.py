"""The attributes an editor knows, their order, and what changing one means for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.errors import SettingsError, nearest_name

Labels = np.ndarray[Any, np.dtype[np.float32]]
"""(B, A) float32, 1 where a face has the attribute and 0 where not."""

HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")
"""CelebA's hair colours: of these at most one is true for a face."""

SHADE_OF = {name: name.removesuffix("_Hair").lower() for name in HAIR_COLORS}
"""What the effect `hair_color` calls them."""


def is_hair_color(attributes: Iterable[str]) -> bool:
    """Whether all attributes concern hair colour only; False for none."""
    names = set(attributes)
    return bool(names) and names <= set(HAIR_COLORS)


@dataclass(frozen=True)
class Transform:
    """One edit that is scored: faces with the `source` values are edited to the `target` values."""

    source: Mapping[str, bool]
    target: Mapping[str, bool]

    @property
    def name(self) -> str:
        """`Black_Hair -> Blond_Hair`, `Male -> not Male`: as tables print it."""
        return f"{_spell(self.source)} -> {_spell(self.target)}"


@dataclass(frozen=True)
class AttributeSet:
    """The selected attributes in the order of the label vector, and which of them exclude each other.

    Args:
        names: A attribute names, in the order of the label vector.
        groups: sets of names of which at most one is true (hair colours).
        one_class: every face has exactly one of the names (one class per folder); training then uses softmax.
    """

    names: tuple[str, ...]
    groups: tuple[tuple[str, ...], ...] = ()
    one_class: bool = False

    def __post_init__(self) -> None:
        if not self.names:
            raise SettingsError("No attributes are selected. Name at least one with --selected-attrs.")
        twice = sorted({name for name in self.names if self.names.count(name) > 1})
        if twice:
            raise SettingsError(f"selected_attrs names {', '.join(twice)} twice. Name each attribute once.")
        for name in (name for group in self.groups for name in group):
            self.index(name)

    @classmethod
    def of(cls, names: Sequence[str]) -> AttributeSet:
        """The set of CelebA-like attributes `names`: its hair colours, when there are two or more, exclude each other."""
        hair = tuple(name for name in names if name in HAIR_COLORS)
        return cls(tuple(names), (hair,) if len(hair) > 1 else ())

    @classmethod
    def of_classes(cls, names: Sequence[str]) -> AttributeSet:
        """The set for one-class-per-folder data: each face is exactly one of `names`."""
        return cls(tuple(names), (tuple(names),) if len(names) > 1 else (), one_class=True)

    def __len__(self) -> int:
        return len(self.names)

    def index(self, name: str) -> int:
        """The place of an attribute in the label vector. Raises SettingsError, naming the known ones."""
        if name not in self.names:
            raise SettingsError(
                "'{name}' is not an attribute here{nearest}. Known: {known}.",
                key="attribute.unknown",
                name=name,
                nearest=nearest_name(name, self.names),
                known=", ".join(self.names),
            )
        return self.names.index(name)

    def group_of(self, name: str) -> tuple[str, ...]:
        """The names that exclude each other with `name`, itself among them; `(name,)` when it stands alone."""
        self.index(name)
        return next((group for group in self.groups if name in group), (name,))

    def units(self) -> tuple[tuple[int, ...], ...]:
        """Columns that are one question each: those of a group together, and each attribute that stands alone."""
        groups = [tuple(self.index(name) for name in group) for group in self.groups]
        alone = [(self.index(name),) for name in self.names if len(self.group_of(name)) == 1]
        return (*groups, *alone)

    def with_values(self, labels: Labels, values: Mapping[str, bool]) -> Labels:
        """A copy of labels (B, A) with some values set; setting one of a group to true makes the others false.

        Raises:
            SettingsError: an unknown attribute, or two of one group set to true.

        Examples:
            >>> attributes = AttributeSet.of(["Black_Hair", "Blond_Hair", "Male"])
            >>> attributes.with_values([[1, 0, 1]], {"Blond_Hair": True}).tolist()
            [[0.0, 1.0, 1.0]]
        """
        changed = np.array(labels, dtype=np.float32, copy=True)
        for group in self.groups:
            wanted = [name for name in group if values.get(name)]
            if len(wanted) > 1:
                raise SettingsError(
                    "{names} exclude each other. Set one of them.", key="attribute.exclusive", names=" and ".join(wanted)
                )
        for name in sorted(values, key=lambda name: bool(values[name])):
            if values[name]:
                for other in self.group_of(name):
                    changed[:, self.index(other)] = 0.0
            changed[:, self.index(name)] = float(values[name])
        return changed

    def differences(self, labels: Labels, targets: Labels) -> Labels:
        """The change between two labels (B, A): 1 adds an attribute, -1 removes it, 0 keeps it (STGAN).

        Where one of a group is newly wanted, that says all: the others of its group have 0. So an edit can be asked for without knowing the face.
        """
        change = np.asarray(targets, dtype=np.float32) - np.asarray(labels, dtype=np.float32)
        for group in self.groups:
            columns = [self.index(name) for name in group]
            wanted = (change[:, columns] > 0).any(axis=1, keepdims=True)
            change[:, columns] = np.where(wanted, np.maximum(change[:, columns], 0.0), change[:, columns])
        return change

    def toggled(self, labels: Labels, name: str) -> Labels:
        """Labels (B, A) as in the columns of StarGAN's sample grids: a group member is put on, any other attribute is flipped."""
        if len(self.group_of(name)) > 1:
            return self.with_values(labels, {name: True})
        changed = np.array(labels, dtype=np.float32, copy=True)
        changed[:, self.index(name)] = 1.0 - changed[:, self.index(name)]
        return changed

    def transforms(self) -> tuple[Transform, ...]:
        """The edits scored by default: all ordered pairs within a group, and both flips of each other attribute."""
        in_groups = [
            Transform({source: True}, {target: True})
            for group in self.groups
            for source in group
            for target in group
            if source != target
        ]
        alone = [name for name in self.names if len(self.group_of(name)) == 1]
        flips = [Transform({name: value}, {name: not value}) for name in alone for value in (True, False)]
        return (*in_groups, *flips)

    def parse_transform(self, text: str) -> Transform:
        """A transform spelled as tables print it (`Black_Hair -> Blond_Hair`, `Male -> not Male`)."""
        source, arrow, target = text.partition("->")
        if not arrow:
            raise SettingsError(f"'{text}' is no transform. Write it as 'Black_Hair -> Blond_Hair' or 'Male -> not Male'.")
        return Transform(self._parse_value(source), self._parse_value(target))

    def _parse_value(self, text: str) -> dict[str, bool]:
        values: dict[str, bool] = {}
        for part in text.split("+"):
            name = part.strip()
            negated = name.startswith("not ") and name not in self.names
            name = name.removeprefix("not ").strip() if negated else name
            self.index(name)
            values[name] = not negated
        return values

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` turns back; what checkpoints and ONNX files carry."""
        return {"names": list(self.names), "groups": [list(group) for group in self.groups], "one_class": self.one_class}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> AttributeSet:
        """The set that `to_json` wrote."""
        return cls(tuple(value["names"]), tuple(tuple(group) for group in value["groups"]), bool(value["one_class"]))


def rows_with(attributes: AttributeSet, labels: Labels, values: Mapping[str, bool]) -> np.ndarray:
    """Indices of the rows of labels (B, A) that have all the given values."""
    keep = np.ones(len(labels), dtype=bool)
    for name, value in values.items():
        keep &= (labels[:, attributes.index(name)] > 0.5) == value
    return np.flatnonzero(keep)


def _spell(values: Mapping[str, bool]) -> str:
    return " + ".join(name if value else f"not {name}" for name, value in values.items())


def balanced_folds(truth: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(N,) the fold of each face, 0 to `count` - 1; those with an attribute and those without (N,) are spread evenly over the folds."""
    folds = np.empty(len(truth), dtype=int)
    chance = np.random.default_rng(seed)
    for kind in (True, False):
        rows = chance.permutation(np.flatnonzero(truth == kind))
        folds[rows] = np.arange(len(rows)) % count
    return folds
