"""Folders like CelebAMask-HQ: with and without lists of names, and real faces."""

from pathlib import Path

import pytest

from lianpu.dataset.sources import open_dataset, read_table
from lianpu.dataset.splits import split_by_hash
from lianpu.errors import DataError
from tests.support.shared import REAL_FACES, needs

SELECTED = ["Black_Hair", "Male"]


def test_the_lists_of_names_are_the_split(celebamask: Path) -> None:
    dataset = open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED)
    assert (len(dataset.train), len(dataset.test), dataset.test.split) == (16, 4, "val")
    assert dataset.alignment == "celebamask-hq"
    assert dataset.train.read(0).shape == (32, 32, 3)


def test_test_txt_is_held_out_before_val_txt(celebamask: Path) -> None:
    (celebamask / "val.txt").write_text("000017.jpg\n")
    (celebamask / "test.txt").write_text("000018.jpg\n000019.jpg\n")
    dataset = open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED)
    assert (dataset.test.split, len(dataset.test)) == ("test", 2)
    assert len(dataset.train.table.files) == 19  # 000020.jpg is in no list


def test_names_of_the_official_download_are_known(celebamask: Path) -> None:
    (celebamask / "images").rename(celebamask / "CelebA-HQ-img")
    (celebamask / "list_attr.txt").rename(celebamask / "CelebAMask-HQ-attribute-anno.txt")
    assert len(open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED).train) == 16


def test_without_lists_one_face_in_ten_is_held_out_by_its_name(celebamask: Path) -> None:
    for name in ("train.txt", "val.txt"):
        (celebamask / name).unlink()
    table = read_table("CelebAMask-HQ", celebamask)
    assert table.splits == split_by_hash(table.files, table.labels)
    assert open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED).test.split == "test"


def test_licence_txt_says_what_the_faces_may_be_used_for(celebamask: Path) -> None:
    assert open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED).licence.startswith("non-commercial research")
    (celebamask / "licence.txt").write_text("drawn by a program:\nfree for any use\n")
    assert open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED).licence == "drawn by a program: free for any use"


def _refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_dataset("CelebAMask-HQ", root, 32, SELECTED)
    return str(caught.value)


def test_a_name_in_two_lists_is_refused_with_its_line(celebamask: Path) -> None:
    (celebamask / "val.txt").write_text("000017.jpg\n000003.jpg\n")
    assert "val.txt, line 2: 000003.jpg is in train.txt already" in _refusal(celebamask)


def test_a_name_without_labels_is_refused_with_its_line(celebamask: Path) -> None:
    (celebamask / "val.txt").write_text("000017.jpg\n\n000021.jpg\n")
    assert "val.txt, line 3: 000021.jpg has no labels" in _refusal(celebamask)


def test_a_name_twice_in_a_list_is_refused(celebamask: Path) -> None:
    (celebamask / "val.txt").write_text("000017.jpg\n000017.jpg\n")
    assert "val.txt, line 2: 000017.jpg is there a second time" in _refusal(celebamask)


def test_a_training_list_alone_is_refused(celebamask: Path) -> None:
    (celebamask / "val.txt").unlink()
    assert "neither val.txt nor test.txt to judge edits on" in _refusal(celebamask)


def test_a_held_out_list_alone_is_refused(celebamask: Path) -> None:
    (celebamask / "train.txt").unlink()
    assert "has no train.txt beside val.txt" in _refusal(celebamask)


@pytest.mark.parametrize(("name", "words"), [("train", "train on"), ("val", "judge edits on")])
def test_an_empty_list_is_refused(celebamask: Path, name: str, words: str) -> None:
    (celebamask / f"{name}.txt").write_text("\n")
    assert f"no faces to {words}" in _refusal(celebamask)


def test_two_label_files_are_refused_unless_one_has_the_usual_name(celebamask: Path) -> None:
    (celebamask / "list_attr.txt").rename(celebamask / "list_attr_a.txt")
    assert len(open_dataset("CelebAMask-HQ", celebamask, 32, SELECTED).train) == 16
    (celebamask / "list_attr_b.txt").write_text("0\nA\n")
    assert "several label files: list_attr_a.txt, list_attr_b.txt" in _refusal(celebamask)


@needs(REAL_FACES)
def test_the_real_faces_open_as_their_readme_says() -> None:
    names = ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]
    dataset = open_dataset("CelebAMask-HQ", REAL_FACES, 64, names)
    assert (len(dataset.train), len(dataset.test)) == (800, 100)
    positives = dataset.train.labels.sum(axis=0) + dataset.test.labels.sum(axis=0)
    shares = dict(zip(names, (positives / 9.0).tolist(), strict=True))
    stated = {"Black_Hair": 23.0, "Blond_Hair": 12.3, "Brown_Hair": 14.7, "Male": 38.5, "Young": 79.2}
    for name, share in stated.items():  # the README's figures are of 996 faces, 900 of which are here
        assert shares[name] == pytest.approx(share, abs=1.0)
    assert (dataset.train.labels[:, :3].sum(axis=1) <= 1).all()
    batch, labels = dataset.train.batch([0, 1])
    assert tuple(batch.shape) == (2, 3, 64, 64) and labels.shape == (2, 5)
    assert labels[0].tolist() == [0.0, 0.0, 1.0, 0.0, 1.0]  # the first row of list_attr.txt
