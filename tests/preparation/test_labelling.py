"""Labels made again: with a person's corrections, another confidence, other rules; and mistakes in corrections.csv."""

import csv
import json
from pathlib import Path

import pytest

from lianpu.dataset.label_sheet import read_label_sheet
from lianpu.errors import DataError, SettingsError
from lianpu.preparation.labelling import relabel
from lianpu.preparation.prepare import prepare_faces
from lianpu.preparation.settings import settings_from_json

HEADER = "file,attribute,value\n"


def _values(folder: Path, attribute: str) -> dict[str, str]:
    lines = (folder / "list_attr.txt").read_text(encoding="utf-8").splitlines()
    at = lines[1].split().index(attribute) + 1
    return {line.split()[0]: line.split()[at] for line in lines[2:]}


def test_a_correction_wins_and_holds_when_the_photos_are_prepared_again(photos: Path, copy_of: Path) -> None:
    one, other = sorted(_values(copy_of, "Male"))[:2]
    before = {attribute: _values(copy_of, attribute) for attribute in ("Male", "Young", "Blond_Hair")}
    flipped = "-1" if before["Male"][one] == "1" else "1"
    (copy_of / "corrections.csv").write_text(f"{HEADER}{one},Male,{flipped}\n{other}, Blond_Hair , yes\n")
    relabel(copy_of)
    assert _values(copy_of, "Male") == before["Male"] | {one: flipped}
    assert _values(copy_of, "Blond_Hair") == before["Blond_Hair"] | {other: "1"}
    assert _values(copy_of, "Black_Hair")[other] == "-1" and _values(copy_of, "Young") == before["Young"]
    settings = settings_from_json(json.loads((copy_of / "prepared.json").read_text())["settings"], copy_of)
    prepare_faces(photos, copy_of, settings)
    assert _values(copy_of, "Male")[one] == flipped
    assert f"{one},Male,{flipped}" in (copy_of / "corrections.csv").read_text()


def test_a_face_that_a_person_does_not_want_is_left_out_of_everything(copy_of: Path) -> None:
    files = sorted(_values(copy_of, "Male"))
    unwanted = (copy_of / "val.txt").read_text(encoding="utf-8").split()[0]
    (copy_of / "corrections.csv").write_text(f"{HEADER}{unwanted},Face,no\n", encoding="utf-8")
    relabel(copy_of)
    assert sorted(_values(copy_of, "Male")) == [file for file in files if file != unwanted]
    listed = [(copy_of / name).read_text(encoding="utf-8").split() for name in ("train.txt", "val.txt")]
    assert all(listed) and sorted(listed[0] + listed[1]) == [file for file in files if file != unwanted]
    assert unwanted not in (copy_of / "sheets" / "Male.html").read_text(encoding="utf-8")
    assert read_label_sheet(copy_of / "list_attr.txt").pictures
    (copy_of / "corrections.csv").write_text(HEADER)
    relabel(copy_of)
    assert sorted(_values(copy_of, "Male")) == files


def test_confidence_can_be_changed_afterwards_and_stays(copy_of: Path) -> None:
    strict = relabel(copy_of, confidence=1.0)
    assert strict["Male"].unlabelled == 6
    assert relabel(copy_of)["Male"].unlabelled == 6
    lenient = relabel(copy_of, confidence=0.5)
    assert lenient["Male"].unlabelled == 0 and lenient["Eyeglasses"].unlabelled == 6
    with pytest.raises(SettingsError, match=r"confidence is from 0\.5 to 1, got 2"):
        relabel(copy_of, confidence=2)


def test_the_label_file_is_in_celebas_form_and_chances_are_beside_it(copy_of: Path) -> None:
    relabel(copy_of)
    sheet = read_label_sheet(copy_of / "list_attr.txt")
    with (copy_of / "chances.csv").open(encoding="utf-8", newline="") as stream:
        rows = {row["file"]: row for row in csv.DictReader(stream)}
    assert set(rows) == set(sheet.pictures) and all(row["Black_Hair"] == "" for row in rows.values())
    for name, value in _values(copy_of, "Male").items():
        chance = float(rows[name]["Male"])
        assert {"1": chance >= 0.8, "-1": chance <= 0.2, "0": 0.2 < chance < 0.8}[value]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("{file},Mail,1\n", "line 2: 'Mail' is not labelled here (did you mean 'Male'?)"),
        ("\n{file},Male,maybe\n", "line 3: 'maybe' is none of 1, yes, true, -1, no, false, 0, unknown"),
        ("{file}x,Male,1\n", "line 2: '{file}x' is no face here (did you mean '{file}'?)"),
        ("{file},Male\n", "line 2: 2 cells for 3 columns"),
        ("{file},Black_Hair,1\n{file},Blond_Hair,1\n", "line 3: {file} has Black_Hair and Blond_Hair, which exclude each other"),
        ("a,Male,1\nb,Male,1\nc,Male,1\nd,Mail,1\n", "and 1 more problems"),
    ],
)
def test_mistakes_in_corrections_are_one_error_and_change_no_label(copy_of: Path, rows: str, words: str) -> None:
    file = sorted(_values(copy_of, "Male"))[0]
    before = (copy_of / "list_attr.txt").read_bytes()
    (copy_of / "corrections.csv").write_text(HEADER + rows.format(file=file))
    with pytest.raises(DataError) as caught:
        relabel(copy_of)
    assert "corrections.csv, line" in str(caught.value) and words.format(file=file) in str(caught.value)
    assert (copy_of / "list_attr.txt").read_bytes() == before


def test_another_header_is_refused(copy_of: Path) -> None:
    (copy_of / "corrections.csv").write_text("name;value\n")
    with pytest.raises(DataError, match=r"line 1: expected file,attribute,value, got 'name;value'"):
        relabel(copy_of)


def test_a_folder_that_was_not_prepared_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"was not made by lianpu prepare: it has no prepared\.json"):
        relabel(tmp_path)
    (tmp_path / "prepared.json").write_text("{}")
    with pytest.raises(DataError, match=r"prepared\.json is not of lianpu prepare"):
        relabel(tmp_path)


def test_settings_of_another_version_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"another version of lianpu \(settings: .*new_one"):
        settings_from_json({"new_one": 1}, tmp_path)
