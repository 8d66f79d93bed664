"""`lianpu bench photos` as it is typed."""

import json
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.photo.writing import write_image
from tests.support.portraits import PEOPLE, portrait


def test_a_folder_and_a_large_photo_are_edited_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in PEOPLE[:2]:
        write_image(photos / f"{number}.jpg", portrait(number, 512).picture)
    words = ("--detector", "dlib", "--large", "lipstick", "--megapixels", 0.3, "--rounds", 1, "--threads", 1)
    main(["bench", "photos", str(photos), *map(str, words), "--json", str(tmp_path / "all.json")])
    rows = {one["command"]: one for one in json.loads((tmp_path / "all.json").read_text())["measured"]}
    assert {command: row["photos"] for command, row in rows.items()} == {"edit": 2, "prepare": 2, "edit lipstick": 1}
    assert (
        rows["edit"]["faces"] == 2
        and rows["edit lipstick"]["faces"] == 1
        and all(row["seconds"] > 0 and row["processor_s"] > 0 for row in rows.values())
    )
    shown = capsys.readouterr().out
    assert "edit lipstick" in shown and "photos a second" in " ".join(shown.split())
    assert len(list(photos.iterdir())) == 2, "nothing is left among the photos"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--rounds", "0"), "--rounds 0: give at least 1"),
        (("--megapixels", "1000"), "--megapixels 1000: give 0.1 to 100"),
        (("--large", "lipstik"), "lipstick"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _refused(capsys, [str(tmp_path), *words], said)


@pytest.mark.parametrize("name", ["missing", "one.png"])
def test_what_is_no_folder_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(tmp_path / "one.png", portrait(PEOPLE[0], 64).picture)
    _refused(capsys, [str(tmp_path / name)], f"{name} is no folder of photos. Give ")


def _refused(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "photos", *words])
    err = capsys.readouterr().err
    assert stopped.value.code == 1 and said in err and err.count("\n") == 1
