"""CelebA opens in every layout that people have it in, and says what is wrong with a damaged one."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lianpu.dataset.label_sheet import read_label_sheet
from lianpu.dataset.sources import open_dataset, read_table
from lianpu.errors import DataError, LianpuError
from lianpu.imaging.picture import center_crop, resize
from lianpu.photo.reading import read_image

EditLine = Callable[[Path, int, str | None], None]
SELECTED = ["Black_Hair", "Male"]


def test_celeba_as_downloaded_has_the_official_split_and_the_crop_of_178(celeba: Path) -> None:
    dataset = open_dataset("CelebA", celeba, 64, SELECTED)
    assert (len(dataset.train), len(dataset.test), dataset.test.split) == (32, 4, "test")
    assert dataset.alignment == "celeba-center-crop-178"
    assert dataset.licence == "non-commercial research and education only (CelebA)"
    whole = read_image(celeba / "img_align_celeba" / "000001.jpg")
    assert (dataset.train.read(0) == resize(center_crop(whole, 178), 64)).all()


def test_labels_follow_the_order_that_was_asked_for(celeba: Path) -> None:
    dataset = open_dataset("celeba", celeba, 64, ["Male", "Black_Hair"])
    assert dataset.train.labels[5].tolist() == [1.0, 1.0]  # picture 5 is 0b101
    assert dataset.train.labels[4].tolist() == [1.0, 0.0]
    assert dataset.train.labels[1].tolist() == [0.0, 1.0]


def _nest_as_torchvision(root: Path) -> None:
    (root / "celeba").mkdir()
    for name in ("img_align_celeba", "list_attr_celeba.txt", "list_eval_partition.txt"):
        shutil.move(root / name, root / "celeba" / name)


def _nest_twice(root: Path) -> None:
    shutil.move(root / "img_align_celeba", root / "inner")
    (root / "img_align_celeba").mkdir()
    shutil.move(root / "inner", root / "img_align_celeba" / "img_align_celeba")


def _official_folders(root: Path) -> None:
    for folder, name in (
        ("Anno", "list_attr_celeba.txt"),
        ("Eval", "list_eval_partition.txt"),
        ("Img", "img_align_celeba"),
    ):
        (root / folder).mkdir()
        shutil.move(root / name, root / folder / name)


def _kaggle(root: Path) -> None:
    _nest_twice(root)
    lines = (root / "list_attr_celeba.txt").read_text().splitlines()
    rows = [",".join(line.split()) for line in lines[2:]]
    (root / "list_attr_celeba.csv").write_text("\n".join(["image_id," + ",".join(lines[1].split()), *rows]) + "\n")
    parts = [line.replace(" ", ",") for line in (root / "list_eval_partition.txt").read_text().splitlines()]
    (root / "list_eval_partition.csv").write_text("\n".join(["image_id,partition", *parts]) + "\n")
    (root / "list_attr_celeba.txt").unlink()
    (root / "list_eval_partition.txt").unlink()


def _stargan_authors(root: Path) -> None:
    shutil.move(root / "img_align_celeba", root / "images")


@pytest.mark.parametrize("arrange", [_nest_as_torchvision, _nest_twice, _official_folders, _kaggle, _stargan_authors])
def test_every_layout_gives_the_same_dataset(celeba: Path, arrange: Callable[[Path], None]) -> None:
    flat = open_dataset("CelebA", celeba, 32, SELECTED)
    faces = [flat.train.read(index) for index in range(3)]
    arrange(celeba)
    arranged = open_dataset("CelebA", celeba, 32, SELECTED)
    assert arranged.fingerprint == flat.fingerprint
    assert all((arranged.train.read(index) == face).all() for index, face in enumerate(faces))


def test_windows_line_ends_byte_order_mark_and_trailing_blanks_are_read(celeba: Path) -> None:
    file = celeba / "list_attr_celeba.txt"
    before = open_dataset("CelebA", celeba, 32, SELECTED)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"  \r\n") + b"\r\n\r\n")
    assert open_dataset("CelebA", celeba, 32, SELECTED).fingerprint == before.fingerprint


def _refusal(root: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_dataset("CelebA", root, 32, SELECTED)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_missing_partition_is_refused_with_the_place_where_it_belongs(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").unlink()
    message = _refusal(celeba)
    assert "official split" in message and str(celeba / "list_eval_partition.txt") in message


def test_a_wrong_count_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 1, "41")
    assert re.search(r"list_attr_celeba.txt, line 1: it says 41 pictures, but 40 rows follow", _refusal(celeba))


def test_a_count_that_is_none_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 1, None)
    assert "line 1: expected the number of pictures alone, got 'Black_Hair Blond_Hair" in _refusal(celeba)


def test_a_missing_line_of_names_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 2, None)
    assert "line 2: expected the attribute names, got '000001.jpg -1" in _refusal(celeba)


def test_a_row_with_too_few_values_is_refused_with_its_line(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 7, "000005.jpg 1 -1 1")
    assert "line 7: 000005.jpg has 3 values for 4 attributes" in _refusal(celeba)


def test_a_value_that_is_none_of_1_minus_1_and_0_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 8, "000006.jpg 1 -1 2 1")
    assert "line 8: '2' for 000006.jpg is none of 1, -1 and 0 (unlabelled)" in _refusal(celeba)


def test_a_picture_twice_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 9, "000003.jpg 1 -1 1 1")
    assert "line 9: 000003.jpg is there a second time" in _refusal(celeba)


def test_an_attribute_twice_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_attr_celeba.txt", 2, "Black_Hair Male Male Young")
    assert "line 2: the attribute Male is named twice" in _refusal(celeba)


def test_several_problems_are_reported_together_and_the_rest_counted(celeba: Path, edit_line: EditLine) -> None:
    for line in (5, 6, 7, 8, 9):
        edit_line(celeba / "list_attr_celeba.txt", line, f"x{line}.jpg 1 1")
    message = _refusal(celeba)
    assert "line 5: x5.jpg has 2 values" in message and "line 7: x7.jpg" in message and "and 2 more problems" in message


def test_a_picture_that_is_not_on_disk_is_refused_with_count_and_first(celeba: Path) -> None:
    for number in (4, 9):
        (celeba / "img_align_celeba" / f"{number:06d}.jpg").unlink()
    message = _refusal(celeba)
    assert "2 of 40 labelled pictures are not on disk" in message and str(Path("img_align_celeba") / "000004.jpg") in message


def test_pictures_that_are_still_packed_are_said_to_be(celeba: Path) -> None:
    shutil.rmtree(celeba / "img_align_celeba")
    (celeba / "img_align_celeba.zip").write_bytes(b"PK")
    message = _refusal(celeba)
    assert "no folder img_align_celeba" in message and "Unpack" in message and "img_align_celeba.zip" in message


def test_a_partition_that_names_a_picture_without_labels_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_eval_partition.txt", 3, "000099.jpg 0")
    assert "list_eval_partition.txt, line 3: 000099.jpg has no labels" in _refusal(celeba)


def test_a_partition_that_is_cut_off_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_eval_partition.txt", 40, None)
    message = _refusal(celeba)
    assert "no split for 1 of 40 labelled pictures; the first is 000040.jpg" in message


@pytest.mark.parametrize("line", ["000003.jpg 3", "000003.jpg", "000003.jpg 0 0"])
def test_a_malformed_partition_line_is_refused(celeba: Path, edit_line: EditLine, line: str) -> None:
    edit_line(celeba / "list_eval_partition.txt", 3, line)
    assert f"line 3: expected a picture and 0, 1 or 2, got '{line}'" in _refusal(celeba)


def test_a_picture_twice_in_the_partition_is_refused(celeba: Path, edit_line: EditLine) -> None:
    edit_line(celeba / "list_eval_partition.txt", 3, "000001.jpg 0")
    assert "line 3: 000001.jpg is there a second time" in _refusal(celeba)


def test_a_partition_without_training_faces_is_refused(celeba: Path) -> None:
    file = celeba / "list_eval_partition.txt"
    file.write_text(file.read_text().replace(" 0\n", " 1\n"))
    assert "no faces to train on: the split 'train' is empty" in _refusal(celeba)


def test_a_partition_without_held_out_faces_is_refused(celeba: Path) -> None:
    file = celeba / "list_eval_partition.txt"
    file.write_text(re.sub(r" [12]\n", " 0\n", file.read_text()))
    assert "no faces to judge edits on: the split 'val' is empty" in _refusal(celeba)


def test_val_is_held_out_where_there_is_no_test(celeba: Path) -> None:
    file = celeba / "list_eval_partition.txt"
    file.write_text(file.read_text().replace(" 2\n", " 1\n"))
    dataset = open_dataset("CelebA", celeba, 32, SELECTED)
    assert (dataset.test.split, len(dataset.test)) == ("val", 8)


def test_a_label_file_that_is_no_text_is_refused(celeba: Path) -> None:
    (celeba / "list_attr_celeba.txt").write_bytes(b"40\nA B\n\xff\xfe\x00")
    assert "is no UTF-8 text (byte 7)" in _refusal(celeba)


def test_an_empty_label_file_is_refused(celeba: Path) -> None:
    (celeba / "list_attr_celeba.txt").write_text("")
    assert "line 1: expected the number of pictures alone, got ''" in _refusal(celeba)


def test_an_attribute_that_no_training_face_has_is_refused(celeba: Path, edit_line: EditLine) -> None:
    file = celeba / "list_attr_celeba.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines[:2], *(line.rsplit(None, 2)[0] + " -1 1" for line in lines[2:])]) + "\n")
    message = _refusal(celeba)
    assert "no one of the 32 training faces has Male" in message and "leave it out of --selected-attrs" in message
    assert open_dataset("CelebA", celeba, 32, ["Black_Hair"]).attributes.names == ("Black_Hair",)


def test_a_face_with_two_hair_colours_is_allowed_as_in_celeba(celeba: Path) -> None:
    dataset = open_dataset("CelebA", celeba, 32, ["Black_Hair", "Blond_Hair"])
    assert dataset.train.labels[3].tolist() == [1.0, 1.0]


def test_another_kind_of_folder_is_named(celeba: Path) -> None:
    with pytest.raises(LianpuError, match=r"does not look like csv, which holds .*It looks like CelebA: try that"):
        read_table("csv", celeba)


def test_an_index_column_in_kaggles_csv_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "list_attr_celeba.csv"
    file.write_text(",image_id,Male,Young\n" + "".join(f"{at},{at:06d}.jpg,1,-1\n" for at in range(9)))
    with pytest.raises(DataError, match="first column is an index, as pandas writes one: write the file with index=False"):
        read_label_sheet(file)
