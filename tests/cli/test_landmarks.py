"""`lianpu landmarks` as it is typed."""

import json
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.models.store.locate import require_model_file
from tests.support.portraits import PEOPLE, portrait, write_portrait
from tests.support.shared import REAL_FACES, needs

SMALL = ("--tree-depth", "2", "--cascade-depth", "3", "--trees-per-cascade", "30", "--oversampling", "4", "--threads", "1")


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A list of twelve of the real pictures; one has no points."""
    return _list(tmp_path / "names.txt", range(100, 112))


def _list(file: Path, numbers: range) -> Path:
    file.write_text("".join(f"{number:06d}.jpg\n" for number in numbers))
    return file


def _drawn_labels(folder: Path) -> Path:
    """A CSV of two labelled portraits, 000100.jpg and 000101.jpg."""
    lines = ["filename," + ",".join(f"x{point},y{point}" for point in range(68))]
    for number, person in ((100, PEOPLE[0]), (101, PEOPLE[1])):
        write_portrait(folder / "images" / f"{number:06d}.jpg", person, 256)
        points = portrait(person, 256).points.ravel()
        lines.append(f"{number:06d}.jpg," + ",".join(f"{value:.2f}" for value in points))
    (folder / "landmarks68.csv").write_text("\n".join(lines) + "\n")
    return folder / "landmarks68.csv"


def _run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = 0
    try:
        main(["landmarks", *map(str, words)])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


@needs(REAL_FACES)
def test_from_csv_to_xml_to_a_predictor_to_its_scores(names: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    csv, xml, own = REAL_FACES / "landmarks68.csv", tmp_path / "faces.xml", tmp_path / "own.dat"
    code, out, err = _run(capsys, "xml", csv, xml, "--only", names)
    assert code == 0 and err == "" and f"Written: {xml} with 11 faces (11 of dlib's detector)." in out

    code, out, err = _run(capsys, "train", xml, own, *SMALL)
    assert code == 0 and err == ""
    assert f"Trained on 11 faces (11 labelled): {own}" in out and "lianpu landmarks evaluate" in out and "Fitting trees" in out

    code, out, err = _run(capsys, "evaluate", own, csv, "--only", _list(tmp_path / "others.txt", range(1, 9)))
    assert code == 0 and err == ""
    for words in (
        "own.dat on 8 faces",
        "NME, inter-ocular",
        "AUC up to 8 %",
        "failures above 10 %",
        "error of the mouth",
        "Worst: 0000",
    ):
        assert words in out

    code, out, err = _run(capsys, "evaluate", "dlib", xml, "--json")
    scores = json.loads(out)
    assert code == 0 and err == "" and scores["model"] == "dlib" and scores["boxes"] == {"labels": 11}
    # the labels are this predictor's own, from boxes that are a little different
    assert scores["nme_inter_ocular"] < 0.03 and scores["auc_at_008"] > 0.7 and scores["by_region"]["jaw"] < 0.06


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("evaluate", "none.dat", "DATA"), "none.dat is not there. Give the file of a dlib shape predictor"),
        (("evaluate", "FIVE", "DATA"), "predicts 5 points, not 68"),
        (("evaluate", "CSV", "DATA"), "is no dlib shape predictor, or is cut off"),
        (("evaluate", "dlib", "EMPTY"), "holds no .pts file"),
        (("train", "none.xml", "out.dat"), "none.xml is not there"),
        (("train", "DATA", "out.dat", "--nu", "3", "--tree-depth", "0"), "tree_depth is 0"),
        (("train", "DATA", "out.dat", "--only", "ONE", *SMALL), "learns from two or more labelled faces, got 1"),
        (("xml", "DATA", "out.xml", "--only", "none.txt"), "none.txt cannot be read as a list of pictures"),
    ],
)
def test_bad_input_is_one_clear_line(
    words: tuple[str, ...], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    known = {
        "DATA": _drawn_labels(tmp_path / "drawn"),
        "CSV": tmp_path / "drawn" / "landmarks68.csv",
        "FIVE": require_model_file("dlib-landmarks-5"),
        "EMPTY": tmp_path / "empty",
        "ONE": _list(tmp_path / "one.txt", range(100, 101)),
    }
    code, _, err = _run(capsys, *(known.get(word, word) for word in words))
    assert code == 1 and told in err and err.startswith("lianpu: ") and err.count("\n") == 1
    assert not (tmp_path / "out.dat").exists()
