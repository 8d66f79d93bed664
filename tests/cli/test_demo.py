"""The small story end to end: every stage through its command, on drawn faces."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.cli import demo
from lianpu.cli.demo import (
    SHEET_PX,
    DemoArguments,
    demo_config,
    edited_large,
    fetch_face_models,
    held_out_portraits,
    transforms_sheet,
)
from lianpu.cli.main import main
from lianpu.editors.checkpoint_editor import CheckpointEditor
from lianpu.editors.editor import ModelInfo
from lianpu.editors.loading import load_editor
from lianpu.faces.analyzer import load_landmarks
from lianpu.faces.mesh import MeshReader
from lianpu.models.store.conversion import has_onnx
from lianpu.models.table import MODEL_FILES
from lianpu.part_names import PART_INDEX
from lianpu.photo.reading import read_image
from lianpu.runs import Run, open_run
from lianpu.stargan.layers import FIELD_NAMES
from lianpu.stargan.lite import LiteGenerator
from tests.conftest import ATTRIBUTES


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
    large, report, models = capsys.readouterr().out.splitlines()
    assert (
        large.startswith("Edits, large: ")
        and report.startswith("The report: ")
        and models.startswith("Without MediaPipe's face models: ")
    )


def test_the_generator_is_the_lite_one_unless_the_published_one_is_asked_for() -> None:
    lite, stargan = demo_config(DemoArguments()), demo_config(DemoArguments(generator="stargan"))
    assert (lite.model.generator, lite.model.output, lite.training.teacher, lite.training.num_iters) == (
        "lite",
        "fields",
        "drawn",
        600,
    )
    assert (stargan.model.generator, stargan.model.g_conv_dim, stargan.training.teacher) == ("stargan", 16, "")
    assert stargan.training.num_iters == 500 and demo_config(DemoArguments(num_iters=7)).training.num_iters == 7


def test_edits_are_shown_at_four_times_the_size_and_stay_within_the_hair() -> None:
    torch.manual_seed(0)
    generator = LiteGenerator(8, 5, 0, output="fields")
    assert generator.field_head is not None
    with torch.no_grad():
        generator.leave.bias[3:] = -50  # type: ignore[index]
        generator.field_head.leave.bias[11:14] += 0.5  # type: ignore[index]
    info = ModelInfo(AttributeSet.of(ATTRIBUTES), 64, label_input="difference", outputs=("edited", *FIELD_NAMES))
    portrait = next(one for one in held_out_portraits(DemoArguments()) if not one.attributes["Blond_Hair"])
    assert portrait.picture.shape == (SHEET_PX, SHEET_PX, 3)
    change = edited_large(portrait, CheckpointEditor(generator, info, torch.device("cpu")), {"Blond_Hair": True}).astype(int)
    change -= portrait.picture
    hair = portrait.mask == PART_INDEX["hair"]
    assert change[hair].mean() > 10 > 5 * np.abs(change[portrait.mask == PART_INDEX["nose"]]).mean()


def test_the_transforms_edit_drawn_faces_that_have_a_mesh(mediapipe_models: Path) -> None:
    reader = load_landmarks("mesh")
    assert isinstance(reader, MeshReader)
    portraits = held_out_portraits(DemoArguments())[:1]
    sheet = transforms_sheet(portraits, reader)
    own, *edits = np.array_split(sheet[:, : 4 * (sheet.shape[1] // 4)], 4, axis=1)
    assert all(np.abs(edit.astype(int) - own[:, : edit.shape[1]]).mean() > 1 for edit in edits)


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["lite", "stargan"])
def test_the_demo_goes_through_every_stage_and_a_second_call_through_none_of_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], generator: str
) -> None:
    monkeypatch.setenv("LIANPU_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    small = [
        "demo",
        "--generator",
        generator,
        "--run-dir",
        "runs/demo",
        "--faces",
        "120",
        "--num_iters",
        "4",
        "--image-size",
        "32",
        "--device",
        "cpu",
    ]
    main(small)
    run = open_run("runs/demo")
    page = run.report_file("en", "html")
    assert f"The report: {page}\n" in capsys.readouterr().out
    assert "http" not in page.read_text(encoding="utf-8").split("</style>")[0].replace("http-equiv", "")
    assert run.report_file("en", "md").is_file()
    assert read_image(run.large_edits_file).shape[1] > 6 * SHEET_PX and "samples/edits-large.png" in page.read_text(
        encoding="utf-8"
    )

    editors = [load_editor(source) for source in (run, run.onnx_file, run.int8_file)]
    assert [editor.kind for editor in editors] == ["PyTorch FP32", "ONNX FP32", "ONNX INT8"]
    assert len({editor.info for editor in editors}) == 1
    assert json.loads(run.parity_file.read_text())["max_abs_difference"] < 1e-4
    rows = json.loads(run.benchmark_file.read_text())["rows"]
    assert rows[2]["bytes"] < (0.5 if generator == "stargan" else 1) * rows[1]["bytes"]  # so small a network is mostly graph
    scores = run.read_scores()["step-000000004"]["scores"]
    assert {"frechet_efficientnet_lite0", "attribute_success"} <= {score["metric"] for score in scores}
    assert "fid" not in {score["metric"] for score in scores}

    before = run.read_steps()
    main([*small, "--language", "zh"])
    assert run.read_steps() == before
    assert "未测量" in run.report_file("zh", "html").read_text(encoding="utf-8")
