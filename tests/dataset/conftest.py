"""Tiny data folders of every kind, written anew for each test."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lianpu.photo.writing import write_image

ATTRIBUTES = ("Black_Hair", "Blond_Hair", "Male", "Young")


def picture_of(number: int, height: int = 40, width: int = 30) -> np.ndarray:
    """A picture with its number in its noise."""
    return np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_pictures(folder: Path, names: Sequence[str], height: int = 40, width: int = 30) -> None:
    for number, name in enumerate(names):
        write_image(folder / name, picture_of(number, height, width))


def names_of(count: int) -> list[str]:
    return [f"{number:06d}.jpg" for number in range(1, count + 1)]


def label_text(names: Sequence[str], attributes: Sequence[str] = ATTRIBUTES) -> str:
    """Labels in CelebA's form: attribute a of picture n is true where bit a of n is set, so none is constant."""
    rows = [
        f"{name} " + " ".join(f"{1 if number >> at & 1 else -1:>2d}" for at in range(len(attributes)))
        for number, name in enumerate(names)
    ]
    return "\n".join([str(len(names)), " ".join(attributes), *rows]) + "\n"


def partition_text(names: Sequence[str]) -> str:
    """Of every ten pictures: eight to train on, one val, one test."""
    return "".join(f"{name} {max(0, number % 10 - 7)}\n" for number, name in enumerate(names))


@pytest.fixture(scope="session")
def celeba_pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures of CelebA's size, written once."""
    folder = tmp_path_factory.mktemp("celeba_pictures")
    write_pictures(folder, names_of(40), 218, 178)
    return folder


@pytest.fixture
def celeba(tmp_path: Path, celeba_pictures: Path) -> Path:
    """CelebA with everything in one folder: 40 faces, 32 train, 4 val, 4 test."""
    names = names_of(40)
    shutil.copytree(celeba_pictures, tmp_path / "img_align_celeba")
    (tmp_path / "list_attr_celeba.txt").write_text(label_text(names))
    (tmp_path / "list_eval_partition.txt").write_text(partition_text(names))
    return tmp_path


@pytest.fixture
def celebamask(tmp_path: Path) -> Path:
    """A folder like CelebAMask-HQ: 20 faces, 16 train, 4 val."""
    names = names_of(20)
    write_pictures(tmp_path / "images", names, 32, 32)
    (tmp_path / "list_attr.txt").write_text(label_text(names))
    (tmp_path / "train.txt").write_text("\n".join(names[:16]) + "\n")
    (tmp_path / "val.txt").write_text("\n".join(names[16:]) + "\n")
    return tmp_path


@pytest.fixture
def edit_line() -> Callable[[Path, int, str | None], None]:
    """Replaces line `number` (from 1) of a file; None removes it."""

    def edit(file: Path, number: int, text: str | None) -> None:
        lines = file.read_text().splitlines()
        lines[number - 1 : number] = [] if text is None else [text]
        file.write_text("\n".join(lines) + "\n")

    return edit
