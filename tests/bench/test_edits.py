"""`lianpu bench edits` as it is typed, and its sums."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lianpu.bench.edit_measures import EFFECT_PARTS, FaceEditFigures, Outside, Sight, drifted, outside_of, reached_values
from lianpu.bench.edits import BenchEditsArguments, Measured, as_ruined, edits_asked, summary_rows
from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_dataset
from lianpu.effects.catalogue import EFFECTS
from lianpu.metrics.intervals import wilson
from lianpu.photo.reading import read_image
from lianpu.preparation.labels import ATTRIBUTES
from tests.support.portraits import PEOPLE, write_portrait

NOBODY = np.zeros(0, np.float32)


def sight(**chances: float) -> Sight:
    sure = {name: 0 if abs(chances.get(name, 0.5) - 0.5) < 0.3 else int(np.sign(chances[name] - 0.5)) for name in ATTRIBUTES}
    return Sight(chances, sure, NOBODY)


def test_edits_are_measured_on_the_faces_that_need_them_and_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = draw_dataset(tmp_path / "drawn", 8, 512, seed=3, held_out=0.5)
    out = tmp_path / "out"
    words = ["--set", "Black_Hair=yes", "Blond_Hair=yes", "--effect", "lipstick=0.8", "--count", "3", "--model", "lite"]
    main(["bench", "edits", str(data), "--out", str(out), *words, "--detector", "dlib", "--landmarks", "dlib"])
    said = capsys.readouterr().out
    assert "Edits of faces" in said and "grades.csv" in said
    written = json.loads((out / "edits.json").read_text())
    edits = written["faces"]
    assert [*edits] == ["Black_Hair=yes", "Blond_Hair=yes", "lipstick=0.8"]
    assert all(len(faces) > 0 for faces in edits.values()), "an edit without faces shows nothing"
    assert len(edits["lipstick=0.8"]) == 3, "an effect is measured on every face"
    assert all(face["outside"]["bytes"] == 0 for face in edits["lipstick=0.8"]), "lipstick stays on the lips"
    assert all(0.5 < face["identity"] <= 1.001 for faces in edits.values() for face in faces)
    table = (out / "edits.md").read_text()
    for edit, faces in edits.items():
        assert f"| {edit} | {edit.split('=')[0] if 'Hair' in edit else ''} | {len(faces)} |" in table
        assert read_image(out / "sheets" / f"{edit.replace('=', '_')}-1.png").shape == (274, 512 * len(faces), 3)
    with (out / "grades.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(map(len, edits.values())) and {row["grade"] for row in rows} == {""}


def test_pictures_of_one_name_in_two_folders_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, number in (("one", PEOPLE[0]), ("two", PEOPLE[1])):
        write_portrait(tmp_path / folder / "000001.png", number)
    words = ["--effect", "lipstick", "--detector", "dlib", "--landmarks", "dlib", "--no-sheets"]
    main(["bench", "edits", str(tmp_path / "one"), str(tmp_path / "two"), "--out", str(tmp_path / "out"), *words])
    said = capsys.readouterr().out
    assert "Tables: " in said and "grades.csv" not in said and not (tmp_path / "out" / "grades.csv").exists()
    faces = json.loads((tmp_path / "out" / "edits.json").read_text())["faces"]["lipstick"]
    assert [(face["file"], face["number"]) for face in faces] == [
        (str(tmp_path / one / "000001.png"), 1) for one in ("one", "two")
    ]


@pytest.mark.usefixtures("mediapipe_models")
def test_a_face_that_is_no_face_any_more_is_counted(tmp_path: Path) -> None:
    write_portrait(tmp_path / "photos" / "one.png")
    words = ["--effect", "anonymise=solid", "lipstick", "--no-sheets"]
    main(["bench", "edits", str(tmp_path / "photos"), "--out", str(tmp_path / "out"), *words])
    rows = json.loads((tmp_path / "out" / "edits.json").read_text())["rows"]
    assert [(row["edit"], row["faces"], row["ruined"]) for row in rows] == [("anonymise=solid", 1, 1), ("lipstick", 1, 0)]


def test_a_ruined_face_has_failed_whatever_the_rules_see_there(tmp_path: Path) -> None:
    (asked,) = edits_asked(BenchEditsArguments(data=(tmp_path,), out=tmp_path, set=("Male=yes",)))
    fine = tuple(face(name, ("Male",), Male=True) for name in "abc")
    (row,) = summary_rows(Measured(asked, (*fine[:2], as_ruined(fine[2]))), [], 0)
    assert (row.success, row.ruined) == (wilson(2, 3), 1)
    assert as_ruined(replace(fine[0], reached={"Male": None})).reached == {"Male": None}


def test_every_effect_has_its_parts_or_may_change_the_whole_photo() -> None:
    assert {*EFFECTS} - {*EFFECT_PARTS} == {"blur_background", "replace_background", "sticker", "anonymise"}


def test_grades_that_stand_are_kept(tmp_path: Path) -> None:
    write_portrait(tmp_path / "photos" / "one.png")
    (tmp_path / "grades.csv").write_text("request,file,sheet,grade,reason\nlipstick,one.png,lipstick-1.png,4,satin\n")
    words = ["--effect", "lipstick", "--detector", "dlib", "--landmarks", "dlib"]
    main(["bench", "edits", str(tmp_path / "photos"), "--out", str(tmp_path), *words])
    assert "4,satin" in (tmp_path / "grades.csv").read_text()


def test_what_the_rules_cannot_tell_is_no_success_and_no_failure() -> None:
    assert reached_values(sight(Male=0.9), {"Male": True, "Smiling": True}) == {"Male": True, "Smiling": None}
    assert reached_values(sight(Male=0.9), {"Male": False}) == {"Male": False}


def test_of_two_hair_colours_the_likeliest_counts() -> None:
    seen = sight(Blond_Hair=0.6, Brown_Hair=0.7)
    assert reached_values(seen, {"Blond_Hair": True}) == {"Blond_Hair": False}
    assert reached_values(seen, {"Brown_Hair": True}) == {"Brown_Hair": True}


def test_only_sure_labels_that_nobody_asked_for_drift() -> None:
    before = sight(Male=0.9, Young=0.95, Eyeglasses=0.6, Black_Hair=0.9, Gray_Hair=0.01)
    after = sight(Male=0.1, Young=0.05, Eyeglasses=0.1, Black_Hair=0.1, Gray_Hair=0.9)
    assert drifted(before, after, ["Young"]) == ("Male",)
    assert drifted(before, after, ["Male"]) == ("Black_Hair", "Gray_Hair", "Young")
    assert drifted(before, before, []) == ()


def test_change_outside_counts_only_there() -> None:
    before = np.full((8, 8, 3), 100, np.uint8)
    after = before.copy()
    region = np.zeros((8, 8), bool)
    region[:4] = True
    after[:4] = 200
    assert outside_of(before, after, region) == Outside(0.0, 0.0)
    after[4] = 200
    found = outside_of(before, after, region)
    assert found.bytes == pytest.approx(0.25) and found.lab > 5
    assert outside_of(before, after, np.ones((8, 8), bool)) == Outside(0.0, 0.0)


def face(file: str, needed: tuple[str, ...], **reached: bool) -> FaceEditFigures:
    return FaceEditFigures(file, 1, needed, reached, {}, 0.9, None, (), 0.5, False, 0.1)


def test_each_attribute_of_several_is_compared_with_the_same_faces_alone(tmp_path: Path) -> None:
    arguments = BenchEditsArguments(data=(tmp_path,), out=tmp_path, set=("Male=yes", "Male=yes,Young=no"))
    alone, both = edits_asked(arguments)
    measured = [
        Measured(alone, (face("a", ("Male",), Male=True), face("b", ("Male",), Male=True), face("c", ("Male",), Male=False))),
        Measured(
            both,
            (
                face("a", ("Male", "Young"), Male=False, Young=True),
                face("b", ("Male",), Male=True, Young=True),
                face("d", ("Young",), Male=True, Young=False),
            ),
        ),
    ]
    male, young = summary_rows(measured[1], measured, 0)
    assert (male.attribute, male.faces, male.success, male.alone) == ("Male", 2, wilson(1, 2), wilson(2, 2))
    assert (young.attribute, young.faces, young.success, young.alone) == ("Young", 2, wilson(1, 2), None)
    (single,) = summary_rows(measured[0], measured, 0)
    assert single.alone is None and single.identity is not None and single.identity.value == pytest.approx(0.9)
    other = replace(measured[0].faces[0], number=2, reached={"Male": False})
    again = Measured(alone, (*measured[0].faces, other))
    male = next(summary_rows(measured[1], [again, measured[1]], 0))
    assert male.alone == wilson(2, 2), "the second face of a photo is another face"
    unknown = [replace(one, reached={"Male": None}) for one in measured[0].faces]
    assert next(summary_rows(Measured(alone, tuple(unknown)), measured, 0)).success is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "Male=maybe"], "--set Male=maybe: write NAME=yes or NAME=no."),
        (["--set", "Male=yes", "Male=yes"], "Male_yes is asked for twice. Ask for each edit once."),
        (["--set", "Male=yes", "--count", "-1"], "--count -1: give a number of faces, or 0 for all."),
        (["--effect", "lipstik"], "'lipstik' is no effect"),
        (["--set", "Male=yes", "--names", "names.txt"], "names.txt: nobody is in no folder of DATA."),
    ],
)
def test_what_cannot_be_measured_is_one_line(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("nobody.jpg\n")
    write_portrait(tmp_path / "photos" / "one.png")
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "edits", "photos", "--out", "out", *words])
    assert stopped.value.code == 1
    assert message in " ".join(capsys.readouterr().err.split())


def test_data_must_be_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "edits", "--out", str(tmp_path / "out"), "--effect", "lipstick"])
    assert stopped.value.code == 1
    said = " ".join(capsys.readouterr().err.split())
    assert said == "lianpu: No DATA is given. Name one or more folders: lianpu bench edits DATA --out FOLDER."


def test_a_folder_without_pictures_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["bench", "edits", str(tmp_path), "--out", str(tmp_path / "out"), "--effect", "lipstick"])
    assert "No picture was chosen" in capsys.readouterr().err
