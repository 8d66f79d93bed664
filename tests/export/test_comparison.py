"""The deployment table: what it holds, what it refuses, and the advice that follows."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import Editor, ModelInfo
from lianpu.errors import ModelError
from lianpu.export.comparison import advise, compare, compare_models
from lianpu.export.graph import describe
from lianpu.export.quantization import Quantization
from lianpu.export.timing import Timing, paired_speed
from lianpu.runs import Run


@pytest.fixture
def exported(run: Run, onnx_file: Path, int8: Quantization) -> Run:
    run.export_folder.mkdir()
    run.onnx_file.write_bytes(onnx_file.read_bytes())
    run.int8_file.write_bytes(int8.file.read_bytes())
    return run


def _score(editor: Editor) -> list[dict[str, Any]]:
    return [
        {"metric": "kind_length", "value": float(len(editor.kind)), "better": "lower", "transform": "overall", "protocol": {}}
    ]


def test_the_table_has_a_row_per_model_with_size_latency_scores_and_psnr(exported: Run, drawn: Dataset) -> None:
    comparison = compare_models(
        exported,
        [exported, exported.onnx_file, exported.int8_file],
        drawn.test,
        score=_score,
        threads=1,
        runs=5,
        command="lianpu compare RUN",
    )
    told = json.loads(exported.benchmark_file.read_text())
    assert told == json.loads(json.dumps(comparison.to_json()))
    pytorch, onnx, int8 = told["rows"]
    assert [row["model"] for row in told["rows"]] == ["PyTorch FP32", "ONNX FP32", "ONNX INT8"]
    assert [row["file"] for row in told["rows"]] == [
        "checkpoints/000000007/generator.safetensors",
        "export/model.onnx",
        "export/model.int8.onnx",
    ]
    assert [row["bytes"] for row in told["rows"]] == [(exported.folder / row["file"]).stat().st_size for row in told["rows"]]
    for row in told["rows"]:
        assert 0 < row["latency_ms_p10"] <= row["latency_ms"] <= row["latency_ms_p90"]
        assert row["times_pytorch"] == pytest.approx(pytorch["latency_ms"] / row["latency_ms"])
        assert row["scores"] == [_score_of(row["model"])]
    assert pytorch["psnr_to_fp32_db"] is None
    assert onnx["psnr_to_fp32_db"] > 80 > int8["psnr_to_fp32_db"] > 30
    assert (told["threads"], told["runs"], told["batch"], told["image_size"], told["command"]) == (
        1,
        5,
        1,
        32,
        "lianpu compare RUN",
    )
    assert told["cpu"] and told["cpu"] in told["advice"]


def _score_of(kind: str) -> dict[str, Any]:
    return {"metric": "kind_length", "value": float(len(kind)), "better": "lower", "transform": "overall", "protocol": {}}


def test_the_short_form_takes_folders_and_files_by_name(exported: Run, drawn: Dataset) -> None:
    comparison = compare(str(exported.folder), [str(exported.folder), str(exported.int8_file)], drawn.test)
    assert [row.model for row in comparison.rows] == ["PyTorch FP32", "ONNX INT8"]
    assert comparison.rows[0].scores == ()


def test_models_of_different_steps_or_labels_are_not_put_in_one_table(exported: Run, info: ModelInfo, drawn: Dataset) -> None:
    import onnx

    model = onnx.load_model(str(exported.onnx_file))
    for other, words in (
        (replace(info, step=9), r"is of step 9, run cafe0123; the PyTorch FP32 one of step 7"),
        (replace(info, image_size=64), r"at 64 px, the PyTorch FP32 one .* at 32 px\. Compare models of one run"),
    ):
        describe(model, other, "ONNX FP32", {})
        onnx.save_model(model, str(exported.onnx_file))
        with pytest.raises(ModelError, match=words):
            compare_models(exported, [exported, exported.onnx_file], drawn.test, runs=1)
    assert not exported.benchmark_file.exists()


def _rows(int8_ms: float, psnr: float, distance: float = 30.0) -> list[dict[str, Any]]:
    def row(model: str, ms: float, size: int, value: float, psnr: float | None) -> dict[str, Any]:
        score = {"metric": "fid", "value": value, "better": "lower"}
        return {"model": model, "latency_ms": ms, "bytes": size, "psnr_to_fp32_db": psnr, "scores": [score]}

    return [
        row("PyTorch FP32", 30, 400, 30, None),
        row("ONNX FP32", 20, 400, 30, 120),
        row("ONNX INT8", int8_ms, 100, distance, psnr),
    ]


def test_advice_ships_int8_where_it_is_faster_and_faithful() -> None:
    assert str(advise(_rows(10, 38), "A CPU", 2)) == (
        "Ship INT8 here: 2.00 times as fast as ONNX FP32 on A CPU with 2 threads, 25% of its size, PSNR 38.0 dB to FP32."
    )


def test_advice_names_a_distance_that_grew() -> None:
    assert str(advise(_rows(10, 38, distance=34), "A CPU", 1)).endswith(
        "But fid grows from 30 to 34: look at the pictures first."
    )
    assert "look at the pictures" not in str(advise(_rows(10, 38, distance=32), "A CPU", 1))


def test_advice_does_not_ship_int8_that_is_no_faster_or_not_faithful() -> None:
    assert str(advise(_rows(19, 38), "A CPU", 1)).startswith(
        "Do not ship INT8 here for speed: it is 1.05 times as fast as ONNX FP32"
    )
    assert str(advise(_rows(30, 38), "A CPU", 1)).startswith("Do not ship INT8 here for speed: it is 0.67 times")
    assert str(advise(_rows(10, 24.5), "A CPU", 1)).startswith(
        "Do not ship INT8: its edits are 24.5 dB from FP32's, where 30 is asked"
    )


def test_advice_says_when_int8_was_not_measured() -> None:
    assert "INT8 was not measured" in str(advise(_rows(10, 38)[:2], "A CPU", 1))


@pytest.mark.parametrize(("speed", "kind"), [((1.3, 1.4, 1.5), "ship"), ((1.0, 1.2, 1.4), "noisy"), ((0.9, 1.0, 1.05), "slow")])
def test_speed_counts_only_beyond_the_noise(speed: tuple[float, float, float], kind: str) -> None:
    rows = _rows(10, 38)
    rows[2]["times_float"] = speed
    advice = advise(rows, "A CPU", 1)
    assert advice.kind == kind and f"{speed[1]:.2f} ({speed[0]:.2f}–{speed[2]:.2f}) times as fast" in str(advice)


def test_the_interval_is_of_pairs_so_a_slow_moment_of_the_machine_does_not_widen_it() -> None:
    busy = np.random.default_rng(0).uniform(1, 5, 40)  # what else the machine did in each round
    of, against = (Timing(0, 0, 0, 40, tuple((busy * ms).tolist())) for ms in (10.0, 12.0))
    low, middle, high = paired_speed(of, against)
    assert abs(middle - 1.2) < 1e-9 and high - low < 1e-9
