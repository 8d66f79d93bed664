"""Folders like CelebAMask-HQ: aligned faces, CelebA-style labels, and lists of names as the split.

Cheng-Han Lee, Ziwei Liu, Lingyun Wu, Ping Luo: MaskGAN, CVPR 2020. The faces fill the picture already: nothing is cropped.
"""

from pathlib import Path

from lianpu.dataset.label_sheet import LabelSheet, read_label_sheet
from lianpu.dataset.listing import first_file, first_folder
from lianpu.dataset.splits import read_name_lists, split_by_hash
from lianpu.dataset.table import FaceTable, Split
from lianpu.dataset.text_files import CELEBA_LICENCE, alignment_of, licence_of
from lianpu.errors import DataError

ALIGNMENT = "celebamask-hq"
"""How CelebAMask-HQ cuts its faces out; a folder of others says so in its alignment.txt."""
LAYOUT = "images/ or CelebA-HQ-img/ (pictures), list_attr.txt or CelebAMask-HQ-attribute-anno.txt (labels), train.txt and val.txt (split)"

_LABEL_FILES = ("list_attr.txt", "CelebAMask-HQ-attribute-anno.txt")
_PICTURE_FOLDERS = ("images", "CelebA-HQ-img")


def looks_like_celebamask(root: Path) -> bool:
    """Whether the folder has a label file and a picture folder as CelebAMask-HQ names them."""
    return bool(_label_files(root)) and first_folder(root / name for name in _PICTURE_FOLDERS) is not None


def read_celebamask(root: Path) -> FaceTable:
    """All faces that have labels and a split; `train.txt`, `val.txt` and `test.txt` name the pictures of each.

    As downloaded CelebAMask-HQ has no such lists: then one face in ten is held out by the hash of its name.
    A `licence.txt` in the folder says what its faces may be used for; without one CelebA's terms hold. An `alignment.txt`
    says how they were cut out (`celeba-center-crop-178`), so that a model trained on them knows; without one they are CelebAMask-HQ's own.

    Raises:
        DataError: the pictures, labels or split are missing or wrong.
    """
    folder = first_folder(root / name for name in _PICTURE_FOLDERS)
    if folder is None:
        raise DataError(f"{root} has no folder images or CelebA-HQ-img. Put the pictures into {root / 'images'}.")
    sheet = read_label_sheet(_label_file(root))
    splits = _splits(root, sheet)
    rows = [row for row, name in enumerate(sheet.pictures) if name in splits]
    return FaceTable(
        source="CelebAMask-HQ",
        root=folder,
        files=tuple(sheet.pictures[row] for row in rows),
        attributes=sheet.attributes,
        labels=sheet.labels[rows],
        splits=tuple(splits[sheet.pictures[row]] for row in rows),
        alignment=alignment_of(root, ALIGNMENT),
        licence=licence_of(root, CELEBA_LICENCE),
    )


def _splits(root: Path, sheet: LabelSheet) -> dict[str, Split]:
    lists = read_name_lists(root, frozenset(sheet.pictures))
    return dict(zip(sheet.pictures, split_by_hash(sheet.pictures, sheet.labels), strict=True)) if lists is None else lists


def _label_file(root: Path) -> Path:
    usual = first_file(root / name for name in _LABEL_FILES)
    files = [usual] if usual else _label_files(root)
    if not files:
        raise DataError(
            f"{root} has no label file list_attr.txt. Put one there: a count, the attribute names, a row per picture."
        )
    if len(files) > 1:
        raise DataError(
            f"{root} has several label files: {', '.join(file.name for file in files)}. Name the right one list_attr.txt."
        )
    return files[0]


def _label_files(root: Path) -> list[Path]:
    usual = [root / name for name in _LABEL_FILES if (root / name).is_file()]
    return usual or sorted(root.glob("list_attr*.txt"))
