"""CelebA as it is downloaded: aligned faces of 178x218, forty attributes, the official split.

Ziwei Liu, Ping Luo, Xiaogang Wang, Xiaoou Tang: Deep Learning Face Attributes in the Wild, ICCV 2015.
The faces are cropped as StarGAN's authors do: the middle 178 x 178.
"""

from collections.abc import Iterator
from pathlib import Path

from lianpu.dataset.label_sheet import read_label_sheet
from lianpu.dataset.listing import first_file, first_folder
from lianpu.dataset.splits import read_partition
from lianpu.dataset.table import FaceTable
from lianpu.dataset.text_files import CELEBA_LICENCE
from lianpu.errors import DataError

CROP_PX = 178
ALIGNMENT = "celeba-center-crop-178"
LAYOUT = "img_align_celeba/ (pictures), list_attr_celeba.txt (labels) and list_eval_partition.txt (split)"


def looks_like_celeba(root: Path) -> bool:
    """Whether CelebA's label file is in the folder, in `celeba/` below it or in `Anno/`."""
    return _label_file(root) is not None


def read_celeba(root: Path) -> FaceTable:
    """All faces of CelebA: 202,599 when whole.

    Understood are the official folders (`Anno/`, `Eval/`, `Img/`), everything in one folder, torchvision's and Kaggle's
    nesting (`celeba/img_align_celeba/img_align_celeba/`), the `images/` of StarGAN's authors, and Kaggle's .csv files.
    There is no split but the official one: another would let test faces of published models into training.

    Raises:
        DataError: the pictures, labels or split are missing or wrong.
    """
    label_file = _label_file(root)
    if label_file is None:
        raise DataError(f"{root} has no list_attr_celeba.txt. Put CelebA's label file there, beside img_align_celeba.")
    partition_file = _partition_file(root)
    if partition_file is None:
        raise DataError(
            f"{root} has no list_eval_partition.txt, CelebA's official split. It comes with CelebA (folder Eval): "
            f"put it at {label_file.parent / 'list_eval_partition.txt'}"
        )
    sheet = read_label_sheet(label_file)
    splits = read_partition(partition_file, frozenset(sheet.pictures))
    return FaceTable(
        source="CelebA",
        root=_picture_folder(root),
        files=sheet.pictures,
        attributes=sheet.attributes,
        labels=sheet.labels,
        splits=tuple(splits[name] for name in sheet.pictures),
        crop_px=CROP_PX,
        alignment=ALIGNMENT,
        licence=CELEBA_LICENCE,
    )


def _bases(root: Path) -> Iterator[Path]:
    yield from (root, root / "celeba", root / "CelebA")


def _label_file(root: Path) -> Path | None:
    folders = [folder for base in _bases(root) for folder in (base, base / "Anno")]
    return first_file(folder / f"list_attr_celeba.{ending}" for folder in folders for ending in ("txt", "csv"))


def _partition_file(root: Path) -> Path | None:
    folders = [folder for base in _bases(root) for folder in (base, base / "Eval")]
    return first_file(folder / f"list_eval_partition.{ending}" for folder in folders for ending in ("txt", "csv"))


def _picture_folder(root: Path) -> Path:
    found = first_folder(base / name for base in _bases(root) for name in ("img_align_celeba", "Img/img_align_celeba", "images"))
    if found is None:
        packed = first_file(base / name for base in _bases(root) for name in ("img_align_celeba.zip", "Img/img_align_celeba.zip"))
        todo = f"Unpack {packed} there" if packed else f"Put CelebA's pictures at {root / 'img_align_celeba'}"
        raise DataError(f"{root} has CelebA's labels, but no folder img_align_celeba. {todo}.")
    return first_folder([found / "img_align_celeba", found]) or found
