"""Agreement with labels made by others, counted by hand on a prepared folder."""

import shutil
from pathlib import Path

import pytest

from lianpu.errors import DataError
from lianpu.preparation.scoring import Agreement, score_labels


def test_shares_of_an_agreement_are_worked_out_by_hand() -> None:
    some = Agreement("Male", compared=20, labelled=10, true_yes=3, true_no=4, false_yes=1, false_no=2)
    assert (some.coverage, some.accuracy) == (0.5, 0.7)
    assert some.balanced_accuracy == pytest.approx((3 / 5 + 4 / 5) / 2)
    none = Agreement("Male", 5, 0, 0, 0, 0, 0)
    assert none.accuracy is None and none.balanced_accuracy is None


@pytest.fixture
def scored(tmp_path: Path) -> Path:
    """A folder as `lianpu prepare` leaves it, of four photos; 4.jpg gave no face and 1.jpg two."""
    (tmp_path / "prepared.json").write_text('{"made_by": "lianpu prepare", "photos": "", "settings": {}, "models": {}}')
    (tmp_path / "list_attr.txt").write_text("4\nMale Young\n1-a-0.jpg 1 -1\n1-a-1.jpg -1 1\n2-b-0.jpg 0 1\n3-c-0.jpg -1 1\n")
    (tmp_path / "faces.csv").write_text(
        "file,photo,face\n1-a-1.jpg,in/1.jpg,1\n1-a-0.jpg,in/1.jpg,0\n2-b-0.jpg,2.jpg,0\n3-c-0.jpg,3.jpg,0\n"
    )
    (tmp_path / "theirs.txt").write_text("4\nYoung Male Smiling\n1.jpg 1 1 1\n2.jpg 1 1 1\n3.jpg 1 1 -1\n4.jpg -1 -1 1\n")
    return tmp_path


def test_the_largest_face_of_a_photo_is_compared_and_unlabelled_values_only_cost_coverage(scored: Path) -> None:
    score = score_labels(scored, scored / "theirs.txt")
    assert (score.photos, score.found) == (4, 3)
    male, young = score.agreements
    assert male == Agreement("Male", compared=3, labelled=2, true_yes=1, true_no=0, false_yes=0, false_no=1)
    assert young == Agreement("Young", compared=3, labelled=3, true_yes=2, true_no=0, false_yes=0, false_no=1)


def test_only_some_photos_can_be_compared(scored: Path) -> None:
    (scored / "val.txt").write_text("3.jpg\n4.jpg\nother.jpg\n")
    score = score_labels(scored, scored / "theirs.txt", scored / "val.txt")
    assert (score.photos, score.found, score.agreements[0].labelled) == (2, 1, 1)


def test_labels_of_other_photos_are_refused(scored: Path, tmp_path: Path) -> None:
    (scored / "others.txt").write_text("2\nMale\na.jpg 1\nb.jpg -1\n")
    with pytest.raises(DataError, match=r"None of the 2 pictures to compare in .*others\.txt gave a face"):
        score_labels(scored, scored / "others.txt")
    shutil.move(scored / "prepared.json", scored / "away.json")
    with pytest.raises(DataError, match="was not made by lianpu prepare"):
        score_labels(scored, scored / "theirs.txt")
