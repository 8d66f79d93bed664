"""A CSV of labels: every way to write yes and no, and every way to get a row wrong."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.dataset.sources import open_dataset, read_table
from lianpu.dataset.splits import split_by_hash
from lianpu.errors import DataError
from lianpu.photo.writing import write_image

GOOD = """file, smiling, hat , split
a/1.png,1,0,train
a/2.png,-1,1,train
"b/3, again.png",true,False,train
4.png,no,YES,val

5.png,Yes,no,val
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for name in ("a/1.png", "a/2.png", "b/3, again.png", "4.png", "5.png"):
        write_image(tmp_path / name, np.zeros((20, 20, 3), dtype=np.uint8))
    (tmp_path / "labels.csv").write_text(GOOD)
    return tmp_path


def test_yes_and_no_in_every_spelling(table: Path) -> None:
    dataset = open_dataset("csv", table, 16, ["hat", "smiling"])
    assert dataset.train.labels.tolist() == [[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]
    assert dataset.test.labels.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert dataset.train.read(2).shape == (16, 16, 3)


def test_the_file_itself_may_be_given_and_pictures_may_lie_in_images(table: Path) -> None:
    (table / "images").mkdir()
    for name in ("a", "b", "4.png", "5.png"):
        (table / name).rename(table / "images" / name)
    (table / "labels.csv").rename(table / "mine.csv")
    (table / "other.csv").write_text("x")
    assert len(open_dataset("CSV", table / "mine.csv", 16, ["hat", "smiling"]).train) == 3
    with pytest.raises(DataError, match=r"several .csv files: mine.csv, other.csv. Name the right one labels.csv"):
        read_table("csv", table)


def test_without_a_split_column_the_hash_decides(tmp_path: Path) -> None:
    rows = [f"{number}.png,{number % 2}" for number in range(30)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,hat", *rows]))
    read = read_table("csv", tmp_path)
    assert read.splits == split_by_hash(read.files, read.labels)


@pytest.mark.parametrize(
    ("line", "text", "words"),
    [
        (2, "a/1.png,1,train", "line 2: 3 cells for 4 columns"),
        (3, "a/2.png,maybe,1,train", "line 3: 'maybe' for a/2.png is none of 1, 0, -1, true, false, yes, no"),
        (3, "a/1.png,1,1,train", "line 3: a/1.png is there a second time"),
        (5, "4.png,1,1,vall", "line 5: split 'vall' of 4.png is none of train, val, test (did you mean 'val'?)"),
        (7, ",1,1,val", "line 7: the first cell, the picture's path, is empty"),
        (7, "/tmp/5.png,1,1,val", "line 7: /tmp/5.png is no path below the .csv"),
        (7, "../5.png,1,1,val", "line 7: ../5.png is no path below the .csv"),
        (1, "file,hat,hat,split", "line 1: the column hat is there twice"),
        (1, "file,hat,,split", "line 1: column 3 has no name"),
        (1, "a/0.png,1,0,train", "line 1: expected the column names file, ATTRIBUTE, ..., got 'a/0.png,1,0,train'"),
        (1, "file", "line 1: expected the column names"),
        (7, "6.png,1,1,val", "1 of 5 labelled pictures are not on disk; the first is"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(table: Path, line: int, text: str, words: str) -> None:
    lines = GOOD.splitlines()
    lines[line - 1] = text
    (table / "labels.csv").write_text("\n".join(lines))
    with pytest.raises(DataError) as caught:
        open_dataset("csv", table, 16, ["hat", "smiling"])
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_table_without_rows_is_refused(table: Path) -> None:
    (table / "labels.csv").write_text("file,hat\n")
    with pytest.raises(DataError, match=r"labels.csv labels no pictures"):
        read_table("csv", table)


PATHS = [f"images/{number:03d}.png" for number in range(6)]
ODD = {
    "index": (
        ",file,Male",
        [f"{at},{path},{at % 2}.0" for at, path in enumerate(PATHS)],
        "first column is an index, as pandas writes one",
    ),
    "late": (
        "id,Male,file",
        [f"{90 - at},{at % 2},{path}" for at, path in enumerate(PATHS)],
        "Put the pictures' paths (column 'file') first",
    ),
    "semicolon": (
        "file;Male",
        [f"{path};{at % 2}" for at, path in enumerate(PATHS)],
        "is separated by ';', and commas are needed",
    ),
    "tabs": ("file\tMale", [f"{path}\t{at % 2}" for at, path in enumerate(PATHS)], "is separated by tabs, and commas are needed"),
    "words": (
        "file,Male,hair",
        [f"{path},{at % 2},{('blond', 'brown', 'grey')[at % 3]}" for at, path in enumerate(PATHS)],
        "the column hair holds blond, brown, grey ...; a label is 1 or 0, yes or no. Make a column of 1 and 0 for each word",
    ),
    "ages": (
        "file,age",
        [f"{path},{20 + at}" for at, path in enumerate(PATHS)],
        "the column age holds 20, 21, 22 ...; a label is 1 or 0",
    ),
}


@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "bom"])
@pytest.mark.parametrize("kind", ODD)
def test_a_table_of_another_program_is_refused_in_one_line_with_the_likely_cause(tmp_path: Path, kind: str, mark: str) -> None:
    heading, rows, words = ODD[kind]
    (tmp_path / "labels.csv").write_text(mark + "\n".join([heading, *rows]), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_table("csv", tmp_path)
    assert words in str(caught.value) and "line 2" not in str(caught.value) and len(str(caught.value)) < 500


def test_floats_of_pandas_are_yes_and_no(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("file,Male\n" + "".join(f"{path},{at % 2}.0\n" for at, path in enumerate(PATHS)))
    assert read_table("csv", tmp_path).labels[:, 0].tolist() == [0, 1, 0, 1, 0, 1]


def test_an_attribute_is_on_both_sides_of_an_automatic_split(tmp_path: Path) -> None:
    rows = [f"{number}.png,{int(number in (3, 4))}" for number in range(60)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,hat", *rows]))
    table = read_table("csv", tmp_path)
    assert {table.splits[3], table.splits[4]} == {"train", "test"}
    plain = split_by_hash(table.files)
    assert sum(one != other for one, other in zip(table.splits, plain, strict=True)) <= 2, "the others stay where they were"


def test_a_quotation_mark_that_is_not_closed_is_said(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text('file,hat\na.png,1\n"b.png,1\n' + "c.png,0\n" * 40_000)
    with pytest.raises(DataError, match=r"line \d+: no CSV .*quotation mark"):
        read_table("csv", tmp_path)
