"""Faces with masks, from any folder layout in one form: what a parser is trained and scored on."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.errors import DataError, SettingsError, nearest_name
from lianpu.face_parsing.data.mask_files import IndexMask, Mask, PartMasks
from lianpu.imaging.picture import Picture
from lianpu.part_names import BISENET_ORDER, PARTS
from lianpu.photo.formats import photos_in
from lianpu.photo.reading import read_image

PICTURES = "CelebA-HQ-img"

PART_FILES = "CelebAMask-HQ-mask-anno"

MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"

_PART_FILE = re.compile(r"(\d+)_(\w+)\.png")

_FIRST_VAL, _FIRST_TEST = 162771, 182638
"""Places in CelebA (the mapping's second column) at which `g_partition.py` begins its val and its test part."""


LICENCE = "non-commercial research and education only (CelebAMask-HQ)"

LAYOUTS = (
    "images/ and masks/ (class indices in CelebAMask-HQ's order), "
    f"{PICTURES}/ and {PART_FILES}/ (CelebAMask-HQ as downloaded), "
    f"{PICTURES}/ and CelebAMask-HQ-mask/ (its g_mask.py), or {PICTURES}/ and mask/ (zllrunning/face-parsing.PyTorch)"
)


@dataclass(frozen=True)
class ParsingFaces:
    """The faces of one split with their masks, read from disk when asked for; may be sent to worker processes.

    Args:
        split: train, val or test.
        pictures: file of each face.
        masks: mask of each face.
    """

    split: str
    pictures: tuple[Path, ...]
    masks: tuple[IndexMask | PartMasks, ...]

    def __post_init__(self) -> None:
        assert len(self.pictures) == len(self.masks)

    def __len__(self) -> int:
        return len(self.pictures)

    @property
    def names(self) -> tuple[str, ...]:
        """File name of each picture."""
        return tuple(file.name for file in self.pictures)

    def read(self, index: int) -> tuple[Picture, Mask]:
        """Picture (H, W, 3) uint8 and mask (H, W) uint8 in our order, 255 where unknown.

        A larger picture of the same proportions is brought to the mask's size (CelebAMask-HQ: 1024 to 512 px).

        Raises:
            DataError: a file is missing or unreadable, a value is no class, or the sizes do not fit.
        """
        picture, mask = read_image(self.pictures[index]), self.masks[index].read()
        (height, width), (mask_height, mask_width) = picture.shape[:2], mask.shape
        if (height, width) == mask.shape:
            return picture, mask
        if height * mask_width != width * mask_height or height < mask_height:
            raise DataError(
                f"{self.pictures[index]} is {width}x{height} pixels, its mask {self.masks[index].shown_as} is "
                f"{mask_width}x{mask_height}. A picture has its mask's size, or its proportions and more pixels."
            )
        smaller = Image.fromarray(picture).resize((mask_width, mask_height), Image.Resampling.BILINEAR)
        return np.asarray(smaller, dtype=np.uint8), mask

    def read_mask(self, index: int) -> Mask:
        """The mask alone, (H, W) uint8 in our order. Raises DataError as `read` does."""
        return self.masks[index].read()


@dataclass(frozen=True)
class ParsingSet:
    """A folder of faces with masks.

    Args:
        folder: where it lies.
        layout: how its files are laid out, in words.
        split_from: where the split comes from, in words.
        train: faces to learn from.
        val: faces to choose and score by.
        test: faces kept for a last score; empty where the folder has none.
        licence: what the faces may be used for.
        fingerprint: SHA-256 over layout, names and splits, 64 hexadecimal digits; the pixels do not count.
    """

    folder: Path
    layout: str
    split_from: str
    train: ParsingFaces
    val: ParsingFaces
    test: ParsingFaces
    licence: str
    fingerprint: str

    def faces(self, split: str) -> ParsingFaces:
        """The faces of a split by name. Raises SettingsError when there is no such split, or it is empty."""
        if split not in SPLITS:
            raise SettingsError(f"'{split}' is no split{nearest_name(split, SPLITS)}. Known: {', '.join(SPLITS)}.")
        chosen = {"train": self.train, "val": self.val, "test": self.test}[split]
        if not len(chosen):
            raise SettingsError(f"{self.folder} has no {split} faces (split from {self.split_from}). Choose another split.")
        return chosen


def open_parsing_set(folder: Path | str) -> ParsingSet:
    """The faces and masks of a folder; only names are read here, `read` opens the files.

    Without lists of names (train.txt, val.txt, test.txt: a name per line) and without CelebA-HQ-to-CelebA-mapping.txt, one
    face in ten is held out by the hash of its name. A `licence.txt` says what the faces may be used for; without one
    CelebAMask-HQ's terms are taken.

    Raises:
        DataError: the folder is of no known layout, a picture has no mask, or the split names what is not there.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"{root} is no folder. Give a folder with {LAYOUTS}.")
    layout, pictures, masks = _pairs(root)
    splits, split_from = read_splits(root, in_order(pictures))
    _refuse_unpaired(root, [name for names in splits.values() for name in names], pictures, masks)
    parts = {
        split: ParsingFaces(split, tuple(pictures[name] for name in names), tuple(masks[Path(name).stem] for name in names))
        for split, names in splits.items()
    }
    return ParsingSet(
        folder=root,
        layout=layout,
        split_from=split_from,
        train=parts["train"],
        val=parts["val"],
        test=parts["test"],
        licence=_licence(root),
        fingerprint=_fingerprint(layout, splits),
    )


def find_masks(folder: Path) -> Mapping[str, IndexMask | PartMasks] | None:
    """The masks of a folder by the stem of their picture, whatever its layout; None where it has none."""
    ready = (folder / "images").is_dir() and (folder / "masks").is_dir()
    downloaded = (folder / PICTURES).is_dir() and any(
        (folder / name).is_dir() for name in (PART_FILES, "CelebAMask-HQ-mask", "mask")
    )
    return _pairs(folder)[2] if ready or downloaded else None


def _pairs(root: Path) -> tuple[str, dict[str, Path], Mapping[str, IndexMask | PartMasks]]:
    """Layout in words, pictures by file name, masks by the picture's stem."""
    if (root / "masks").is_dir() and (root / "images").is_dir():
        return "class indices", _pictures(root / "images"), _index_masks(root / "masks", PARTS)
    if not (root / PICTURES).is_dir():
        raise DataError(f"{root} is of no known layout. Known: {LAYOUTS}.")
    pictures = _pictures(root / PICTURES)
    if (root / PART_FILES).is_dir():
        by_number = read_part_files(root / PART_FILES)
        return "CelebAMask-HQ as downloaded", pictures, {str(number): mask for number, mask in by_number.items()}
    if (root / "CelebAMask-HQ-mask").is_dir():
        return "CelebAMask-HQ after g_mask.py", pictures, _index_masks(root / "CelebAMask-HQ-mask", PARTS)
    if (root / "mask").is_dir():
        return "zllrunning/face-parsing.PyTorch", pictures, _index_masks(root / "mask", BISENET_ORDER)
    raise DataError(f"{root} has pictures in {PICTURES} but no masks. Put them into {root / PART_FILES}. Known: {LAYOUTS}.")


def _pictures(folder: Path) -> dict[str, Path]:
    return {file.name: file for file in _listed(folder)}


def _index_masks(folder: Path, order: Sequence[str]) -> dict[str, IndexMask]:
    return {file.stem: IndexMask(file, order) for file in _listed(folder)}


def _listed(folder: Path) -> list[Path]:
    try:
        return photos_in(folder)
    except OSError as problem:
        raise DataError(f"{folder} cannot be listed ({problem.strerror}). Change its permissions.") from None


def _refuse_unpaired(root: Path, names: list[str], pictures: Mapping[str, Path], masks: Mapping[str, object]) -> None:
    if not names:
        raise DataError(f"{root} has no pictures. Known layouts: {LAYOUTS}.")
    missing = [name for name in names if name not in pictures]
    without = [name for name in names if Path(name).stem not in masks]
    for what, wrong in (("are named in its lists but not on disk", missing), ("have no mask", without)):
        if wrong:
            shown = ", ".join(wrong[:3]) + (", ..." if len(wrong) > 3 else "")
            raise DataError(
                f"{root}: {len(wrong)} of {len(names)} pictures {what}: {shown}. Put the files there, or take the faces out."
            )


def _licence(root: Path) -> str:
    file = root / "licence.txt"
    return " ".join(file.read_text(encoding="utf-8-sig", errors="replace").split()) or LICENCE if file.is_file() else LICENCE


def _fingerprint(layout: str, splits: Mapping[str, list[str]]) -> str:
    text = "\n".join([layout, *(f"{split}\n" + "\n".join(names) for split, names in splits.items())])
    return hashlib.sha256(os.fsencode(text)).hexdigest()


def read_part_files(folder: Path) -> dict[int, PartMasks]:
    """The part files of each face, by the face's number; they lie in folders 0 to 14, or all in one.

    Raises:
        DataError: a file names no part, or there is no mask.
    """
    by_face: dict[int, dict[str, Path]] = {}
    unknown: list[str] = []
    for file in sorted(folder.rglob("*.png")):
        matched = _PART_FILE.fullmatch(file.name)
        if file.name.startswith("."):
            continue
        if matched is None or matched[2] not in PARTS[1:]:
            near = nearest_name(matched[2], PARTS[1:]) if matched else ""
            unknown.append(f"{file.relative_to(folder)}{near}")
        else:
            by_face.setdefault(int(matched[1]), {})[matched[2]] = file
    if unknown:
        raise DataError(
            f"{folder} has {len(unknown)} files that name no part, first {unknown[0]}. "
            f"They are called NUMBER_PART.png, as 00000_hair.png: rename or remove them. Parts: {', '.join(PARTS[1:])}."
        )
    if not by_face:
        raise DataError(f"{folder} has no part files (as 0/00000_hair.png). Unpack CelebAMask-HQ again.")
    return {face: PartMasks(files) for face, files in by_face.items()}


def read_official_split(mapping: Path) -> dict[int, str]:
    """train, val or test for each face's number, as the authors' `g_partition.py` divides them: 24,183, 2,993 and 2,824.

    Raises:
        DataError: the mapping is not as published; the line is said.
    """
    splits: dict[int, str] = {}
    try:
        lines = mapping.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        raise DataError(f"{mapping} cannot be read ({problem}). Download it again.") from None
    for number, line in enumerate(lines[1:], start=2):
        words = line.split()
        if not words:
            continue
        if len(words) < 2 or not (words[0].isdecimal() and words[1].isdecimal()):
            raise DataError(
                f"{mapping}, line {number}: expected a face's number and its place in CelebA, got '{line[:60]}'. Download it again."
            )
        place = int(words[1])
        splits[int(words[0])] = "test" if place >= _FIRST_TEST else "val" if place >= _FIRST_VAL else "train"
    return splits


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
    places = {name: int.from_bytes(hashlib.sha256(os.fsencode(name)).digest()[:8], "big") / 2**64 for name in names}
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
