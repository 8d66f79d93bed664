"""The INT8 model: small, close to FP32, self-describing, and refused where it cannot be made."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.errors import ModelError
from lianpu.export import quantization
from lianpu.export.channel_ranges import equalize_channels
from lianpu.export.comparison import compare_edits
from lianpu.export.quantization import Quantization, QuantizationSettings, quantize, quantize_onnx, quantize_run
from lianpu.models.sessions import open_session
from lianpu.runs import Run


def test_the_int8_file_is_about_a_quarter_of_the_float_file(int8: Quantization, onnx_file: Path) -> None:
    assert int8.bytes == int8.file.stat().st_size < 0.3 * onnx_file.stat().st_size
    assert int8.bytes_fp32 == onnx_file.stat().st_size


def test_every_convolution_is_int8_and_none_is_transposed(int8: Quantization) -> None:
    model = onnx.load_model(str(int8.file))
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    made_by = {output: node for node in model.graph.node for output in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    for node in convolutions:
        quantized = weights[made_by[node.input[1]].input[0]]
        assert quantized.data_type == onnx.TensorProto.INT8
        assert made_by[node.input[0]].op_type == "DequantizeLinear"
    # 3 down, 2 in the block, 4 phases for each of 2 upsamplings, 1 to the picture
    assert len(convolutions) == int8.quantized == 14
    assert "ConvTranspose" not in int8.kept_float


def test_int8_edits_are_close_to_float_edits(int8: Quantization, onnx_file: Path, drawn: Dataset) -> None:
    fidelity = compare_edits(OnnxEditor(int8.file), OnnxEditor(onnx_file), drawn.test)
    assert 30 < fidelity.worst_db <= fidelity.psnr_db < 80


def test_equalized_channels_compute_the_same_and_span_one_range(onnx_file: Path, drawn: Dataset, tmp_path: Path) -> None:
    batch, labels = drawn.train.batch(range(6))
    feed = {"image": batch.numpy(), "labels": labels}
    equal = equalize_channels(onnx.load_model(str(onnx_file)), [feed])
    onnx.save_model(equal, str(tmp_path / "equal.onnx"))
    before, after = OnnxEditor(onnx_file).edit(batch, labels), OnnxEditor(tmp_path / "equal.onnx").edit(batch, labels)
    torch.testing.assert_close(before, after, atol=2e-3, rtol=0)

    names = [node.input[0] for node in equal.graph.node if node.op_type == "InstanceNormalization"]
    equal.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    onnx.save_model(equal, str(tmp_path / "watched.onnx"))
    values = open_session(tmp_path / "watched.onnx").run(names, feed)
    assert len(values) == 7
    for value in values:
        lows, highs = value.min(axis=(0, 2, 3)), value.max(axis=(0, 2, 3))
        np.testing.assert_allclose(highs, highs[0], rtol=1e-3)
        np.testing.assert_allclose(lows, -highs, rtol=1e-2, atol=1e-2 * highs[0])


def test_equalizing_brings_the_edits_nearer_to_float(int8: Quantization, onnx_file: Path, drawn: Dataset, tmp_path: Path) -> None:
    plain = quantize_onnx(onnx_file, tmp_path / "plain.onnx", drawn.calibration(8), QuantizationSettings(equalize=False))
    float_editor = OnnxEditor(onnx_file)
    with_it = compare_edits(OnnxEditor(int8.file), float_editor, drawn.test)
    without = compare_edits(OnnxEditor(plain.file), float_editor, drawn.test)
    assert with_it.psnr_db > without.psnr_db + 1


@pytest.mark.parametrize("method", ["moving_average", "percentile", "entropy"])
def test_every_method_gives_a_model_that_edits(
    method: quantization.Method, onnx_file: Path, drawn: Dataset, tmp_path: Path
) -> None:
    made = quantize_onnx(onnx_file, tmp_path / "m.onnx", drawn.calibration(5), QuantizationSettings(method=method))
    assert compare_edits(OnnxEditor(made.file), OnnxEditor(onnx_file), drawn.test).psnr_db > 20
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]


def test_the_same_faces_and_seed_give_the_same_file(onnx_file: Path, int8: Quantization, drawn: Dataset, tmp_path: Path) -> None:
    again = quantize_onnx(onnx_file, tmp_path / "again.onnx", drawn.calibration(8))
    assert again.file.read_bytes() == int8.file.read_bytes()


def test_the_int8_file_describes_itself(int8: Quantization, info: ModelInfo) -> None:
    editor = OnnxEditor(int8.file)
    assert (editor.kind, editor.info) == ("ONNX INT8", info)
    entries = {entry.key: entry.value for entry in onnx.load_model(str(int8.file)).metadata_props}
    assert json.loads(entries["lianpu"])["quantization"]["calibration_faces"] == 8


@pytest.mark.parametrize(("exact", "bits", "why"), [(True, 127, "exactly"), (False, 63, "no VNNI or AMX")])
def test_weights_keep_to_7_bits_where_the_cpu_saturates(
    exact: bool, bits: int, why: str, onnx_file: Path, drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quantization, "has_int8_dot_product", lambda: exact)
    made = quantize_onnx(onnx_file, tmp_path / "m.onnx", drawn.calibration(2))
    tensors = [
        tensor for tensor in onnx.load_model(str(made.file)).graph.initializer if tensor.data_type == onnx.TensorProto.INT8
    ]
    largest = max(int(np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max()) for tensor in tensors)
    assert bits <= largest <= bits + 1
    assert made.reduce_range is not exact and why in made.why


def test_progress_reaches_its_total_and_never_passes_it(onnx_file: Path, drawn: Dataset, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    quantize_onnx(
        onnx_file, tmp_path / "m.onnx", drawn.calibration(6), on_progress=lambda done, total: seen.append((done, total))
    )
    assert seen == [(4, 12), (6, 12), (10, 12), (12, 12)]


def test_quantizing_a_run_leaves_the_model_and_its_facts(run: Run, onnx_file: Path, drawn: Dataset) -> None:
    run.export_folder.mkdir()
    run.onnx_file.write_bytes(onnx_file.read_bytes())
    run.benchmark_file.write_text("of an older model")
    assert quantize(run.onnx_file, drawn.calibration(4)) == run.int8_file
    told = json.loads(run.quantization_file.read_text())
    assert told["calibration_faces"] == 4 and told["calibration_split"] == "train" and told["method"] == "minmax"
    assert told["bytes"] == run.int8_file.stat().st_size and told["bytes_fp32"] == run.onnx_file.stat().st_size
    assert told["kept_in_float"]["InstanceNormalization"] == 7 and told["convolutions_in_int8"] == 14
    assert not run.benchmark_file.exists()


def test_a_model_outside_a_run_is_quantized_beside_itself(onnx_file: Path, drawn: Dataset, tmp_path: Path) -> None:
    source = tmp_path / "editor.onnx"
    source.write_bytes(onnx_file.read_bytes())
    assert quantize(source, drawn.calibration(2)) == tmp_path / "editor.int8.onnx"
    assert {file.name for file in tmp_path.iterdir()} == {"editor.onnx", "editor.int8.onnx"}


def test_what_cannot_be_quantized_is_refused_in_words(
    int8: Quantization, onnx_file: Path, drawn: Dataset, tmp_path: Path, run: Run
) -> None:
    faces = drawn.calibration(2)
    target = tmp_path / "out.onnx"
    cut = tmp_path / "cut.onnx"
    cut.write_bytes(onnx_file.read_bytes()[:5000])
    other_size, other_labels = replace(faces, image_size=64), replace(faces, attributes=AttributeSet.of(("Male", "Young")))
    for source, chosen, words in (
        (int8.file, faces, "is ONNX INT8 already. Quantize the float model"),
        (cut, faces, "cannot be loaded as ONNX"),
        (tmp_path / "none.onnx", faces, "is not there"),
        (onnx_file, faces.subset([]), "without calibration faces, and there are none"),
        (onnx_file, other_size, "edits 32 px, but the calibration faces have 64 px"),
        (onnx_file, other_labels, "but the calibration faces are labelled Male, Young"),
    ):
        with pytest.raises(ModelError, match=words) as caught:
            quantize_onnx(source, target, chosen)
        assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match=r"model\.onnx is not there"):
        quantize_run(run, faces)
    assert not target.exists()


def test_a_model_that_was_good_survives_a_failed_quantization(
    onnx_file: Path, drawn: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model.int8.onnx"
    target.write_bytes(b"the good one")

    def open_only_the_source(file: Path) -> object:
        if file != onnx_file:
            raise ModelError("stopped")
        return open_session(file)

    monkeypatch.setattr(quantization, "open_session", open_only_the_source)
    with pytest.raises(ModelError, match="stopped"):
        quantize_onnx(onnx_file, target, drawn.calibration(2))
    assert [file.name for file in tmp_path.iterdir()] == ["model.int8.onnx"]
    assert target.read_bytes() == b"the good one"
