"""Opening by name: spellings, sizes, attributes, the fingerprint, and a big listing that stays cheap."""

import os
from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.listing import missing_pictures, unlisted_pictures
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.dataset.splits import split_by_hash
from lianpu.dataset.table import FaceTable, fingerprint_of
from lianpu.errors import DataError, SettingsError


def test_an_unknown_dataset_is_refused_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError, match=r"'Celeba_HQ' is no dataset \(did you mean .*Known: CelebA, CelebAMask-HQ, folder, csv"
    ):
        open_dataset("Celeba_HQ", tmp_path, 64, ["Male"])


@pytest.mark.parametrize("spelling", ["celebamask-hq", "CELEBAMASK-HQ"])
def test_case_does_not_matter(celebamask: Path, spelling: str) -> None:
    assert open_dataset(spelling, celebamask, 32, ["Male"]).source == "CelebAMask-HQ"


def test_a_folder_that_is_not_there_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"nowhere is not there. Give the data folder with --data-dir; it holds img_align_celeba/"
    ):
        open_dataset("CelebA", tmp_path / "nowhere", 64, ["Male"])


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"does not look like CelebA, which holds .*\(split\)\.$"):
        open_dataset("CelebA", tmp_path, 64, ["Male"])


@pytest.mark.parametrize(
    ("size", "advice"), [(30, "take 28 or 32"), (0, "take 16 or 20"), (12, "take 16 or 20"), (257, "take 256 or 260")]
)
def test_a_size_that_is_no_multiple_of_4_is_refused(celebamask: Path, size: int, advice: str) -> None:
    with pytest.raises(SettingsError, match=f"image_size {size} is not a multiple of 4 .*{advice}"):
        open_dataset("CelebAMask-HQ", celebamask, size, ["Male"])


def test_attributes_must_be_named_where_there_are_many(celebamask: Path) -> None:
    with pytest.raises(SettingsError, match=r"--selected-attrs. CelebAMask-HQ here labels: Black_Hair, Blond_Hair, Male, Young"):
        open_dataset("CelebAMask-HQ", celebamask, 32)


def test_all_unknown_attributes_are_reported_together(celebamask: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        open_dataset("CelebAMask-HQ", celebamask, 32, ["blond_hair", "Male", "Yong"])
    assert "'blond_hair' (did you mean 'Blond_Hair'?), 'Yong' (did you mean 'Young'?)" in str(caught.value)


def test_an_attribute_twice_is_refused(celebamask: Path) -> None:
    with pytest.raises(SettingsError, match="selected_attrs names Male twice"):
        open_dataset("CelebAMask-HQ", celebamask, 32, ["Male", "Male"])


def test_hair_colours_exclude_each_other(celebamask: Path) -> None:
    assert open_dataset("CelebAMask-HQ", celebamask, 32, ["Male", "Blond_Hair", "Black_Hair"]).attributes.groups == (
        ("Blond_Hair", "Black_Hair"),
    )


def _table(**changes: object) -> FaceTable:
    values: dict[str, object] = {
        "source": "csv",
        "root": Path("somewhere"),
        "files": ("1.png", "2.png"),
        "attributes": ("A", "B"),
        "labels": np.array([[0, 1], [1, 0]], dtype=np.uint8),
        "splits": ("train", "test"),
    }
    return FaceTable(**(values | changes))  # type: ignore[arg-type]


def test_the_fingerprint_knows_everything_but_the_place() -> None:
    before = fingerprint_of(_table())
    assert len(before) == 64
    assert fingerprint_of(_table(root=Path("elsewhere"))) == before
    changes: list[dict[str, object]] = [
        {"source": "folder"},
        {"files": ("1.png", "3.png")},
        {"attributes": ("A", "C")},
        {"labels": np.array([[0, 1], [1, 1]], dtype=np.uint8)},
        {"splits": ("test", "train")},
        {"crop_px": 178},
    ]
    assert len({before, *(fingerprint_of(_table(**change)) for change in changes)}) == len(changes) + 1


def test_the_fingerprint_of_the_same_labels_stays_as_it_was_in_earlier_versions() -> None:
    assert fingerprint_of(_table()) == "1bd6d2d0d9a432ecbab5ab2e558783befc9c9d20b1ea08cb07fae6c797fbc6cb"


def test_split_by_hash_depends_on_the_name_alone() -> None:
    names = [f"{number}.jpg" for number in range(5000)]
    splits = dict(zip(names, split_by_hash(names), strict=True))
    assert list(splits.values()).count("test") / 5000 == pytest.approx(0.1, abs=0.015)
    backwards = dict(zip(names[::-1], split_by_hash(names[::-1]), strict=True))
    assert backwards == splits
    fewer = dict(zip(names[:300], split_by_hash(names[:300]), strict=True))
    assert all(splits[name] == split for name, split in fewer.items())


def test_split_by_hash_holds_out_at_least_one_of_two() -> None:
    for first in range(20):
        assert sorted(split_by_hash([f"a{first}", f"b{first}"])) in (["test", "train"], ["test", "test"])
    assert split_by_hash([]) == ()


def test_missing_and_unlisted_pictures_are_told_apart(celebamask: Path) -> None:
    (celebamask / "images" / "000002.jpg").unlink()
    (celebamask / "images" / "stray.PNG").write_bytes(b"x")
    (celebamask / "images" / "notes.txt").write_bytes(b"x")
    table = read_table("CelebAMask-HQ", celebamask)
    assert missing_pictures(table) == ["000002.jpg"]
    assert unlisted_pictures(table) == ["stray.PNG"]


def test_opening_asks_the_disk_once_per_folder_not_once_per_picture(celeba: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    real_stat, real_scandir = os.stat, os.scandir

    def counted_stat(path: object, *rest: object, **named: object) -> object:
        asked.append(path)
        return real_stat(path, *rest, **named)  # type: ignore[arg-type]

    def counted_scandir(path: object) -> object:
        asked.append(path)
        return real_scandir(path)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "stat", counted_stat)
    monkeypatch.setattr(os, "scandir", counted_scandir)
    open_dataset("CelebA", celeba, 32, ["Male"])
    assert not [path for path in asked if str(path).endswith(".jpg")]
    assert sum(str(path).endswith("img_align_celeba") for path in asked) > 0


def test_a_dataset_its_faces_and_table_show_themselves_in_a_line(celebamask: Path) -> None:
    dataset = open_dataset("CelebAMask-HQ", celebamask, 32, ["Male"])
    for shown in map(repr, (dataset, dataset.train, dataset.train.table)):
        assert len(shown) < 150 + len(str(celebamask)) and "\n" not in shown
    assert "32 px, Male" in repr(dataset) and "held out" in repr(dataset)
