"""`lianpu report`: paths on the way out, one line when something is wrong."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.runs import Run
from tests.support.chromium import CHROMIUM


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
        (["portraits", "--check", "report.md"], "Give a run folder (lianpu report RUN), or a report to check"),
    ],
)
def test_what_cannot_work_is_one_line_and_exit_1(
    run: Run, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(run.folder.parent / words[0]), *words[1:]])
    written = capsys.readouterr().err
    assert stopped.value.code == 1 and message in written and written.count("\n") == 1


def test_a_check_lists_what_does_not_hold_and_exits_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.md"
    file.write_text("# R\n\n## Evaluation\n\n| Transform | FID |\n|---|---|\n| old | 31.2 |\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["report", "--check", str(file)])
    written = capsys.readouterr().out.splitlines()
    assert stopped.value.code == 1
    assert written[-2].startswith(f"{file}:5: unsaid: Evaluation: FID without the feature weights")
    assert written[-1] == f"{len(written) - 1} things do not hold."


def test_a_check_of_a_report_that_holds_says_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", str(run.folder)])
    capsys.readouterr()
    main(["report", "--check", str(run.report_file("en", "md"))])
    assert capsys.readouterr().out.strip().endswith("nothing was found that does not hold.")


def test_a_pdf_without_a_program_that_makes_one_is_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    if find_spec("weasyprint") is not None:
        pytest.skip("weasyprint is installed")
    with pytest.raises(SystemExit) as stopped:
        main(["report", str(run.folder), "--pdf"])
    assert stopped.value.code == 1
    assert "neither weasyprint nor Chromium is installed" in capsys.readouterr().err


@pytest.mark.skipif(not CHROMIUM.is_file(), reason="needs Chromium at /usr/bin/chromium (apt install chromium)")
def test_chromium_prints_the_report(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["report", str(run.folder), "--pdf"])
    pdf = Path(capsys.readouterr().out.split()[-1])
    assert pdf == run.report_file("en", "pdf") and pdf.read_bytes().startswith(b"%PDF-")
