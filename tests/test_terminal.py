"""Progress bars: one line at the end without a terminal, and nothing at all for a stage that never begins."""

from __future__ import annotations

import pytest

from lianpu.terminal import stage, stages


def test_a_stage_prints_its_title_and_its_count(capsys: pytest.CaptureFixture[str]) -> None:
    with stage("Reading") as on_progress:
        on_progress(1, 2)
        on_progress(2, 2)
    out = capsys.readouterr().out
    assert out.startswith("Reading") and "2/2" in out and len(out.splitlines()) == 1


def test_a_stage_that_never_begins_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no photos"), stage("Editing"):
        raise ValueError("no photos")
    assert capsys.readouterr().out == ""


def test_stages_that_begin_are_printed_in_order_and_others_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with stages() as begin:
        first, _, last = begin("First"), begin("Second"), begin("Last")
        last(1, 1)
        first(3, 3)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["First", "Last"]
