"""`lianpu data check` and `lianpu data draw` as they are typed."""

import csv
import shutil
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.dataset.drawn import draw_dataset


@pytest.fixture(scope="module")
def drawn_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_dataset(tmp_path_factory.mktemp("drawn") / "faces", count=24, size_px=32, seed=0, held_out=6)


@pytest.fixture
def drawn(tmp_path: Path, drawn_once: Path) -> Path:
    return Path(shutil.copytree(drawn_once, tmp_path / "faces"))


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(["data", *words])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_drawn_faces_pass_the_check(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "check", "celebamask-hq", str(drawn), "--image-size", "32", "--selected-attrs", "Male", "Young")
    assert code == 0 and err == ""
    assert "18 train, 6 val. Licence: drawn by a program, no real faces: free for any use." in out
    assert "Male" in out and "Eyeglasses" not in out and "Nothing here would stop training." in out


def test_what_stops_training_is_listed_counted_and_ends_with_exit_code_1(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, 6):
        (drawn / "images" / f"{number:06d}.png").unlink()
    (drawn / "images" / "000006.png").write_bytes(b"GIF")
    table = drawn / "problems.csv"
    code, out, err = _run(
        capsys,
        "check",
        "CelebAMask-HQ",
        str(drawn),
        "--image-size",
        "32",
        "--selected-attrs",
        "Male",
        "--show",
        "2",
        "--csv",
        str(table),
    )
    assert code == 1
    lines = out.splitlines()
    at = lines.index("5 missing (labelled, but not on disk) STOPS TRAINING")
    assert lines[at + 1 : at + 4] == ["  000001.png: not on disk", "  000002.png: not on disk", "  and 3 more"]
    assert "1 broken (cannot be read) STOPS TRAINING" in lines
    assert any(line.startswith("  000006.png: is not a picture that can be read") for line in lines)
    assert err.startswith("lianpu: ") and err.count("\n") == 1
    assert "training would stop (5 missing, 1 broken). Fix what is listed above" in err
    rows = list(csv.DictReader(table.read_text().splitlines()))
    assert [row["subject"] for row in rows if row["kind"] == "missing"] == [f"{number:06d}.png" for number in range(1, 6)]
    assert {row["stops_training"] for row in rows if row["kind"] in ("missing", "broken")} == {"1"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "CelebAMask", "."], "'CelebAMask' is no dataset (did you mean 'CelebAMask-HQ'?)"),
        (["check", "CelebA", "nowhere"], "nowhere is not there"),
    ],
)
def test_what_cannot_be_checked_is_said_in_one_line(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, *words)
    assert code == 1 and message in err and err.count("\n") == 1 and out == ""


def test_an_unknown_attribute_is_said_before_any_picture_is_read(drawn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "check", "CelebAMask-HQ", str(drawn), "--selected-attrs", "Yong")
    assert code == 1 and "'Yong' (did you mean 'Young'?) not among the labels" in err and out == ""


def test_drawing_writes_a_folder_that_says_what_to_do_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = _run(capsys, "draw", str(tmp_path / "faces"), "--count", "5", "--size", "32", "--held_out", "0.4")
    assert code == 0 and f"Next: lianpu data check CelebAMask-HQ {tmp_path / 'faces'}" in out
    assert len(list((tmp_path / "faces" / "images").iterdir())) == 5
    assert (tmp_path / "faces" / "val.txt").read_text().split() == ["000004.png", "000005.png"]


@pytest.mark.parametrize("option", [["--size", "3"], ["--count", "1"], ["--seed", "-1"]])
def test_faces_that_cannot_be_drawn_are_refused_in_one_line(
    tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, err = _run(capsys, "draw", str(tmp_path / "faces"), *option)
    assert code == 1 and err.startswith("lianpu: These faces cannot be drawn: ") and err.count("\n") == 1
    assert not (tmp_path / "faces").exists()


def test_without_a_subcommand_the_two_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys)
    assert code == 2 and "check" in out + err and "draw" in out + err
