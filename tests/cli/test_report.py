"""`lianpu report`: paths on the way out, one line when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.runs import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path / "portraits")
    run.write_config({"run_id": "1", "selected_attrs": ["Male"]})
    return run


def test_it_says_where_the_two_files_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", str(run.folder), "--language", "zh"])
    assert capsys.readouterr().out.split() == [str(run.report_file("zh", "html")), str(run.report_file("zh", "md"))]
    assert "训练概述" in run.report_file("zh", "html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["portrait"], "is no run folder: it is not there (did you mean 'portraits'?)"),
        (["portraits", "--language", "de"], "The report is not written in 'de'. Languages: en, zh."),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_1(
    run: Run, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(run.folder.parent / words[0]), *words[1:]])
    written = capsys.readouterr().err
    assert stopped.value.code == 1 and message in written and written.count("\n") == 1
