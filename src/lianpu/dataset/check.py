"""Check of a data folder: everything that would stop training or spoil it quietly, from broken pictures to labels that contradict each other."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from lianpu.attributes import AttributeSet
from lianpu.dataset.balance import AttributeBalance, balance_of, faces_without_hair_color, hair_contradictions
from lianpu.dataset.listing import missing_pictures, unlisted_pictures
from lianpu.dataset.selection import check_image_size
from lianpu.dataset.table import SPLITS, FaceTable, Split
from lianpu.errors import PictureError
from lianpu.files import sha256_of
from lianpu.photo.reading import PictureFacts, picture_facts, read_image

_BLOCK = 1024


@dataclass(frozen=True)
class GoodPicture:
    """A picture that was decoded whole.

    Args:
        file: as the table names it.
        sha256: of the bytes of the file.
        facts: size and kind of its pixels.
    """

    file: str
    sha256: str
    facts: PictureFacts


@dataclass(frozen=True)
class BrokenPicture:
    """A picture that training could not read, and why."""

    file: str
    reason: str


def inspect_pictures(
    root: Path, files: Sequence[str], on_progress: Callable[[int, int], None] | None = None
) -> Iterator[GoodPicture | BrokenPicture]:
    """What each of the files below root is, in their order; decoded exactly as training does, by threads."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for first in range(0, len(files), _BLOCK):
            block = files[first : first + _BLOCK]
            for done, picture in enumerate(pool.map(lambda file: inspect_picture(root, file), block), start=first + 1):
                if on_progress is not None:
                    on_progress(done, len(files))
                yield picture


def inspect_picture(root: Path, file: str) -> GoodPicture | BrokenPicture:
    """What one file is."""
    path = root / file
    try:
        facts = picture_facts(path)
        read_image(path)
        return GoodPicture(file, sha256_of(path), facts)
    except PictureError as problem:
        return BrokenPicture(file, str(problem).removeprefix(f"{path} "))


def conversions(facts: PictureFacts) -> tuple[str, ...]:
    """What reading changes in a picture before it is 8-bit RGB and upright; nothing for a usual one."""
    changes = {
        f"{facts.mode} pixels become RGB": facts.mode not in ("RGB", "RGBA"),
        "transparency is laid on white": facts.transparent,
        f"turned upright (EXIF orientation {facts.orientation})": facts.orientation != 1,
    }
    return tuple(change for change, happens in changes.items() if happens)


Kind = Literal[
    "missing",
    "broken",
    "empty split",
    "cannot be learned",
    "duplicate across splits",
    "duplicate",
    "too small",
    "not square",
    "converted",
    "two hair colours",
    "too few",
    "unlabelled",
    "unlisted",
]
MEANINGS: dict[Kind, str] = {
    "missing": "labelled, but not on disk",
    "broken": "cannot be read",
    "empty split": "no faces",
    "cannot be learned": "all training faces agree in the attribute",
    "duplicate across splits": "the same bytes in training and held-out faces: scores are flattered",
    "duplicate": "the same bytes as another picture",
    "too small": "smaller than image_size: enlarged, and blurred by it",
    "not square": "only the middle square is used",
    "converted": "not 8-bit RGB, or not upright: converted when read",
    "two hair colours": "labels that contradict each other",
    "too few": "hardly enough faces to learn or to judge an edit",
    "unlabelled": "the value is unknown: these faces are left out where it is selected",
    "unlisted": "on disk, but without labels or in no split: not used",
}
"""All kinds of problems, the worst first, and what each means."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong with a file, a split or an attribute.

    Args:
        kind: one of `MEANINGS`.
        subject: the file (relative to the pictures' folder), split or attribute.
        detail: what exactly, in words.
        stops: whether training refuses it.
    """

    kind: Kind
    subject: str
    detail: str
    stops: bool = False


@dataclass(frozen=True)
class DataReport:
    """What was found in a folder of faces.

    Args:
        table: the faces as the label files list them.
        image_size: the side they were judged for.
        counts: faces in each split.
        balance: how often each attribute is true.
        without_hair_color: faces that have none of the hair colours; None when there are not two or more to choose from.
        problems: everything that is wrong, the worst kinds first.
    """

    table: FaceTable
    image_size: int
    counts: dict[str, int]
    balance: tuple[AttributeBalance, ...]
    without_hair_color: int | None
    problems: tuple[Problem, ...]

    @property
    def stopping(self) -> tuple[Problem, ...]:
        """The problems that training refuses."""
        return tuple(problem for problem in self.problems if problem.stops)

    def by_kind(self) -> dict[Kind, tuple[Problem, ...]]:
        """The problems of each kind that occurs, the worst first."""
        kinds = [kind for kind in MEANINGS if any(problem.kind == kind for problem in self.problems)]
        return {kind: tuple(problem for problem in self.problems if problem.kind == kind) for kind in kinds}


