"""The doctor of data finds each thing that is wrong, and tells what stops training from what does not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lianpu.attributes import AttributeSet
from lianpu.dataset.check import MEANINGS, DataReport, Kind, Problem, check_data
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.errors import DataError, SettingsError
from lianpu.photo.writing import write_image
from tests.support.shared import REAL_FACES, needs


def _check(root: Path, image_size: int = 32, attributes: AttributeSet | None = None, source: str = "CelebAMask-HQ") -> DataReport:
    return check_data(read_table(source, root), image_size, attributes)


def _of(report: DataReport, kind: Kind) -> list[tuple[str, str, bool]]:
    return [(problem.subject, problem.detail, problem.stops) for problem in report.by_kind().get(kind, ())]


def test_good_faces_have_no_problem_but_their_small_number(celebamask: Path) -> None:
    told: list[tuple[int, int]] = []
    report = check_data(read_table("CelebAMask-HQ", celebamask), 32, None, lambda done, total: told.append((done, total)))
    assert set(report.by_kind()) <= {"too few", "two hair colours", "cannot be learned"} and not report.stopping
    assert report.counts == {"train": 16, "val": 4}
    assert told == [(done, 20) for done in range(1, 21)]


def test_balance_counts_both_splits(celebamask: Path) -> None:
    report = _check(celebamask, attributes=AttributeSet.of(["Male", "Black_Hair"]))
    male, black = report.balance
    assert (male.name, male.train_positives, male.train_count, male.test_positives, male.test_count) == ("Male", 8, 16, 0, 4)
    assert (black.train_positives, black.test_positives) == (8, 2)
    expected = (
        "8 training faces with it, 8 without (50 of each are good); 0 held-out faces with it, 4 without (10 of each are good)"
    )
    assert ("Male", expected, False) in _of(report, "too few")


def test_a_missing_picture_stops_training(celebamask: Path) -> None:
    (celebamask / "images" / "000003.jpg").unlink()
    assert _of(_check(celebamask), "missing") == [("000003.jpg", "not on disk", True)]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: content[: len(content) // 2], "is broken or cut off (image file is truncated"),
        (lambda content: b"404 Not Found", "is not a picture that can be read"),
        (lambda content: b"", "is empty (0 bytes)"),
    ],
)
def test_a_broken_picture_stops_training_with_its_reason(celebamask: Path, damage: Callable[[bytes], bytes], words: str) -> None:
    file = celebamask / "images" / "000003.jpg"
    file.write_bytes(damage(file.read_bytes()))
    [(subject, detail, stops)] = _of(_check(celebamask), "broken")
    assert subject == "000003.jpg" and detail.startswith(words) and stops


def test_duplicates_are_told_apart_by_whether_they_cross_the_split(celebamask: Path) -> None:
    images = celebamask / "images"
    shutil.copy(images / "000001.jpg", images / "000002.jpg")
    shutil.copy(images / "000001.jpg", images / "000018.jpg")
    report = _check(celebamask)
    assert _of(report, "duplicate") == [("000002.jpg", "same bytes as 000001.jpg", False)]
    assert _of(report, "duplicate across splits") == [("000018.jpg", "val, same bytes as 000001.jpg in train", False)]


def test_pictures_smaller_than_asked_are_found(celebamask: Path) -> None:
    write_image(celebamask / "images" / "000003.jpg", np.zeros((30, 31, 3), dtype=np.uint8))
    report = _check(celebamask)
    assert _of(report, "too small") == [("000003.jpg", "31x30 for 32 px", False)]
    assert _of(report, "not square") == [("000003.jpg", "31x30", False)]
    assert len(_of(_check(celebamask, image_size=64), "too small")) == 20


def test_a_crop_smaller_than_asked_is_said_once_and_not_for_every_picture(celeba: Path) -> None:
    assert _of(_check(celeba, 256, source="CelebA"), "too small") == [
        ("every picture", "the crop of 178 px is enlarged to 256", False)
    ]
    assert _of(_check(celeba, 128, source="CelebA"), "too small") == []


def test_unusual_pictures_are_found_and_do_not_stop_training(celebamask: Path) -> None:
    images = celebamask / "images"
    chance = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(chance).convert("CMYK").save(images / "000001.jpg")
    Image.fromarray(chance[..., 0]).save(images / "000002.jpg")
    Image.fromarray(chance).save(images / "000003.jpg", exif=exif)
    Image.fromarray(chance).quantize(16).save(images / "000004.jpg", format="PNG")
    Image.fromarray(chance[..., 0].astype(np.uint16) * 257).save(images / "000005.jpg", format="PNG")
    Image.fromarray(np.dstack([chance, chance[..., 0]])).save(images / "000006.jpg", format="PNG")
    report = _check(celebamask)
    assert _of(report, "converted") == [
        ("000001.jpg", "CMYK pixels become RGB", False),
        ("000002.jpg", "L pixels become RGB", False),
        ("000003.jpg", "turned upright (EXIF orientation 6)", False),
        ("000004.jpg", "P pixels become RGB", False),
        ("000005.jpg", "I;16 pixels become RGB", False),
        ("000006.jpg", "transparency is laid on white", False),
    ]
    assert not report.stopping
    assert len(open_dataset("CelebAMask-HQ", celebamask, 32, ["Male"]).train.batch(range(6))[0]) == 6


def test_contradicting_hair_colours_are_counted_and_do_not_stop_training(celebamask: Path) -> None:
    report = _check(celebamask)
    both = [number for number in range(20) if number & 1 and number & 2]
    assert _of(report, "two hair colours") == [(f"{number + 1:06d}.jpg", "Black_Hair and Blond_Hair", False) for number in both]
    assert report.without_hair_color == sum(not number & 3 for number in range(20))
    assert _check(celebamask, attributes=AttributeSet.of(["Male", "Black_Hair"])).without_hair_color is None


def test_a_constant_attribute_stops_training_only_when_it_is_selected(celebamask: Path) -> None:
    (celebamask / "train.txt").write_text("".join(f"{number:06d}.jpg\n" for number in range(1, 5)))  # 0 to 3: none is Male
    assert _of(_check(celebamask), "cannot be learned") == [
        ("Male", "no one of 4 training faces has it", False),
        ("Young", "no one of 4 training faces has it", False),
    ]
    selected = AttributeSet.of(["Male", "Black_Hair"])
    assert _of(_check(celebamask, attributes=selected), "cannot be learned") == [
        ("Male", "no one of 4 training faces has it", True)
    ]


def test_an_empty_split_stops_training(celebamask: Path) -> None:
    (celebamask / "val.txt").write_text("")
    report = _check(celebamask)
    assert _of(report, "empty split") == [("val", "no faces to judge edits on", True)]
    assert [row.test_count for row in report.balance] == [0] * 4


def test_pictures_that_nobody_lists_are_found(celebamask: Path) -> None:
    shutil.copy(celebamask / "images" / "000001.jpg", celebamask / "images" / "stray.jpg")
    (celebamask / "val.txt").write_text("000017.jpg\n000018.jpg\n000019.jpg\n")
    assert [subject for subject, _, _ in _of(_check(celebamask), "unlisted")] == ["000020.jpg", "stray.jpg"]


def test_the_worst_problems_come_first(celebamask: Path) -> None:
    (celebamask / "images" / "000003.jpg").unlink()
    (celebamask / "images" / "000001.jpg").write_bytes(b"")
    report = _check(celebamask, image_size=64)
    kinds = list(report.by_kind())
    assert kinds[:2] == ["missing", "broken"] and kinds == sorted(kinds, key=list(MEANINGS).index)
    assert report.stopping == (
        Problem("missing", "000003.jpg", "not on disk", True),
        Problem("broken", "000001.jpg", "is empty (0 bytes). Replace it, or remove it from the data.", True),
    )


@pytest.mark.parametrize("size", [8, 66, 130])
def test_the_check_refuses_the_sizes_that_training_refuses(celebamask: Path, size: int) -> None:
    with pytest.raises(SettingsError, match="not a multiple of 4") as of_check:
        _check(celebamask, image_size=size)
    with pytest.raises(SettingsError) as of_training:
        open_dataset("CelebAMask-HQ", celebamask, size, ["Male"])
    assert str(of_check.value) == str(of_training.value)


@pytest.mark.parametrize("damage", ["missing", "broken", "constant", "empty"])
def test_what_the_check_lets_pass_trains_and_what_it_stops_does_not(celebamask: Path, damage: str) -> None:
    names = ["Male", "Black_Hair"]

    def train() -> None:
        dataset = open_dataset("CelebAMask-HQ", celebamask, 32, names)
        dataset.train.batch(range(len(dataset.train)))

    assert not _check(celebamask, attributes=AttributeSet.of(names)).stopping
    train()
    file = celebamask / "images" / "000003.jpg"
    if damage == "missing":
        file.unlink()
    elif damage == "broken":
        file.write_bytes(file.read_bytes()[:300])
    elif damage == "constant":
        (celebamask / "train.txt").write_text("000001.jpg\n000002.jpg\n")
    else:
        (celebamask / "val.txt").write_text("")
    assert _check(celebamask, attributes=AttributeSet.of(names)).stopping
    with pytest.raises(DataError):
        train()


def test_pictures_that_are_not_square_lose_their_sides_and_are_not_squeezed(tmp_path: Path) -> None:
    wide = np.zeros((20, 60, 3), dtype=np.uint8)
    wide[:, 20:40] = 255
    for name in ("a", "b"):
        for number in range(20):
            write_image(tmp_path / name / f"{number}.png", wide)
    dataset = open_dataset("folder", tmp_path, 20)
    assert (dataset.train.read(0) == 255).all() and dataset.alignment == "center-square"


@needs(REAL_FACES)
def test_nothing_in_the_real_faces_stops_training() -> None:
    report = _check(REAL_FACES, 256, AttributeSet.of(["Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young"]))
    assert report.counts == {"train": 800, "val": 100}
    assert report.problems == ()
    assert sum(row.train_positives for row in report.balance) == 190 + 99 + 121 + 300 + 640
    assert report.without_hair_color == 449
