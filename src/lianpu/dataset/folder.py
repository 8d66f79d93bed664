"""One folder per class: a face is what the folder it lies in is called."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lianpu.dataset.listing import folder_names, picture_names
from lianpu.dataset.splits import split_by_hash
from lianpu.dataset.table import MIDDLE_SQUARE, SPLITS, FaceTable, Split
from lianpu.dataset.text_files import UNKNOWN_LICENCE, licence_of
from lianpu.errors import DataError, nearest_name

LAYOUT = "a folder per class with its pictures; or train/ and val/ or test/ with such folders in each"


def looks_like_classes(root: Path) -> bool:
    """Whether there are two or more folders with pictures in them, perhaps below `train/`, and no label file.

    A label file says that the folders are something else (`images/` and `masks/` are no classes).
    """
    if any(root.glob("list_attr*.txt")) or any(root.glob("*-attribute-anno.txt")):
        return False
    train = root / "train"
    above = train if train.is_dir() else root
    return sum(bool(picture_names(above / name)) for name in folder_names(above)) > 1


def read_folder(root: Path) -> FaceTable:
    """All pictures below the class folders; the classes are their names, sorted, and each face has exactly one.

    Without `train/` above the classes, one face in ten is held out by the hash of `class/name`.

    Raises:
        DataError: fewer than two classes, a class without pictures, or one that is only in a held-out part.
    """
    parts = [split for split in SPLITS if (root / split).is_dir()]
    if parts and "train" not in parts:
        raise DataError(
            f"{root} has {' and '.join(parts)}, but no train. Put the training faces into {root / 'train'}, a folder per class."
        )
    classes = folder_names(root / "train" if parts else root)
    if len(classes) < 2:
        found = f"only {classes[0]}" if classes else "none"
        raise DataError(f"{root / 'train' if parts else root} needs a folder for each of two or more classes; there is {found}.")
    files: list[str] = []
    splits: list[Split] = []
    for part in parts:
        _refuse_other_classes(root / part, classes)
        own = [file for name in classes for file in _pictures_below(root, f"{part}/{name}")]
        files += own
        splits += [part] * len(own)
    if not parts:
        files = [file for name in classes for file in _pictures_below(root, name)]
    numbers = np.array([classes.index(file.split("/")[1 if parts else 0]) for file in files], dtype=int)
    labels = np.eye(len(classes), dtype=np.uint8)[numbers]
    if not parts:
        splits = list(split_by_hash(files, labels))
    _refuse_empty_classes(root / "train" if parts else root, classes, numbers[[split == "train" for split in splits]])
    return FaceTable(
        source="folder",
        root=root,
        files=tuple(files),
        attributes=tuple(classes),
        labels=labels,
        splits=tuple(splits),
        one_class=True,
        alignment=MIDDLE_SQUARE,
        licence=licence_of(root, UNKNOWN_LICENCE),
    )


def _pictures_below(root: Path, folder: str) -> list[str]:
    """Paths, relative to root, of the pictures in a folder of root and in folders below it, sorted."""
    found: list[str] = []
    for place, inner, _ in os.walk(root / folder):
        inner.sort()
        found += [(Path(place) / name).relative_to(root).as_posix() for name in picture_names(Path(place))]
    return found


def _refuse_other_classes(part: Path, classes: Sequence[str]) -> None:
    for name in folder_names(part):
        if name not in classes:
            raise DataError(
                f"{part / name} is a class that train does not have{nearest_name(name, classes)}. Add it to train, or remove it."
            )


def _refuse_empty_classes(folder: Path, classes: Sequence[str], train_numbers: np.ndarray) -> None:
    counts = np.bincount(train_numbers, minlength=len(classes))
    empty = [name for name, count in zip(classes, counts, strict=True) if not count]
    if empty:
        raise DataError(f"{folder / empty[0]} has no pictures to train on. Put some there, or remove the folder.")
