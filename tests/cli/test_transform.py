"""`lianpu transform` at the command line: what the bundled file says of itself, and one clear line for wrong words."""

import json
from pathlib import Path

import pytest

from lianpu.cli.main import main


def test_show_prints_what_the_bundled_file_says(capsys: pytest.CaptureFixture[str]) -> None:
    main(["transform", "show"])
    about = json.loads(capsys.readouterr().out)
    assert about["format"] == "lianpu face transform" and not about["commercial_use"]
    assert {one["name"] for one in about["trained_on"]} == {"celebamask_mini", "ffhq_mini"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["fit", "data"],
            "lianpu: Name the folders of labelled faces, then the file to write: lianpu transform fit DATA OUT.npz",
        ),
        (["fit", "data", "more"], "lianpu: Name the folders of labelled faces, then the file to write"),
        (["fit", "none", "out.npz"], "lianpu: none is not there."),
        (["show", "none.npz"], "lianpu: none.npz cannot be read"),
        (["show", "--commercial-safe"], "face-transform.npz (face-transform-age-sex) may not be used commercially"),
    ],
)
def test_wrong_words_are_one_line(
    words: list[str], line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        main(["transform", *words])
    said = capsys.readouterr().err
    assert end.value.code == 1 and line in said and said.count("\n") == 1
