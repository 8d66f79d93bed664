"""The verdict follows from the numbers, good or bad."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lianpu.report.gallery import Gallery
from lianpu.report.language import load_language
from lianpu.report.run_files import read_run_files
from lianpu.report.sections.material import Material
from lianpu.report.sections.verdict import Verdict, planned_steps, verdict
from lianpu.runs import Run
from tests.support import made_run as made

NO_PICTURES = Gallery(None, {}, None, (), {})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made_run: Run = made.make_settings_only(tmp_path / "run")
    made.add_steps(made_run)
    return made_run


def judge(run: Run) -> Verdict:
    return verdict(Material(read_run_files(run), NO_PICTURES, load_language("en")))


def write_scores(run: Run, rows: list[dict[str, Any]], step: int = 4000, **more: Any) -> None:
    run.write_score(f"step-{step:09d}", {"file": "f", "kind": "PyTorch FP32", "step": step, "epoch": 1.0, "scores": rows, **more})


@pytest.mark.parametrize(
    ("edited", "words"),
    [
        (0.95, "Most edits do what was requested"),
        (0.60, "The edits often work, but not reliably"),
        (0.30, "The edits work only now and then"),
        (0.12, "The edits do not work"),
        (0.02, "The edits do not work"),
    ],
)
def test_success_is_judged_against_the_unedited_faces(run: Run, edited: float, words: str) -> None:
    rows = [
        made.score("attribute_success", edited, "Male -> not Male"),
        made.score("attribute_success_unedited", 0.1, "Male -> not Male"),
    ]
    write_scores(run, rows)
    assert any(sentence.startswith(words) and "against 10.0% before the edit" in sentence for sentence in judge(run).sentences)


def test_high_success_of_faces_that_had_it_before_is_no_success(run: Run) -> None:
    rows = [made.score("attribute_success", 0.92), made.score("attribute_success_unedited", 0.9)]
    write_scores(run, rows)
    assert any(sentence.startswith("The edits do not work") for sentence in judge(run).sentences)


def test_edits_that_lead_elsewhere_are_counted(run: Run) -> None:
    rows = []
    for name, after, before in (("Male -> not Male", 0.04, 0.09), ("not Male -> Male", 0.84, 0.14)):
        rows += [made.score("attribute_success", after, name), made.score("attribute_success_unedited", before, name)]
    write_scores(run, rows)
    assert any(sentence.startswith("In 1 of 2 transforms the target is seen less often") for sentence in judge(run).sentences)


def test_best_and_worst_transforms_are_named_by_gain(run: Run) -> None:
    rows = []
    for name, after, before in (("Male -> not Male", 0.9, 0.8), ("Young -> not Young", 0.6, 0.1), ("not Male -> Male", 0.7, 0.3)):
        rows += [made.score("attribute_success", after, name), made.score("attribute_success_unedited", before, name)]
    write_scores(run, rows)
    said = " ".join(judge(run).sentences)
    assert "The strongest transform is young → old (10.0% → 60.0%), the weakest male → female (80.0% → 90.0%)." in said


def test_a_distance_that_rose_and_a_better_earlier_checkpoint_are_said(run: Run) -> None:
    for step, value in ((1000, 50.0), (2000, 30.0), (4000, 60.0)):
        write_scores(run, [made.score("fid", value, features="inception-v3-compat", real=3000, count=3000)], step)
    said = " ".join(judge(run).sentences)
    assert "FID rose from 50.0 at step 1,000 to 60.0" in said and "The checkpoint of step 2,000 was closer (30.0)" in said


def test_checkpoints_of_another_protocol_are_not_compared(run: Run) -> None:
    made.add_scores(run, 1000, 78.2, data="another")
    made.add_scores(run, 4000, 31.2)
    said = " ".join(judge(run).sentences)
    assert "fell" not in said and "rose" not in said and "Fréchet distance (EfficientNet-Lite0): 31.2." in said


def test_few_pictures_and_a_weak_judge_are_warned_of(run: Run) -> None:
    made.add_scores(run, 4000, 31.2)
    warnings = " ".join(judge(run).warnings)
    assert "The smaller of the compared sets has 100 pictures" in warnings
    assert "young (69.0%)" in warnings and "male" not in warnings


def test_many_pictures_and_a_good_judge_are_not_warned_of(run: Run) -> None:
    accuracies = {
        "accuracy": {
            "Male": {"accuracy": 0.97, "balanced_accuracy": 0.96, "positives": 40, "count": 100},
            "Bald": {"accuracy": 1.0, "balanced_accuracy": None, "positives": 0, "count": 100},
        },
        "train_count": 800,
    }
    write_scores(run, [made.score("fid", 31.2, features="inception-v3-compat", real=20_000, count=2048)], classifier=accuracies)
    assert [warning for warning in judge(run).warnings if not warning.startswith("Licence")] == []


def test_edits_that_nobody_can_see_are_said_when_nothing_else_is_known(run: Run) -> None:
    run.append_step({"step": 4010, "edit_change": 0.004, "edit_success": 0.5})
    said = " ".join(judge(run).sentences)
    assert "by 0.004 on average (on a scale of 0 to 2), too little to be seen" in said and "quality is unknown" in said


def test_a_slow_int8_model_is_called_slow(run: Run) -> None:
    made.add_export(run)
    values = json.loads(run.benchmark_file.read_text())
    values["rows"][2]["latency_ms"] = 40.0
    run.benchmark_file.write_text(json.dumps(values))
    assert (
        "The INT8 model is slower than PyTorch here (0.70 times its speed) with 25.5% of its file size, 33.4 dB PSNR to FP32."
        in judge(run).sentences
    )


def test_planned_steps_follow_from_epochs_as_training_counts_them(tmp_path: Path) -> None:
    run = made.make_settings_only(tmp_path / "run", training={"num_iters": None, "num_epochs": 3, "batch_size": 16})
    assert planned_steps(read_run_files(run)) == 150
    other = made.make_settings_only(tmp_path / "other", training={"num_epochs": 3})
    assert planned_steps(read_run_files(other)) is None
