"""The small story end to end: every stage through its command, on drawn faces."""

import json
from pathlib import Path

import pytest

from lianpu.cli import demo
from lianpu.cli.demo import fetch_face_models
from lianpu.cli.main import main
from lianpu.editors.loading import load_editor
from lianpu.models.store.conversion import has_onnx
from lianpu.models.table import MODEL_FILES
from lianpu.runs import Run, open_run


def test_mediapipes_models_are_made_ready_where_they_are(mediapipe_models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch_face_models()
    assert capsys.readouterr().out == "" and all(has_onnx(entry.name) for entry in MODEL_FILES if entry.onnx)


def test_without_them_the_demo_says_so_in_one_line_and_goes_on(capsys: pytest.CaptureFixture[str]) -> None:
    fetch_face_models()
    said = capsys.readouterr().out
    assert said.startswith("Without MediaPipe's face models: ") and "LIANPU_OFFLINE" in said and said.count("\n") == 1


def test_they_are_fetched_when_the_report_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stages are tested below; here a finished run stands in for them."""
    monkeypatch.setattr(demo, "run_demo", lambda options, command: Run(tmp_path))
    demo.main([])
    report, models = capsys.readouterr().out.splitlines()
    assert report.startswith("The report: ") and models.startswith("Without MediaPipe's face models: ")


@pytest.mark.slow
def test_the_demo_goes_through_every_stage_and_a_second_call_through_none_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    small = ["demo", "--run-dir", "runs/demo", "--faces", "120", "--num_iters", "4", "--image-size", "32", "--device", "cpu"]
    main(small)
    run = open_run("runs/demo")
    page = run.report_file("en", "html")
    assert f"The report: {page}\n" in capsys.readouterr().out
    assert "http" not in page.read_text(encoding="utf-8").split("</style>")[0].replace("http-equiv", "")
    assert run.report_file("en", "md").is_file()

    editors = [load_editor(source) for source in (run, run.onnx_file, run.int8_file)]
    assert [editor.kind for editor in editors] == ["PyTorch FP32", "ONNX FP32", "ONNX INT8"]
    assert len({editor.info for editor in editors}) == 1
    assert json.loads(run.parity_file.read_text())["max_abs_difference"] < 1e-4
    rows = json.loads(run.benchmark_file.read_text())["rows"]
    assert rows[2]["bytes"] < 0.5 * rows[1]["bytes"]  # so small a network is mostly graph
    scores = run.read_scores()["step-000000004"]["scores"]
    assert {"frechet_efficientnet_lite0", "attribute_success"} <= {score["metric"] for score in scores}
    assert "fid" not in {score["metric"] for score in scores}

    before = run.read_steps()
    main([*small, "--language", "zh"])
    assert run.read_steps() == before
    assert "未测量" in run.report_file("zh", "html").read_text(encoding="utf-8")
