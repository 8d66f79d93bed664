"""Labelled faces in XML, CSV and .pts: what is read, what is written, and what is said about broken files."""

from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import DataError
from lianpu.landmarks.boxes import BoxedFace
from lianpu.landmarks.sources import read_labels, write_xml
from lianpu.photo.writing import write_image

HEADING = "filename," + ",".join(f"x{index},y{index}" for index in range(68))


def a_picture(file: Path) -> Path:
    return write_image(file, np.full((230, 240, 3), 90, dtype=np.uint8))


def boxed(picture: Path, points: np.ndarray) -> BoxedFace:
    return BoxedFace(picture, points, (10.0, 60.0, 209.0, 199.0), "labels")


def a_row(name: str, points: np.ndarray) -> str:
    return ",".join([name, *(f"{value:g}" for value in points.ravel())])


def test_what_is_written_as_xml_is_read_again(tmp_path: Path, points: np.ndarray) -> None:
    first, second = a_picture(tmp_path / "photos" / "a.png"), a_picture(tmp_path / "photos" / "b.png")
    file = write_xml(tmp_path / "sets" / "faces.xml", [boxed(first, points), boxed(second, points + 1), boxed(first, points + 2)])
    labels = read_labels(file)
    assert [label.picture.resolve() for label in labels] == [first, first, second]
    for label, shift in zip(labels, (0, 2, 1), strict=True):
        np.testing.assert_array_equal(label.points, points + shift)
        assert label.box_xyxy == (10, 60, 209, 199)
    text = file.read_text(encoding="utf-8")
    assert '<image file="../photos/a.png">' in text and '<box top="60" left="10" width="200" height="140">' in text
    assert '<part name="00" x="10" y="200" />' in text and '<part name="67"' in text


def test_the_xml_of_300w_is_read_as_it_comes(tmp_path: Path, points: np.ndarray) -> None:
    a_picture(tmp_path / "helen" / "1.png")
    parts = "".join(f"<part name='{index:02d}' x='{int(x)}' y='{int(y)}'/>" for index, (x, y) in enumerate(points))
    (tmp_path / "labels_ibug.xml").write_text(
        "<?xml version='1.0' encoding='ISO-8859-1'?><?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>"
        "<dataset><name>iBUG face point dataset - Müller</name><comment>two boxes, one to be ignored</comment><images>"
        f"<image file='helen/1.png' width='240' height='230'><box top='74' left='70' width='90' height='90'>{parts}</box>"
        "<box top='1' left='1' width='9' height='9' ignore='1'/></image></images></dataset>",
        encoding="latin-1",
    )
    (label,) = read_labels(tmp_path / "labels_ibug.xml")
    assert label.box_xyxy == (70, 74, 159, 163) and label.picture == tmp_path / "helen" / "1.png"
    np.testing.assert_array_equal(label.points, points)


def test_a_csv_is_read_and_rows_without_points_are_left_out(tmp_path: Path, points: np.ndarray) -> None:
    for name in ("a.png", "b.png", "c.png"):
        a_picture(tmp_path / "images" / name)
    rows = [HEADING, a_row("a.png", points), "b.png" + "," * 136, a_row("c.png", points + 1)]
    (tmp_path / "points.csv").write_text("\n".join(rows) + "\n")
    labels = read_labels(tmp_path / "points.csv")
    assert [label.picture.name for label in labels] == ["a.png", "c.png"] and labels[0].box_xyxy is None
    np.testing.assert_array_equal(labels[1].points, points + 1)
    (tmp_path / "list.txt").write_text("c.png\nunknown.png\n")
    assert [label.picture.name for label in read_labels(tmp_path / "points.csv", tmp_path / "list.txt")] == ["c.png"]


def test_pts_files_count_pixels_from_one(tmp_path: Path, points: np.ndarray) -> None:
    a_picture(tmp_path / "in" / "a.PNG".lower())
    body = "\n".join(f"{x:g} {y:g}" for x, y in points)
    (tmp_path / "in" / "a.pts").write_text(f"version: 1\nn_points:  68\n{{\n{body}\n}}\n")
    (label,) = read_labels(tmp_path)
    np.testing.assert_array_equal(label.points, points - 1)
    assert label.picture.name == "a.png"


