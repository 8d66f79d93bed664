"""`lianpu bench train` and `lianpu bench curves` as they are typed."""

from pathlib import Path

import pytest

from lianpu.cli.main import main
from lianpu.evaluation.protocol import OVERALL, Protocol, Score
from lianpu.evaluation.results import EvaluationResult, Origin
from lianpu.runs import Run


def test_three_kinds_of_step_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        "--image-size",
        "16",
        "--batch_size",
        "2",
        "--conv_dim",
        "4",
        "--n_critic",
        "1",
        "--rounds",
        "1",
        "--device",
        "cpu",
    )
    main(["bench", "train", *options])
    said = capsys.readouterr().out
    for kind in ("plain", "lianpu", "lite"):
        assert f" {kind} " in said
    assert "faces a second" in said


def _run(folder: Path, points: dict[int, float], judge: str = "judge") -> Run:
    """A run whose checkpoints were scored, 30 seconds a step."""
    run = Run(folder)
    run.write_config({"run_id": "cafe0123"})
    run.steps_file.write_text("".join(f'{{"step": {step}, "seconds": {30 * step}}}\n' for step in range(1, 9)))
    for step, value in points.items():
        protocol = Protocol("attribute_success", judge, "none", 0, 4, "none", "val", 0, 32, "data")
        score = Score("attribute_success", OVERALL, value, "higher", protocol)
        result = EvaluationResult(Origin("m", "PyTorch FP32", step, 1.0, ""), 1.0, (score,), (), (), (), (), None, {})
        run.write_score(f"step-{step:09d}", result.to_json())
    return run


def test_scores_of_runs_are_shown_against_minutes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [_run(tmp_path / "big", {4: 0.25, 8: 0.5}), _run(tmp_path / "small", {2: 0.75})]
    main(["bench", "curves", *(str(run.folder) for run in runs), "--out", str(tmp_path / "chart.svg")])
    out = capsys.readouterr().out
    rows = [line.split("\u2502")[1:4] for line in out.splitlines() if "\u2502" in line]
    assert [[cell.strip() for cell in row] for row in rows] == [
        ["big", "2.0", "0.25"],
        ["big", "4.0", "0.5"],
        ["small", "1.0", "0.75"],
    ]
    assert "small, last checkpoint: 0.75, +0.25 against big." in out
    assert "<svg" in (tmp_path / "chart.svg").read_text(encoding="utf-8")


def test_runs_scored_by_different_protocols_are_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = [_run(tmp_path / "one", {4: 0.25}), _run(tmp_path / "two", {4: 0.5}, judge="another")]
    with pytest.raises(SystemExit):
        main(["bench", "curves", *(str(run.folder) for run in runs), "--out", str(tmp_path / "chart.svg")])
    assert "cannot be compared: they differ in features ('judge', 'another')" in capsys.readouterr().err
    assert not (tmp_path / "chart.svg").exists()


def test_a_run_without_such_scores_says_how_to_get_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = _run(tmp_path / "run", {4: 0.25})
    with pytest.raises(SystemExit):
        main(["bench", "curves", str(run.folder), "--metric", "fid"])
    said = capsys.readouterr().err
    assert "has no checkpoint scored by fid (it has attribute_success)" in said and "--every-checkpoint" in said
