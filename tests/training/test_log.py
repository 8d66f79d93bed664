"""Trackers: real ones, offline; those that are not installed are skipped, but never all of them without a word."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from lianpu.dataset.faces import Dataset
from lianpu.errors import SettingsError
from lianpu.training.loop import train

pytestmark = pytest.mark.filterwarnings("default")  # those of the trackers themselves


def test_a_tracker_that_is_not_installed_is_said_before_training(
    drawn: Dataset, small_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lianpu.training.log.find_spec", lambda name: None)
    with pytest.raises(
        SettingsError, match=r"training\.tracker is wandb, which is not installed\. Install it: pip install wandb"
    ):
        train(drawn, small_with(tracker="wandb"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_unknown_tracker_is_refused_with_the_known_ones(small_with: Any) -> None:
    with pytest.raises(SettingsError, match=r"tracker.*'none', 'wandb', 'mlflow' or 'trackio'"):
        small_with(tracker="tensorbord")


def test_trackio_gets_every_step_and_a_resumed_run_goes_on_in_the_same_one(
    drawn: Dataset, small_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trackio")
    for module in ("trackio.sqlite_storage", "trackio.utils"):
        monkeypatch.setattr(f"{module}.TRACKIO_DIR", tmp_path / "trackio", raising=False)
    train(drawn, small_with(tracker="trackio", num_iters=3), tmp_path / "portraits")
    train(drawn, small_with(tracker="trackio"), tmp_path / "portraits")
    with sqlite3.connect(tmp_path / "trackio" / "lianpu.db") as database:
        rows = database.execute("select run_name, step, metrics from metrics order by step").fetchall()
    assert [(name, step) for name, step, _ in rows] == [("portraits", step) for step in range(1, 7)]
    first, last = json.loads(rows[0][2]), json.loads(rows[5][2])
    assert "D/loss" in first and {"G/loss", "edits/success"} <= last.keys()


def test_mlflow_gets_every_step_and_a_resumed_run_goes_on_in_the_same_one(
    drawn: Dataset, small_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    mlflow.set_tracking_uri((tmp_path / "store").as_uri())
    train(drawn, small_with(tracker="mlflow", num_iters=3), tmp_path / "portraits")
    train(drawn, small_with(tracker="mlflow"), tmp_path / "portraits")
    client = mlflow.MlflowClient()
    (run,) = client.search_runs([client.get_experiment_by_name("lianpu").experiment_id])
    assert run.info.run_name == "portraits" and run.data.params["training.batch_size"] == "4"
    assert [one.step for one in client.get_metric_history(run.info.run_id, "D/loss")] == [1, 2, 3, 4, 5, 6]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "samples")] == [
        "samples/000000003.png",
        "samples/000000006.png",
    ]


def test_weights_and_biases_offline_leaves_a_run_to_be_sent_later(
    drawn: Dataset, small_with: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = train(drawn, small_with(tracker="wandb"), tmp_path / "portraits")
    (file,) = run.folder.glob("wandb/offline-run-*/*.wandb")
    assert file.stat().st_size > 1000 and b"D/loss_adv" in file.read_bytes()
