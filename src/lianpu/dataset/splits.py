"""Which pictures are for training and which are held out: from the source's own files, or by a hash of the name."""

import hashlib
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np

from lianpu.dataset.table import SPLITS, Split
from lianpu.dataset.text_files import numbered_lines, refuse_lines
from lianpu.errors import DataError

HELD_OUT_SHARE = 0.1
"""Share of the faces held out where the source has no split of its own."""

_PARTITION: dict[str, Split] = {"0": "train", "1": "val", "2": "test"}


def read_partition(file: Path, labelled: Collection[str]) -> dict[str, Split]:
    """The split of each picture in CelebA's `list_eval_partition.txt` (0 train, 1 val, 2 test) or Kaggle's .csv of it.

    Raises:
        DataError: a line is malformed, a picture is there twice or has no labels (file and line are said), or a labelled
            picture has no line.
    """
    entries: list[tuple[int, str, Split]] = []
    problems: list[tuple[int, str]] = []
    for number, line in numbered_lines(file):
        words = line.replace(",", " ").split()
        if number == 1 and file.suffix.lower() == ".csv":
            continue
        if len(words) != 2 or words[1] not in _PARTITION:
            problems.append((number, f"expected a picture and 0, 1 or 2, got '{line[:60]}'"))
        else:
            entries.append((number, words[0], _PARTITION[words[1]]))
    splits = _by_picture(entries, labelled, problems)
    refuse_lines(file, problems)
    _refuse_unlisted(file, labelled, splits)
    return splits


def read_name_lists(folder: Path, labelled: Collection[str]) -> dict[str, Split] | None:
    """The split of each picture named in `train.txt`, `val.txt` and `test.txt` (one name per line); None without such files.

    Labelled pictures that no list names have no split: they are left out of the data.

    Raises:
        DataError: training or held-out list missing, a picture named twice, in two lists, or without labels.
    """
    files = {split: folder / f"{split}.txt" for split in SPLITS if (folder / f"{split}.txt").is_file()}
    if not files:
        return None
    if "train" not in files:
        raise DataError(f"{folder} has no train.txt beside {_names(files.values())}. Write one: a picture name per line.")
    if len(files) == 1:
        raise DataError(f"{folder} has train.txt, but neither val.txt nor test.txt to judge edits on. Write one, or remove all.")
    splits: dict[str, Split] = {}
    for split, file in files.items():
        problems: list[tuple[int, str]] = []
        entries = [(number, line, split) for number, line in numbered_lines(file)]
        for number, name, _ in entries:
            if name in splits:
                problems.append((number, f"{name} is in {splits[name]}.txt already"))
        own = _by_picture(entries, labelled, problems)
        refuse_lines(file, problems, "A picture belongs in one list, and needs labels.")
        splits |= own
    return splits


def split_by_hash(pictures: Sequence[str], labels: np.ndarray | None = None) -> tuple[Split, ...]:
    """`train` or `test` for each picture, about nine to one, by the SHA-256 of its name.

    The same name falls on the same side, whatever else is there and in whatever order, so a set that grows moves no face from one side to
    the other; with one exception: of two or more pictures, and of two or more that have or lack an attribute, at least one is held out and
    one is trained on. Those nearest to the border change sides for that.

    Args:
        pictures: N names.
        labels: (N, A) of `FaceTable`; None where no attribute must be on both sides.
    """
    places = [int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big") / 2**64 for name in pictures]
    held_out = [place < HELD_OUT_SHARE for place in places]
    if len(places) > 1 and not any(held_out):
        held_out[places.index(min(places))] = True
    for column in [] if labels is None else labels.T:
        for value in (1, 0):
            rows = np.flatnonzero(column == value).tolist()
            if len(rows) > 1 and not any(held_out[row] for row in rows):
                held_out[min(rows, key=places.__getitem__)] = True
            elif len(rows) > 1 and all(held_out[row] for row in rows):
                held_out[max(rows, key=places.__getitem__)] = False
    return tuple("test" if out else "train" for out in held_out)


def _by_picture(
    entries: Sequence[tuple[int, str, Split]], labelled: Collection[str], problems: list[tuple[int, str]]
) -> dict[str, Split]:
    splits: dict[str, Split] = {}
    for number, name, split in entries:
        if name in splits:
            problems.append((number, f"{name} is there a second time"))
        elif name not in labelled:
            problems.append((number, f"{name} has no labels"))
        splits[name] = split
    return splits


def _refuse_unlisted(file: Path, labelled: Collection[str], splits: dict[str, Split]) -> None:
    without = [name for name in labelled if name not in splits]
    if without:
        raise DataError(
            f"{file} gives no split for {len(without)} of {len(labelled)} labelled pictures; the first is {min(without)}. "
            "Is the file cut off? Download it again."
        )


def _names(files: Collection[Path] | Iterator[Path]) -> str:
    return ", ".join(file.name for file in files)
