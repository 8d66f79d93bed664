"""Values that nobody knows are never learned as if they were known: such faces are left out, counted and said."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lianpu.attributes import AttributeSet
from lianpu.cli.data import balance_table
from lianpu.dataset.check import check_data
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.dataset.table import UNLABELLED
from lianpu.errors import DataError

EditLine = Callable[[Path, int, str | None], None]


@pytest.fixture
def partly(celebamask: Path, edit_line: EditLine) -> Path:
    """20 faces; Male of training face 000003 and Young of the held-out face 000020 are unlabelled."""
    edit_line(celebamask / "list_attr.txt", 5, "000003.jpg -1 1 0 -1")
    edit_line(celebamask / "list_attr.txt", 22, "000020.jpg 1 1 -1 0")
    return celebamask


def test_0_in_a_label_file_is_unlabelled(partly: Path) -> None:
    table = read_table("CelebAMask-HQ", partly)
    assert np.argwhere(table.labels == UNLABELLED).tolist() == [[2, 2], [19, 3]]


def test_faces_without_a_selected_value_are_left_out_and_others_stay(partly: Path) -> None:
    hair = open_dataset("CelebAMask-HQ", partly, 32, ["Black_Hair", "Blond_Hair"])
    assert (len(hair.train), len(hair.test)) == (16, 4)
    male = open_dataset("CelebAMask-HQ", partly, 32, ["Black_Hair", "Male"])
    assert (len(male.train), len(male.test)) == (15, 4)
    assert 2 not in male.train.rows and set(np.unique(male.train.labels)) == {0.0, 1.0}


def test_the_doctor_counts_what_is_unlabelled_and_what_is_left_out(partly: Path) -> None:
    table = read_table("CelebAMask-HQ", partly)
    report = check_data(table, 32, AttributeSet.of(["Male", "Young"]))
    found = [(problem.subject, problem.detail, problem.stops) for problem in report.by_kind()["unlabelled"]]
    assert found == [
        ("Male", "1 of 20 faces", False),
        ("Young", "1 of 20 faces", False),
        ("selected attributes", "2 of 20 faces lack one or more: left out", False),
    ]
    male = report.balance[0]
    assert (male.train_positives, male.train_count, male.test_count, male.unlabelled) == (8, 15, 4, 1)
    assert [column.header for column in balance_table(report).columns][-1] == "unlabelled"


def test_a_hair_colour_that_is_unlabelled_is_not_counted_as_none(celebamask: Path, edit_line: EditLine) -> None:
    before = check_data(read_table("CelebAMask-HQ", celebamask), 32).without_hair_color
    edit_line(celebamask / "list_attr.txt", 3, "000001.jpg -1 0 -1 -1")
    after = check_data(read_table("CelebAMask-HQ", celebamask), 32).without_hair_color
    assert before is not None and after == before - 1


def test_a_split_in_which_every_face_lacks_a_value_is_refused_and_said_by_the_doctor(
    celebamask: Path, edit_line: EditLine
) -> None:
    for row in range(16, 20):
        edit_line(celebamask / "list_attr.txt", row + 3, f"{row + 1:06d}.jpg 1 -1 0 1")
    with pytest.raises(DataError, match=r"all 4 faces of the split 'val' lack the value of a selected attribute"):
        open_dataset("CelebAMask-HQ", celebamask, 32, ["Male"])
    report = check_data(read_table("CelebAMask-HQ", celebamask), 32, AttributeSet.of(["Male"]))
    [problem] = report.by_kind()["empty split"]
    assert (problem.subject, problem.stops) == ("val", True) and "all lack the value" in problem.detail


def test_a_label_file_that_says_no_with_0_is_refused(celebamask: Path) -> None:
    file = celebamask / "list_attr.txt"
    file.write_text(file.read_text().replace("-1", "0"))
    with pytest.raises(DataError, match=r"list_attr.txt has 1 and 0, but no -1. 0 means unlabelled here: write -1"):
        read_table("CelebAMask-HQ", celebamask)


def test_an_empty_cell_of_a_csv_is_unlabelled_and_0_still_says_no(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,hat,smiling,split\n1.png,0,1,train\n2.png,,0,train\n3.png,1,,val\n")
    assert read_table("csv", tmp_path).labels.tolist() == [[0, 1], [UNLABELLED, 0], [1, UNLABELLED]]


def test_a_folder_says_how_its_faces_were_cut_out(celebamask: Path) -> None:
    assert read_table("CelebAMask-HQ", celebamask).alignment == "celebamask-hq"
    (celebamask / "alignment.txt").write_text("celeba-center-crop-178\n")
    assert read_table("CelebAMask-HQ", celebamask).alignment == "celeba-center-crop-178"
