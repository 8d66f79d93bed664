"""Which faces a parser learns from and which it is scored on: lists of names, CelebA's own division, or a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

from lianpu.errors import DataError
from lianpu.parser.masks_celebamask import MAPPING, read_official_split

SPLITS = ("train", "val", "test")
HELD_OUT_SHARE = 0.1


def read_splits(root: Path, names: list[str]) -> tuple[dict[str, list[str]], str]:
    """Picture names of each split, and in words where the split comes from.

    Raises:
        DataError: a list is missing or names a picture twice, or the mapping does not know a picture.
    """
    lists = [root / f"{split}.txt" for split in SPLITS if (root / f"{split}.txt").is_file()]
    if lists:
        return _from_lists(root, lists), " and ".join(file.name for file in lists)
    if (root / MAPPING).is_file():
        official = read_official_split(root / MAPPING)
        unlisted = [name for name in names if _number(name) not in official]
        if unlisted:
            raise DataError(f"{root / MAPPING} does not know {len(unlisted)} pictures, first {unlisted[0]}. Download it again.")
        return _divide(names, lambda name: official[_number(name)]), MAPPING
    return _by_hash(names), "the hash of the names, one face in ten held out as val"


def in_order(names: Mapping[str, object]) -> list[str]:
    """Names sorted, those that are numbers by their value: 2.jpg before 10.jpg."""
    return sorted(names, key=lambda name: (_number(name), name))


def _from_lists(root: Path, lists: list[Path]) -> dict[str, list[str]]:
    if not (root / "train.txt").is_file() or len(lists) == 1:
        raise DataError(f"{root} has only {lists[0].name}: train.txt and val.txt are both needed. Write both, or remove it.")
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    seen: dict[str, str] = {}
    for file in lists:
        for name in _names_in(file):
            if name in seen:
                raise DataError(f"{file} names {name}, which is in {seen[name]} already. Name it once.")
            seen[name] = file.name
            splits[file.stem].append(name)
    return splits


def _names_in(file: Path) -> list[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{file} cannot be read as a list of names ({problem}). Write a picture name per line.") from None
    return [line.strip() for line in lines if line.strip()]


def _by_hash(names: list[str]) -> dict[str, list[str]]:
    """The same name always falls on the same side, whatever else is there; of two or more pictures one is held out."""
    places = {name: int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") / 2**64 for name in names}
    limit = HELD_OUT_SHARE
    if len(names) > 1:
        limit = max(limit, min(places.values()) * 1.000001)
    return _divide(names, lambda name: "val" if places[name] < limit else "train")


def _divide(names: list[str], split_of: Callable[[str], str]) -> dict[str, list[str]]:
    splits: dict[str, list[str]] = {split: [] for split in SPLITS}
    for name in names:
        splits[split_of(name)].append(name)
    return splits


def _number(name: str) -> int:
    stem = Path(name).stem
    return int(stem) if stem.isdecimal() else -1
