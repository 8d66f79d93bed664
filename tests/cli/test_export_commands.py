"""`lianpu export`, `quantize`, `compare` and `bench infer`, as a user types them."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from safetensors.torch import save_file

from lianpu.cli.main import main
from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import FieldEditor
from lianpu.editors.loading import load_editor
from lianpu.errors import RunError
from lianpu.export.graph import opset_of
from lianpu.files import read_json, write_json
from lianpu.runs import Run
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.lite import LiteGenerator, build_generator
from lianpu.stargan.networks import Discriminator, Generator
from lianpu.training.config import RunConfig
from lianpu.training.record import new_record, write_record

MODEL = ModelConfig(image_size=32, g_conv_dim=16, g_repeat_num=1, d_repeat_num=5)


@pytest.fixture
def run(tmp_path: Path, drawn: Dataset) -> Run:
    """A run of two checkpoints, as training leaves it."""
    run = Run(tmp_path / "run")
    run.folder.mkdir()
    record = new_record(RunConfig(model=MODEL), drawn, drawn.folder, "lianpu train")
    write_record(run, record)
    for step in (5, 10):
        torch.manual_seed(step)
        checkpoint = run.checkpoint(step)
        checkpoint.folder.mkdir(parents=True)
        save_file(Generator(16, 5, 1).state_dict(), checkpoint.generator_file)
        save_file(Discriminator(32, 64, 5, 5).state_dict(), checkpoint.discriminator_file)
        state = {"step": step, "info": record.model_info(step).to_json(), "model": MODEL.model_dump()}
        write_json(checkpoint.state_file, state)
    return run


@pytest.fixture
def fields_run(tmp_path: Path, drawn: Dataset) -> Run:
    """A run whose network gives fields."""
    run = Run(tmp_path / "fields")
    run.folder.mkdir()
    model = ModelConfig(
        generator="lite", lite_size="S", output="fields", label_input="difference", image_size=32, g_repeat_num=1, d_repeat_num=3
    )
    record = new_record(RunConfig(model=model), drawn, drawn.folder, "lianpu train")
    write_record(run, record)
    generator = build_generator(model, 5)
    assert isinstance(generator, LiteGenerator) and generator.field_head is not None
    torch.manual_seed(0)
    torch.nn.init.normal_(generator.field_head.leave.weight, 0.0, 0.02)
    checkpoint = run.checkpoint(3)
    checkpoint.folder.mkdir(parents=True)
    save_file(generator.state_dict(), checkpoint.generator_file)
    save_file(Discriminator(32, 64, 5, 3).state_dict(), checkpoint.discriminator_file)
    write_json(checkpoint.state_file, {"step": 3, "info": record.model_info(3).to_json(), "model": model.model_dump()})
    return run


@pytest.mark.slow
def test_an_editor_with_fields_goes_through_every_command(fields_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(fields_run.folder)
    main(["export", folder, "--float16"])
    main(["quantize", folder, "--calibration-faces", "8"])
    main(["compare", folder, "--no_scores", "--runs", "2", "--threads", "1"])
    main(["bench", "infer", folder, "--runs", "2", "--threads", "1"])
    kinds = ("PyTorch FP32", "ONNX FP32", "ONNX float16", "ONNX INT8")
    said = " ".join(capsys.readouterr().out.split())
    assert all(kind in said for kind in kinds)
    for file, kind in zip((fields_run.onnx_file, fields_run.float16_file, fields_run.int8_file), kinds[1:], strict=True):
        editor = load_editor(file)
        assert editor.kind == kind and editor.info.has_fields and isinstance(editor, FieldEditor)
        face, change = np.zeros((1, 3, 32, 32), dtype=np.float32), np.ones((1, 5), dtype=np.float32)
        assert {name: values.shape[1] for name, values in editor.fields_array(face, change).items()} == {
            "edited": 3,
            "flow": 2,
            "colours": 12,
            "gains": 2,
            "residual": 3,
        }
    main(["evaluate", folder, "--metrics", "fid", "--features", "efficientnet-lite0", "--max-faces", "8"])
    main(["report", folder])
    page = fields_run.report_file("en", "html").read_text(encoding="utf-8")
    assert "ONNX float16" in page


def _fail(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("lianpu: ") and error.count("\n") == 1
    return error


def test_from_checkpoint_to_table(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run.folder)
    main(["export", folder, "--checkpoint", "5"])
    said = " ".join(capsys.readouterr().out.split())
    assert "opset 18, any batch size" in said and "(limit 1e-04) on 12 faces" in said and "Next: lianpu quantize" in said
    assert load_editor(run.onnx_file).info.step == 5

    main(["quantize", folder, "--calibration-faces", "8", "--method", "percentile"])
    said = " ".join(capsys.readouterr().out.split())
    assert (
        "of the float file" in said
        and "PSNR against the float model on" in said
        and "Calibrated on 8 train faces (percentile)" in said
    )

    main(["compare", folder, "--no_scores", "--runs", "3", "--threads", "1"])
    said = " ".join(capsys.readouterr().out.split())
    assert "PyTorch FP32" in said and "ONNX INT8" in said and "1 thread" in said and "INT8" in said.rpartition("┘")[2]
    assert run.benchmark_file.is_file()


def test_an_older_opset_is_written_and_said_or_refused(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", str(run.folder), "--opset", "17"])
    assert "opset 17, any batch size" in " ".join(capsys.readouterr().out.split())
    assert opset_of(onnx.load(run.onnx_file)) == 17 and read_json(run.parity_file, RunError)["opset"] == 17
    assert "Opset 9 cannot be written: torch's exporter writes 18" in _fail(capsys, "export", str(run.folder), "--opset", "9")
    assert opset_of(onnx.load(run.onnx_file)) == 17, "a refused export leaves the file"


def test_float16_halves_the_file_and_loads_as_any_editor(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["export", str(run.folder), "--float16"])
    said = " ".join(capsys.readouterr().out.split())
    assert "model.float16.onnx" in said and "(limit 2e-02) on 12 faces" in said
    assert run.float16_file.stat().st_size < 0.6 * run.onnx_file.stat().st_size
    exact, rounded = load_editor(run.onnx_file), load_editor(run.float16_file)
    assert rounded.kind == "ONNX float16" and rounded.info == exact.info
    main(["compare", str(run.folder), "--no_scores", "--runs", "2", "--threads", "1"])
    assert "ONNX float16" in " ".join(capsys.readouterr().out.split())
    main(["export", str(run.folder)])
    assert not run.float16_file.exists(), "it was of the older export"


def test_quantize_exports_first_when_nothing_was(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["quantize", str(run.folder), "--calibration-faces", "4"])
    assert load_editor(run.onnx_file).info.step == load_editor(run.int8_file).info.step == 10
    assert run.parity_file.is_file() and run.quantization_file.is_file()


def test_what_cannot_be_done_is_said_in_one_line(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(run.folder)
    assert "no checkpoint of step 6. It has: 5, 10." in _fail(capsys, "export", folder, "--checkpoint", "6")
    assert "is no run folder" in _fail(capsys, "export", str(tmp_path / "nothing"))
    assert "--calibration-faces is 0. Give at least 1" in _fail(capsys, "quantize", folder, "--calibration-faces", "0")
    assert "--runs is 0. Give at least 1." in _fail(capsys, "compare", folder, "--runs", "0")
    assert "--image-size 132 is not a multiple of 8" in _fail(capsys, "bench", "infer", "--image-size", "132")
    assert "give at least 1" in _fail(capsys, "bench", "infer", "--threads", "0")
    assert "'lite-X' is no generator" in _fail(capsys, "bench", "infer", "--generators", "lite-X")


def test_bench_infer_prints_ratios_of_a_run(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    main(["bench", "infer", str(run.folder), "--runs", "2", "--threads", "1"])
    said = capsys.readouterr().out
    assert "32 px, one face" in " ".join(said.split()) and "GMACs" in said
    for word in ("PyTorch eager", "ONNX FP32", "ONNX INT8", "stargan", run.folder.name, "was not scored yet"):
        assert word in said


def test_a_run_is_written_in_the_published_form_and_edits_alike(
    run: Run, drawn: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["export", str(run.folder), "--published"])
    generator_file, discriminator_file = (run.export_folder / name for name in ("10-G.ckpt", "10-D.ckpt"))
    assert str(generator_file) in capsys.readouterr().out
    assert "conv2.weight" in torch.load(discriminator_file, weights_only=True)
    published = load_editor(generator_file, "cpu", attributes=drawn.attributes, image_size=32)
    faces, labels = drawn.test.batch([0, 1])
    torch.testing.assert_close(published.edit(faces, labels), load_editor(run, "cpu").edit(faces, labels))


def test_a_search_of_a_file_without_faces_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert "needs labelled faces: give their folder with --data-dir" in _fail(capsys, "quantize", "lite", "--search")
