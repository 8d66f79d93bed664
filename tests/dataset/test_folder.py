"""One folder per class, with and without train, val and test above."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.folder import read_folder
from lianpu.dataset.sources import open_dataset
from lianpu.dataset.splits import split_by_hash
from lianpu.errors import DataError, SettingsError
from lianpu.photo.writing import write_image


def _classes(folder: Path, classes: tuple[str, ...], count: int) -> None:
    for number, name in enumerate(classes):
        for picture in range(count):
            write_image(folder / name / f"{picture}.png", np.full((20, 20, 3), 10 * number + picture, dtype=np.uint8))


@pytest.fixture
def split_classes(tmp_path: Path) -> Path:
    _classes(tmp_path / "train", ("happy", "angry", "calm"), 3)
    _classes(tmp_path / "val", ("happy", "angry"), 2)
    return tmp_path


def test_classes_are_sorted_and_each_face_has_exactly_one(split_classes: Path) -> None:
    dataset = open_dataset("folder", split_classes, 16)
    assert dataset.attributes.names == ("angry", "calm", "happy")
    assert dataset.attributes.one_class and dataset.attributes.groups == (("angry", "calm", "happy"),)
    assert (len(dataset.train), len(dataset.test)) == (9, 4)
    assert (dataset.train.labels.sum(axis=1) == 1).all()
    happy = dataset.train.read(int(np.flatnonzero(dataset.train.labels[:, 2])[0]))
    assert (happy == 0).all()  # the first picture of happy is black
    assert dataset.licence == "follows the training data"


def test_only_the_faces_of_the_selected_classes_are_used(split_classes: Path) -> None:
    dataset = open_dataset("folder", split_classes, 16, ["happy", "angry"])
    assert (len(dataset.train), len(dataset.test)) == (6, 4)
    assert dataset.train.labels[:3].tolist() == [[0.0, 1.0]] * 3


def test_without_train_above_one_in_ten_is_held_out_by_class_and_name(tmp_path: Path) -> None:
    _classes(tmp_path, ("a", "b"), 20)
    dataset = open_dataset("folder", tmp_path, 16)
    table = dataset.train.table
    assert table.splits == split_by_hash(table.files)
    assert table.files[:2] == ("a/0.png", "a/1.png")
    assert len(dataset.train) + len(dataset.test) == 40 and len(dataset.test) >= 1


def test_pictures_in_folders_below_a_class_belong_to_it(split_classes: Path) -> None:
    _classes(split_classes / "train" / "calm", ("by_day", "by_night"), 2)
    dataset = open_dataset("folder", split_classes, 16)
    assert dataset.train.labels.sum(axis=0).tolist() == [3.0, 7.0, 3.0]


def test_hidden_folders_and_other_files_are_passed_over(split_classes: Path) -> None:
    _classes(split_classes / "train", (".thumbnails", "__MACOSX"), 1)
    (split_classes / "train" / "happy" / "notes.txt").write_text("x")
    (split_classes / "train" / "happy" / ".0.png").write_bytes(b"x")
    assert len(open_dataset("folder", split_classes, 16).train) == 9


def _only_one(root: Path) -> None:
    shutil.rmtree(root / "train" / "happy")
    shutil.rmtree(root / "train" / "angry")


def _empty_class(root: Path) -> None:
    (root / "train" / "sad").mkdir()


def _class_only_held_out(root: Path) -> None:
    _classes(root / "val", ("hapy",), 1)


def _no_train(root: Path) -> None:
    _classes(root / "x", ("p", "q"), 1)
    for name in ("p", "q"):
        shutil.move(root / "x" / name, root / name)
    shutil.rmtree(root / "train")


def _no_held_out(root: Path) -> None:
    shutil.rmtree(root / "val")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_only_one, "does not look like folder"),
        (_empty_class, "sad has no pictures to train on"),
        (_class_only_held_out, "hapy is a class that train does not have (did you mean 'happy'?)"),
        (_no_train, "has val, but no train"),
        (_no_held_out, "no faces to judge edits on"),
    ],
)
def test_folders_that_cannot_work_are_refused(split_classes: Path, damage: Callable[[Path], None], words: str) -> None:
    damage(split_classes)
    with pytest.raises(DataError) as caught:
        open_dataset("folder", split_classes, 16)
    assert words in str(caught.value)


def test_one_class_cannot_be_learned(split_classes: Path) -> None:
    with pytest.raises(DataError, match="every one of the 3 training faces has happy"):
        open_dataset("folder", split_classes, 16, ["happy"])


def test_an_unknown_class_is_refused_with_the_nearest(split_classes: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"'Happy' \(did you mean 'happy'\?\) not among the labels. Known: angry, calm, happy"
    ):
        open_dataset("folder", split_classes, 16, ["Happy", "angry"])


def test_pictures_and_masks_are_not_taken_for_classes(celebamask: Path) -> None:
    _classes(celebamask, ("masks",), 2)
    with pytest.raises(DataError, match="It looks like CelebAMask-HQ"):
        open_dataset("folder", celebamask, 16)


def test_each_class_is_held_out_and_trained_on(tmp_path: Path) -> None:
    for name, count in (("many", 40), ("few", 2), ("some", 5)):
        for number in range(count):
            write_image(tmp_path / name / f"{number}.png", np.full((16, 16, 3), number, dtype=np.uint8))
    table = read_folder(tmp_path)
    sides = {(file.split("/")[0], split) for file, split in zip(table.files, table.splits, strict=True)}
    assert sides == {(name, split) for name in ("many", "few", "some") for split in ("train", "test")}
