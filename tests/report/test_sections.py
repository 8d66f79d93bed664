"""The arithmetic behind the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianpu.report.gallery import Gallery
from lianpu.report.language import load_language
from lianpu.report.page import write_report
from lianpu.report.run_files import read_run_files
from lianpu.report.scored import Score
from lianpu.report.sections.configuration import break_command
from lianpu.report.sections.curves import curve_steps, mean_before
from lianpu.report.sections.evaluation import common_protocol, judge_of_target
from lianpu.report.sections.material import Material, compact_protocol, merge_numbers
from lianpu.report.sections.score_cell import overall_success, score_cell
from lianpu.runs import Run
from tests.support import made_run as made

ENGLISH = load_language("en")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made_run: Run = made.make_settings_only(tmp_path / "run")
    return made_run


def test_protocols_of_one_metric_are_said_once_with_ranges() -> None:
    rows = [
        {
            "metric": "kid",
            "features": "inception",
            "real_count": 800,
            "fake_count": 23,
            "seed": 0,
            "settings": "100 subsets of 23",
            "data": "a" * 64,
        },
        {
            "metric": "kid",
            "features": "inception",
            "real_count": 180,
            "fake_count": 60,
            "seed": 0,
            "settings": "100 subsets of 60",
            "data": "a" * 64,
        },
    ]
    said = "features: inception; real faces: 180–800; edited faces: 23–60; seed: 0; settings: 100 subsets of 23–60; data: aaaaaaaaaaaa"
    assert compact_protocol(rows, ENGLISH) == said


def test_what_a_protocol_did_not_need_is_not_said() -> None:
    assert (
        compact_protocol([{"real_count": 0, "real_split": "none", "settings": "", "fake_count": 5}], ENGLISH) == "edited faces: 5"
    )


def test_texts_are_merged_only_when_they_differ_in_numbers_alone() -> None:
    assert merge_numbers(["1 split of 60", "1 split of 23"]) == ["1 split of 23–60"]
    assert merge_numbers(["a 1", "b 2"]) == ["a 1", "b 2"]
    assert merge_numbers(["train", "test"]) == ["train", "test"] and merge_numbers(["7"]) == ["7"]


def test_common_entries_are_those_that_all_protocols_have_alike() -> None:
    assert common_protocol([{"seed": 0, "px": 64, "a": 1}, {"seed": 0, "px": 32}]) == {"seed": 0}
    assert common_protocol([]) == {}


def test_spread_is_shown_with_digits_of_its_own_and_not_for_a_single_subset(run: Run) -> None:
    material = Material(read_run_files(run), Gallery(None, {}, None, (), {}), ENGLISH)
    spread = Score("kid", "overall", 0.919, 0.00031, None, None, {}, "f")
    single = Score("is", "overall", 1.17, 2e-16, None, None, {}, "f")
    assert score_cell(material, "kid", spread).small == "± 0.00031"
    assert score_cell(material, "is", single).small == ""


def test_the_curve_table_shows_scored_checkpoints_or_else_quarters(run: Run) -> None:
    made.add_steps(run)
    assert curve_steps(read_run_files(run)) == [1000, 2000, 3000, 4000]
    made.add_scores(run, 1500, 50.0)
    assert curve_steps(read_run_files(run)) == [1000, 1500, 2000, 3000, 4000]
    made.add_scores(run, 3500, 40.0)
    assert curve_steps(read_run_files(run)) == [1500, 3500]


def test_losses_of_the_curve_table_are_means_up_to_the_step(run: Run) -> None:
    for step in range(1, 41):
        run.append_step({"step": step, "d_loss": float(step)})
    files = read_run_files(run)
    assert mean_before(files, "d_loss", 10) == 9.5  # 40 lines: the mean of two
    assert mean_before(files, "d_loss", 0) is None and mean_before(files, "g_loss", 10) is None


def test_success_is_the_overall_figure_that_the_table_and_the_terminal_show(run: Run) -> None:
    made.add_scores(run, 4000, 31.2)
    main = read_run_files(run).main
    assert main is not None
    mean = overall_success(main)
    assert mean is not None and mean.edited == pytest.approx(0.74) and mean.unedited == pytest.approx(0.09)


def test_the_judge_of_a_transform_is_as_good_as_on_its_worst_target(run: Run) -> None:
    made.add_scores(run, 4000, 31.2)
    main = read_run_files(run).main
    assert main is not None
    assert judge_of_target(main, "Male -> not Male") == 0.91
    assert judge_of_target(main, "Male -> not Male + Young") == 0.69
    assert judge_of_target(main, "Bald -> not Bald") is None


def test_long_commands_are_broken_at_their_flags() -> None:
    assert break_command("lianpu train --image-size 64 --seed 1") == "lianpu train \\\n  --image-size 64 \\\n  --seed 1"


@pytest.mark.parametrize("code", ["en", "zh"])
def test_settings_that_changed_at_a_resume_are_shown_with_the_step_until_which_they_held(tmp_path: Path, code: str) -> None:
    change = {"after_step": 1200, "command": "lianpu train ...", "changed": {"training.g_lr": [0.0001, 0.0002]}}
    run: Run = made.make_settings_only(tmp_path / "run", history=[change])
    text = write_report(run, code).with_suffix(".md").read_text(encoding="utf-8")
    assert "training.g_lr" in text and "1,200" in text and "0.0002" in text
    assert ("Before" in text and "Since then" in text) == (code == "en")
