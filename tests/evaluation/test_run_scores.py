"""`lianpu evaluate` on a run that was really trained, for a few steps."""

import shutil
from pathlib import Path

import pytest

from lianpu.api import evaluate
from lianpu.cli.compare import main as compare_command
from lianpu.cli.evaluate import main, score_checkpoint
from lianpu.dataset.faces import Dataset
from lianpu.editors.loading import load_editor
from lianpu.errors import LianpuError, RunError, SettingsError
from lianpu.evaluation.run_scores import read_results, training_curve
from lianpu.runs import Run
from lianpu.training.config import parse_config
from lianpu.training.loop import train

CONFIG = {
    "model": {"image_size": 32, "g_conv_dim": 8, "d_conv_dim": 8, "g_repeat_num": 1, "d_repeat_num": 2},
    "training": {
        "batch_size": 4,
        "num_iters": 4,
        "checkpoint_every": 2,
        "log_every": 1,
        "n_critic": 1,
        "device": "cpu",
        "workers": 0,
    },
    "selected_attrs": ["Black_Hair", "Blond_Hair", "Brown_Hair", "Male"],
    "eval_transforms": ["Black_Hair -> Blond_Hair"],
}
QUICK = ["--metrics", "fid", "kid", "--features", "efficientnet-lite0", "--device", "cpu"]


@pytest.fixture(scope="module")
def trained(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(dataset, parse_config(CONFIG, "test"), tmp_path_factory.mktemp("runs") / "painted")


@pytest.fixture
def run(trained: Run, tmp_path: Path) -> Run:
    shutil.copytree(trained.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def test_the_last_checkpoint_is_scored_with_the_rows_of_the_config(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(run.folder), *QUICK])
    results = read_results(run)
    assert list(results) == ["step-000000004"]
    result = results["step-000000004"]
    assert result.transforms() == ("overall", "Black_Hair -> Blond_Hair")
    assert result.origin.file == "checkpoints/000000004" and result.origin.epoch == pytest.approx(4 * 4 / 48, abs=1e-3)
    assert result.origin.command.startswith("lianpu evaluate")
    printed = capsys.readouterr().out
    assert "unedited faces (floor)" in printed and "never with FID, KID or IS" in printed
    assert "lacks rank" in printed and "Traceback" not in printed


def test_scores_and_their_editor_show_themselves_in_a_line_and_progress_is_told(run: Run, dataset: Dataset) -> None:
    told = []
    result = evaluate(run, dataset, ("kid",), on_progress=lambda *counts: told.append(counts), features="efficientnet-lite0")
    assert told == sorted(told) and told[-1][0] == told[-1][1] > 0
    editor = load_editor(run.last_checkpoint(), "cpu")
    for shown in map(repr, (result, editor, editor.info)):
        assert "\n" not in shown and len(shown) < 200 + len(str(run.folder))
    assert "step 4" in repr(result) and "kernel" in repr(result) and "32 px" in repr(editor)


def test_two_runs_are_compared_on_the_same_faces(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(run.folder, tmp_path / "earlier")
    shutil.rmtree(tmp_path / "earlier" / "checkpoints" / "000000004")
    quick = ["--metrics", "kid", "--features", "efficientnet-lite0", "--device", "cpu"]
    compare_command([str(run.folder), "--against", str(tmp_path / "earlier"), *quick])
    printed = " ".join(capsys.readouterr().out.split())
    assert "kernel" in printed and "back L1" in printed and ("is better than" in printed or "No difference" in printed)
    compare_command([str(run.folder), "--against", str(run.folder), *quick])
    printed = " ".join(capsys.readouterr().out.split())
    assert "is better than" not in printed and "kernel +0 (0 to 0)" in printed and "back L1 +0 (0 to 0)" in printed


def test_every_checkpoint_gives_the_curve_with_losses_and_keeps_rows_that_were_there(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(run.folder), *QUICK, "--max-faces", "20", "--every-checkpoint"])
    results = read_results(run)
    assert [result.origin.step for result in results.values()] == [2, 4]
    assert results["step-000000002"].transforms() == ("overall",)
    curve = training_curve(run.read_steps(), list(results.values()))
    assert [point.step for point in curve] == [2, 4] and all(point.d_loss is not None for point in curve)
    assert "Training curve" in capsys.readouterr().out


def test_a_checkpoint_is_scored_while_its_run_trains(
    run: Run, dataset: Dataset, offline: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a classifier already there, as after the first checkpoint."""
    from lianpu.evaluation import judges
    from lianpu.evaluation.classifier_store import obtain_classifier
    from lianpu.metrics.classifier_training import ClassifierSettings

    quick = ClassifierSettings(input_px=32, least_steps=2, most_steps=2, batch_size=8)
    classifier = obtain_classifier(dataset, run.classifier_folder, settings=quick)
    monkeypatch.setattr(judges, "obtain_classifier", lambda *_: classifier)
    result = score_checkpoint(run, run.last_checkpoint())
    assert result.transforms() == ("overall",) and result.find("attribute_success") is not None
    assert (run.scores_folder / "step-000000004.json").is_file()


@pytest.mark.parametrize(
    ("flags", "error", "words"),
    [
        (["--max-faces", "1"], SettingsError, "--max-faces is 1"),
        (["--model", "nowhere.onnx"], RunError, r"nowhere\.onnx is not there"),
        (["--every-checkpoint", "--model", "x.onnx"], SettingsError, "exclude each other"),
        (["--metrics", "fidd"], SettingsError, r"'fidd' is no metric \(did you mean 'fid'\?\)"),
        (["--data-dir", "/nowhere"], LianpuError, "/nowhere"),
    ],
)
def test_bad_input_is_one_line_that_says_what_and_what_to_do(
    run: Run, flags: list[str], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        main([str(run.folder), *flags])