def test_an_empty_folder_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no \.pts file"):
        read_labels(tmp_path)
    with pytest.raises(DataError, match="is not there"):
        read_labels(tmp_path / "none.xml")
    (tmp_path / "faces.json").write_text("{}")
    with pytest.raises(DataError, match=r"not from '\.json'"):
        read_labels(tmp_path / "faces.json")


def xml_of(tmp_path: Path, body: str) -> Path:
    file = tmp_path / "broken.xml"
    file.write_text(f"<dataset><images>{body}</images></dataset>")
    return file


BOX = "<box top='0' left='0' width='9' height='9'>"
PARTS = "".join(f"<part name='{index:02d}' x='1' y='{index}'/>" for index in range(68))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "holds no box with parts"),
        (f"<image>{BOX}{PARTS}</box></image>", "has no file="),
        (
            f"<image file='a.png'>{BOX}{PARTS.replace(chr(39) + '67', chr(39) + '68')}</box></image>",
            "box 1 of a.png lacks part 67",
        ),
        (f"<image file='a.png'>{BOX}{PARTS[:87]}</box></image>", "and 60 more: 68 parts are named 00 to 67"),
        (f"<image file='a.png'>{BOX}{PARTS}<part name='68' x='1' y='1'/></box></image>", r"has parts \['68'\] besides"),
        (f"<image file='a.png'>{BOX}{PARTS.replace(' x=', ' z=', 1)}</box></image>", "part 00, has x='', not a number"),
        (
            f"<image file='a.png'>{BOX}{PARTS.replace('y=' + chr(39) + '5', 'y=' + chr(39) + 'inf', 1)}</box></image>",
            "not a number",
        ),
        (f"<image file='a.png'>{BOX.replace('9', '0')}{PARTS}</box></image>", "is 0 x 0 pixels"),
        (f"<image file='gone.png'>{BOX}{PARTS}</box></image>", "gone.png, which is not there"),
        ("<image", "cannot be read as XML"),
    ],
)
def test_a_broken_xml_is_told_in_one_line(tmp_path: Path, body: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_labels(xml_of(tmp_path, body))
    assert "\n" not in str(caught.value) and "broken.xml" in str(caught.value)


def test_a_broken_csv_is_told_with_its_line(tmp_path: Path, points: np.ndarray) -> None:
    file = tmp_path / "points.csv"
    file.write_text("name,x,y\n")
    with pytest.raises(DataError, match="begins with 'name,x,y'"):
        read_labels(file)
    file.write_text(HEADING + "\n" + a_row("a.png", points) + "\n" + a_row("b.png", points).rsplit(",", 1)[0] + "\n")
    with pytest.raises(DataError, match="line 3 has 135 numbers instead of 136"):
        read_labels(file)
    file.write_text(HEADING + "\n" + a_row("a.png", points).replace(",10,", ",ten,") + "\n")
    with pytest.raises(DataError, match="line 2 holds something that is not a number"):
        read_labels(file)
    file.write_text(HEADING + "\n" + a_row("a.png", points) + "\n")
    with pytest.raises(DataError, match=r"a\.png, which is not there"):
        read_labels(file)
    file.write_text("")
    with pytest.raises(DataError, match="begins with ''"):
        read_labels(file)


def test_a_broken_pts_is_told_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.pts").write_text("version: 1\nn_points: 2\n{\n1 2\n3 4\n}\n")
    a_picture(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.pts holds 2 points between braces instead of 68"):
        read_labels(tmp_path)
    (tmp_path / "a.png").unlink()
    with pytest.raises(DataError, match="has no picture of the same name"):
        read_labels(tmp_path)


def test_a_list_that_names_no_labelled_picture_is_refused(tmp_path: Path, points: np.ndarray) -> None:
    (tmp_path / "points.csv").write_text(HEADING + "\n" + a_row("a.png", points) + "\n")
    (tmp_path / "list.txt").write_text("x.png\ny.png\n")
    with pytest.raises(DataError, match=r"None of the 2 pictures that .*list\.txt names has a label"):
        read_labels(tmp_path / "points.csv", tmp_path / "list.txt")
    with pytest.raises(DataError, match="cannot be read as a list"):
        read_labels(tmp_path / "points.csv", tmp_path / "none.txt")
