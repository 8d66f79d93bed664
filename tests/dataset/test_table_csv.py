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
    assert read.splits == split_by_hash([f"{number}.png" for number in range(30)])


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
