"""`lianpu runs` on runs as the stages leave them: finished, stopped, in training, damaged."""

import json
from pathlib import Path

import pytest
from filelock import FileLock

from lianpu.cli.main import main
from lianpu.cli.runs import find_runs
from tests.support.made_run import LAST_STEP, add_scores, make_run, make_settings_only


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make_run(tmp_path / "runs" / "whole")
    add_scores(
        make_settings_only(
            tmp_path / "runs" / "inner" / "stopped", created="2025-02-01", training={"num_iters": 100, "batch_size": 8}
        ),
        50,
        80.0,
    )
    held = make_settings_only(tmp_path / "runs" / "held", created="2025-04-01", training={"num_epochs": 2, "batch_size": 16})
    held.lock_file.touch()
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "config.yaml").write_text("model: [")
    return tmp_path / "runs"


def test_each_run_with_its_state_steps_scores_and_size(runs: Path) -> None:
    with FileLock(runs / "held" / ".lock"):
        found = {run.folder.name: run for run in find_runs(runs)}
    assert {name: run.state for name, run in found.items()} == {
        "whole": "finished",
        "stopped": "stopped",
        "held": "training",
        "broken": "damaged",
    }
    whole = found["whole"]
    assert (whole.step, whole.steps, whole.scored_step, whole.train_seconds) == (LAST_STEP, LAST_STEP, LAST_STEP, 5412.0)
    assert whole.scores["attribute_success"] == 0.74 and whole.size_bytes > 10_000
    assert found["held"].steps == 100 and found["stopped"].scored_step == 50
    assert "config.yaml cannot be read" in found["broken"].problem
    assert [run.folder.name for run in find_runs(runs)] == ["broken", "stopped", "whole", "held"]


def test_the_table_and_its_json_say_the_same(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["runs", str(runs)])
    table = capsys.readouterr().out
    assert "whole" in table and "4,000 of 4,000" in table and "31.2" in table and "74%" in table and "broken" in table
    main(["runs", str(runs), "--json"])
    assert [run["state"] for run in json.loads(capsys.readouterr().out)] == ["damaged", "stopped", "finished", "stopped"]


def test_two_runs_are_compared_by_settings_and_scores(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = str(runs / "whole"), str(runs / "inner" / "stopped")
    main(["runs", "compare", first, second, "--json"])
    said = json.loads(capsys.readouterr().out)
    assert said["settings"]["training.batch_size"] == [16, 8] and said["settings"]["training.num_iters"] == [LAST_STEP, 100]
    assert "run_id" not in said["settings"] and "model.image_size" not in said["settings"]
    assert said["scores"]["frechet_efficientnet_lite0"] == [31.2, 80.0]
    main(["runs", "compare", first, second])
    said = capsys.readouterr().out
    assert "training.batch_size" in said and "+48.8" in said and f"lianpu compare {first} --against {second}" in said


def test_what_is_no_run_is_said_in_a_line(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, words in [
        (["runs", str(tmp_path / "nothing")], "is not there. Give the folder where your runs lie"),
        (["runs", "compare", str(runs / "whole"), str(runs / "whol")], "(did you mean 'whole'?)"),
        (["runs", "compare", str(runs / "whole"), str(runs / "broken")], "cannot be read"),
    ]:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)
        assert stopped.value.code == 1 and words in " ".join(capsys.readouterr().err.split())
    (tmp_path / "empty").mkdir()
    main(["runs", str(tmp_path / "empty")])
    assert "No runs in" in capsys.readouterr().out