def check_data(
    table: FaceTable,
    image_size: int,
    attributes: AttributeSet | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> DataReport:
    """Everything that is wrong with the faces of a table: every picture is decoded once.

    Args:
        table: what `read_table` gives.
        image_size: side in pixels that training is to use.
        attributes: those to be trained; None checks all, and a constant one is then no problem.
        on_progress: called with pictures checked, and pictures in all.

    Raises:
        SettingsError: an `image_size` that training refuses.
    """
    check_image_size(image_size)
    names = table.attributes if attributes is None else attributes.names
    missing = missing_pictures(table)
    gone = set(missing)
    balance = balance_of(table, names)
    found = [
        *(Problem("missing", file, "not on disk", stops=True) for file in missing),
        *_of_pictures(table, [file for file in table.files if file not in gone], image_size, on_progress),
        *_empty_splits(table, () if attributes is None else attributes.names),
        *_balance_problems(balance, selected=attributes is not None),
        *_unlabelled(table, balance, () if attributes is None else attributes.names),
        *(Problem("two hair colours", file, " and ".join(pair)) for file, pair in hair_contradictions(table, names)),
        *(Problem("unlisted", file, "not used") for file in unlisted_pictures(table)),
    ]
    order = list(MEANINGS)
    return DataReport(
        table=table,
        image_size=image_size,
        counts={split: count for split in SPLITS if (count := Counter(table.splits)[split])},
        balance=balance,
        without_hair_color=faces_without_hair_color(table, names),
        problems=tuple(sorted(found, key=lambda problem: order.index(problem.kind))),
    )


def _empty_splits(table: FaceTable, selected: Sequence[str]) -> Iterator[Problem]:
    purposes: tuple[tuple[Split, str], ...] = (("train", "train on"), (table.held_out_split(), "judge edits on"))
    for split, purpose in purposes:
        rows = table.rows_of([split])
        if not len(rows):
            yield Problem("empty split", split, f"no faces to {purpose}", stops=True)
        elif not len(table.labelled_rows(rows, selected)):
            yield Problem("empty split", split, f"no faces to {purpose}: all lack the value of a selected attribute", stops=True)


def _unlabelled(table: FaceTable, balance: Sequence[AttributeBalance], selected: Sequence[str]) -> Iterator[Problem]:
    for attribute in balance:
        if attribute.unlabelled:
            count = attribute.train_count + attribute.test_count + attribute.unlabelled
            yield Problem("unlabelled", attribute.name, f"{attribute.unlabelled} of {count} faces")
    used: tuple[Split, ...] = ("train", table.held_out_split())
    rows = table.rows_of(used)
    left_out = len(rows) - len(table.labelled_rows(rows, selected))
    if left_out:
        yield Problem("unlabelled", "selected attributes", f"{left_out} of {len(rows)} faces lack one or more: left out")


def _balance_problems(balance: Sequence[AttributeBalance], *, selected: bool) -> Iterator[Problem]:
    for attribute in balance:
        if not attribute.train_count:
            continue
        if attribute.is_constant:
            having = "every" if attribute.train_positives else "no"
            yield Problem(
                "cannot be learned",
                attribute.name,
                f"{having} one of {attribute.train_count} training faces has it",
                stops=selected,
            )
        elif attribute.warning:
            yield Problem("too few", attribute.name, attribute.warning)


def _of_pictures(
    table: FaceTable, files: Sequence[str], image_size: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[Problem]:
    """What is wrong with the pictures themselves. Of each good one only its hash is kept: 200,000 need 30 MB."""
    split_of = dict(zip(table.files, table.splits, strict=True))
    needed = min(image_size, table.crop_px or image_size)
    if needed < image_size:
        yield Problem("too small", "every picture", f"the crop of {needed} px is enlarged to {image_size}")
    firsts: dict[bytes, str] = {}
    for picture in inspect_pictures(table.root, files, on_progress):
        if isinstance(picture, BrokenPicture):
            yield Problem("broken", picture.file, picture.reason, stops=True)
            continue
        file, width, height = picture.file, picture.facts.width, picture.facts.height
        first = firsts.setdefault(bytes.fromhex(picture.sha256), file)
        if first != file and split_of[first] == split_of[file]:
            yield Problem("duplicate", file, f"same bytes as {first}")
        elif first != file:
            yield Problem("duplicate across splits", file, f"{split_of[file]}, same bytes as {first} in {split_of[first]}")
        if min(width, height) < needed:
            yield Problem("too small", file, f"{width}x{height} for {needed} px")
        if table.crop_px is None and width != height:
            yield Problem("not square", file, f"{width}x{height}")
        yield from (Problem("converted", file, change) for change in conversions(picture.facts))
