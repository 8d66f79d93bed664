"""Contact sheets show the folder's own pictures, the doubtful ones first, and stay small however many faces there are."""

from pathlib import Path

from lianpu.preparation.label_rules import Estimate
from lianpu.preparation.labels import NO, UNKNOWN, YES, Label
from lianpu.preparation.prepare import Prepared
from lianpu.preparation.sheet import SHOWN, SheetFaces, write_sheets


def test_sections_are_sorted_by_what_a_person_should_look_at(tmp_path: Path) -> None:
    faces = SheetFaces()
    for file, value, chance in (
        ("a", YES, 0.99),
        ("b", YES, 0.81),
        ("c", NO, 0.01),
        ("d", NO, 0.19),
        ("e", UNKNOWN, 0.3),
        ("f", UNKNOWN, 0.7),
    ):
        faces.add(file, Label(value, Estimate(chance, "parts")))
    faces.add("g", Label(UNKNOWN, None))
    assert [[one.file for one in faces.shown(value)] for value in (YES, NO, UNKNOWN)] == [["b", "a"], ["d", "c"], ["f", "e", "g"]]


def test_all_faces_are_counted_and_the_least_sure_are_kept() -> None:
    faces = SheetFaces()
    for number in range(5000):
        faces.add(f"{number:04d}", Label(YES, Estimate(0.8 + number * 7 % 5000 / 50_000, "parts")))
    assert faces.count(YES) == 5000 and len(faces.shown(YES)) == SHOWN
    assert [round(one.chance * 50_000) for one in faces.shown(YES)[:3] if one.chance] == [40_000, 40_001, 40_002]


def test_every_picture_of_a_page_is_on_disk_and_every_page_is_linked(prepared: Prepared) -> None:
    sheets = prepared.folder / "sheets"
    page = (sheets / "Male.html").read_text(encoding="utf-8")
    from re import findall
    from urllib.parse import unquote

    pictures = findall(r'<img src="([^"]*)"', page)
    assert len(pictures) == prepared.faces and all((sheets / unquote(url)).is_file() for url in pictures)
    assert all((sheets / name).is_file() for name in findall(r'<a href="([^"#]*)', page))
    shown = findall(r'<img src="([^"]*)"', (sheets / "index.html").read_text(encoding="utf-8"))
    assert shown and all((sheets / unquote(url)).is_file() for url in shown)
    assert "http" not in page.replace("http-equiv", "")


def test_names_are_escaped(tmp_path: Path) -> None:
    faces = SheetFaces()
    faces.add('<b>"&.jpg', Label(YES, Estimate(0.9, "person")))
    write_sheets(tmp_path, {"Male": faces}, 0.8)
    page = (tmp_path / "sheets" / "Male.html").read_text(encoding="utf-8")
    assert "<b>" not in page and "%3Cb%3E%22%26.jpg" in page and "by hand" in page
