"""Faces with masks, from any folder layout in one form: what a parser is trained and scored on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from lianpu.errors import DataError, SettingsError, nearest_name
from lianpu.image import PICTURE_ENDINGS, Picture, read_image
from lianpu.parser.mask_files import IndexMask, Mask, PartMasks
from lianpu.parser.mask_splits import SPLITS, in_order, read_splits
from lianpu.parser.masks_celebamask import PART_FILES, PICTURES, read_part_files
from lianpu.part_names import BISENET_ORDER, PARTS

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
        """Picture (H, W, 3) uint8 and mask (H, W) uint8 in our order, 255 where nobody knows.

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
        """The faces of a split by name. Raises SettingsError when it is none, or empty."""
        if split not in SPLITS:
            raise SettingsError(f"'{split}' is no split{nearest_name(split, SPLITS)}. Known: {', '.join(SPLITS)}.")
        chosen = {"train": self.train, "val": self.val, "test": self.test}[split]
        if not len(chosen):
            raise SettingsError(f"{self.folder} has no {split} faces (split from {self.split_from}). Choose another split.")
        return chosen


def open_parsing_set(folder: Path | str) -> ParsingSet:
    """The faces and masks of a folder; only names are looked at, `read` opens the files.

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
        files = sorted(folder.iterdir())
    except OSError as problem:
        raise DataError(f"{folder} cannot be listed ({problem.strerror}). Change its permissions.") from None
    return [file for file in files if file.suffix.lower() in PICTURE_ENDINGS and not file.name.startswith(".")]


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
    return hashlib.sha256(text.encode()).hexdigest()
