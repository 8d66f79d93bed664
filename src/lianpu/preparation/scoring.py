"""How well labels made from photos agree with labels made by others: coverage, accuracy, balanced accuracy by attribute."""

from __future__ import annotations

import csv
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from lianpu.dataset.label_sheet import LabelSheet, read_label_sheet
from lianpu.dataset.table import UNLABELLED
from lianpu.dataset.text_files import numbered_lines
from lianpu.errors import DataError
from lianpu.preparation.settings import read_record
from lianpu.preparation.tables import FACES_FILE, LABEL_FILE


@dataclass(frozen=True)
class Agreement:
    """How the labels of one attribute agree with those of others.

    Args:
        attribute: its name.
        compared: faces that the others have labelled.
        labelled: those of them that are labelled here too.
        true_yes: labelled yes by both.
        true_no: labelled no by both.
        false_yes: yes here, no by the others.
        false_no: no here, yes by the others.
    """

    attribute: str
    compared: int
    labelled: int
    true_yes: int
    true_no: int
    false_yes: int
    false_no: int

    @property
    def coverage(self) -> float:
        """Share of the compared faces that are labelled."""
        return self.labelled / self.compared

    @property
    def accuracy(self) -> float | None:
        """Share of the labelled faces whose label agrees; None when none is labelled."""
        return (self.true_yes + self.true_no) / self.labelled if self.labelled else None

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of the share found of those that have it and of those that have not; None when one kind is missing."""
        yes, no = self.true_yes + self.false_no, self.true_no + self.false_yes
        return (self.true_yes / yes + self.true_no / no) / 2 if yes and no else None


@dataclass(frozen=True)
class LabelScore:
    """The agreement of a prepared folder's labels with a label file.

    Args:
        photos: pictures in the label file (of those asked for).
        found: of these, how many gave a face.
        agreements: one for each attribute that both have.
    """

    photos: int
    found: int
    agreements: tuple[Agreement, ...]


def score_labels(folder: Path | str, label_file: Path | str, only: Path | None = None) -> LabelScore:
    """Compare a prepared folder with labels of the photos it was made from; the largest face of a photo stands for it.

    Args:
        folder: what `prepare_faces` made.
        label_file: labels in CelebA's form; its pictures are the photos, by file name.
        only: a file with the names of the pictures to compare, one per line (val.txt); all when None.

    Raises:
        DataError: the folder was not prepared, a file is wrong, or none of the photos is in the label file.
    """
    root = Path(folder)
    read_record(root)
    ours, theirs = read_label_sheet(root / LABEL_FILE), read_label_sheet(Path(label_file))
    wanted = set(theirs.pictures) if only is None else {name for _, name in numbered_lines(only)} & set(theirs.pictures)
    face_of = _largest_faces(root / FACES_FILE, wanted)
    if not face_of:
        raise DataError(
            f"None of the {len(wanted)} pictures to compare in {label_file} gave a face of {root}: pictures and photos are matched by "
            "file name. Prepare the photos that these labels are of."
        )
    names = [name for name in ours.attributes if name in theirs.attributes]
    pairs = sorted(face_of.items())
    our_rows, their_rows = _rows(ours, [face for _, face in pairs]), _rows(theirs, [picture for picture, _ in pairs])
    agreements = (
        _agreement(name, our_rows[:, ours.attributes.index(name)], their_rows[:, theirs.attributes.index(name)]) for name in names
    )
    return LabelScore(len(wanted), len(face_of), tuple(agreements))


def _largest_faces(faces_file: Path, pictures: Collection[str]) -> dict[str, str]:
    """Picture name -> file of the largest face that was kept from it."""
    found: dict[str, tuple[int, str]] = {}
    with faces_file.open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            name, entry = PurePosixPath(row["photo"]).name, (int(row["face"]), row["file"])
            if name in pictures:
                found[name] = min(found.get(name, entry), entry)
    return {name: file for name, (_, file) in found.items()}


def _rows(sheet: LabelSheet, pictures: list[str]) -> np.ndarray:
    place = {name: row for row, name in enumerate(sheet.pictures)}
    return sheet.labels[[place[name] for name in pictures]]


def _agreement(attribute: str, ours: np.ndarray, theirs: np.ndarray) -> Agreement:
    known = theirs != UNLABELLED
    both = known & (ours != UNLABELLED)
    counts = {(one, other): int(np.count_nonzero(both & (ours == one) & (theirs == other))) for one in (0, 1) for other in (0, 1)}
    return Agreement(
        attribute=attribute,
        compared=int(np.count_nonzero(known)),
        labelled=int(np.count_nonzero(both)),
        true_yes=counts[1, 1],
        true_no=counts[0, 0],
        false_yes=counts[1, 0],
        false_no=counts[0, 1],
    )
