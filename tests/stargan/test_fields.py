"""Fields against the plain formula, and what a generator makes of them."""

from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.editors.editor import ModelInfo
from lianpu.editors.onnx_editor import OnnxEditor
from lianpu.errors import ModelError
from lianpu.export.onnx_export import export_generator
from lianpu.export.quantization import quantize_onnx
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.fields import Fields, apply_fields, blurred, moved, roughness
from lianpu.stargan.layers import BAND_SIGMAS, FIELD_NAMES
from lianpu.stargan.lite import LiteGenerator, build_generator, outputs_of

SIDE = 64


def _no_fields(count: int = 1) -> Fields:
    return Fields(
        torch.zeros(count, 2, SIDE // 4, SIDE // 4),
        torch.zeros(count, 12, SIDE // 4, SIDE // 4),
        torch.zeros(count, 2, SIDE // 4, SIDE // 4),
        torch.zeros(count, 3, SIDE // 2, SIDE // 2),
    )


def _picture() -> torch.Tensor:
    """Smooth colours with some detail, well within the range."""
    chance = torch.Generator().manual_seed(0)
    coarse = torch.nn.functional.interpolate(torch.rand(1, 3, 6, 6, generator=chance), size=(SIDE, SIDE), mode="bicubic")
    return (coarse - 0.5) * 0.8 + 0.05 * torch.randn(1, 3, SIDE, SIDE, generator=chance)


def test_fields_of_nothing_leave_the_picture() -> None:
    picture = _picture()
    torch.testing.assert_close(apply_fields(picture, _no_fields()), picture, atol=1e-6, rtol=0)


def test_a_flow_takes_colours_from_the_right_and_below() -> None:
    picture = _picture()
    flow = torch.zeros(1, 2, SIDE, SIDE)
    flow[:, 0], flow[:, 1] = 3 / SIDE, 2 / SIDE
    torch.testing.assert_close(moved(picture, flow)[:, :, 4:-8, 4:-8], picture[:, :, 6:-6, 7:-5], atol=1e-5, rtol=0)


def test_a_colour_transform_is_a_matrix_row_by_row_and_an_offset() -> None:
    picture, fields = _picture(), _no_fields()
    fields.colours[:, 1] = 0.5  # red takes half of green
    fields.colours[:, 11] = 0.1
    edited = apply_fields(picture, fields)
    torch.testing.assert_close(edited[:, 0], picture[:, 0] + 0.5 * picture[:, 1])
    torch.testing.assert_close(edited[:, 1], picture[:, 1])
    torch.testing.assert_close(edited[:, 2], picture[:, 2] + 0.1)


def test_a_gain_of_minus_one_removes_its_band() -> None:
    picture, fields = _picture(), _no_fields()
    fields.gains[:, 0] = -1
    soft = blurred(picture, BAND_SIGMAS[0] * SIDE)
    torch.testing.assert_close(apply_fields(picture, fields), soft, atol=1e-5, rtol=0)
    fields.gains[:, 1] = -1
    softer = blurred(picture, BAND_SIGMAS[1] * SIDE)
    torch.testing.assert_close(apply_fields(picture, fields), softer, atol=1e-5, rtol=0)


def test_where_networks_run_in_bfloat16_fields_are_applied_in_float32() -> None:
    picture, fields = _picture(), _no_fields()
    fields.gains[:, 0], fields.gains[:, 1] = -1, 0.5
    with torch.autocast("cpu", dtype=torch.bfloat16):
        edited = apply_fields(picture, fields)
    assert edited.dtype == torch.float32
    torch.testing.assert_close(edited, apply_fields(picture, fields), atol=1e-6, rtol=0)


@pytest.mark.parametrize("sigma", [0.6, 2.0, 9.0])
def test_the_blur_is_opencvs_with_a_mirrored_border(sigma: float) -> None:
    picture = _picture()
    size = 2 * max(1, int(4 * sigma + 0.5)) + 1
    expected = cv2.GaussianBlur(picture[0].permute(1, 2, 0).numpy(), (size, size), sigma, borderType=cv2.BORDER_REFLECT)
    np.testing.assert_allclose(blurred(picture, sigma)[0].permute(1, 2, 0).numpy(), expected, atol=2e-5)


def test_roughness_is_zero_for_even_fields_and_grows_with_steps() -> None:
    fields = _no_fields()
    fields.flow[:] = 0.02
    assert float(roughness(fields)) == 0.0
    fields.flow[:, :, 8:] = 0.03
    assert float(roughness(fields)) > 0


def test_a_new_generator_changes_little_and_all_of_it_learns() -> None:
    torch.manual_seed(0)
    generator = LiteGenerator(8, 3, 1, output="fields")
    picture, labels = _picture(), torch.tensor([[0.0, 1.0, 0.0]])
    fields = generator.fields(picture, labels)
    assert not fields.flow.any() and not fields.colours.any() and not fields.gains.any()
    optimizer = torch.optim.SGD(generator.parameters(), 0.1)
    for _ in range(2):  # the first step moves the heads alone, which begin with nothing
        optimizer.zero_grad()
        (generator(picture, labels) - 0.5).abs().mean().backward()
        optimizer.step()
    assert generator.field_head is not None
    learning = [name for name, parameter in generator.named_parameters() if parameter.grad is not None and parameter.grad.any()]
    assert {"field_head.mix.weight", "field_head.leave.weight", "leave.weight", "enter.0.weight"} <= set(learning)


def test_what_an_edit_does_to_all_faces_is_a_map_for_each_label_and_sign() -> None:
    generator = LiteGenerator(8, 3, 1, output="fields", cells=16)
    assert generator.field_head is not None
    with torch.no_grad():
        generator.field_head.usual[3 + 1, 2 + 11, :, :8] = 0.2  # what less of the second label adds to blue, on the left
    fewer, more = (generator.fields(_picture(), torch.tensor([[0.0, sign, 0.0]])) for sign in (-1.0, 1.0))
    columns = fewer.colours[0, 11, 0]
    assert columns[0] > 0.1 and not columns[-1] and not fewer.colours[0, :11].any() and not fewer.flow.any()
    assert not more.colours.any()
    half = generator.fields(_picture(), torch.tensor([[0.0, -0.5, 0.0]])).colours
    assert torch.allclose(2 * half, fewer.colours)


def test_the_settings_choose_fields_and_refuse_them_for_the_published_network() -> None:
    built = build_generator(ModelConfig(generator="lite", image_size=64, g_repeat_num=1, output="fields"), 3)
    assert outputs_of(built) == ("edited", "flow", "colours", "gains", "residual")
    assert outputs_of(build_generator(ModelConfig(image_size=64, g_conv_dim=4, g_repeat_num=0), 3)) == ("edited",)
    with pytest.raises(ValueError, match="output fields is for the lite generator"):
        ModelConfig(output="fields")
    with pytest.raises(ValueError, match="no fields"):
        LiteGenerator(8, 3, 1).fields(_picture(), torch.zeros(1, 3))


def trained_a_little(seed: int = 0) -> LiteGenerator:
    """A generator whose fields are not 0, as after training."""
    torch.manual_seed(seed)
    generator = LiteGenerator(8, 3, 1, output="fields")
    assert generator.field_head is not None
    with torch.no_grad():
        generator.field_head.leave.weight.normal_(0, 0.1)
    return generator.eval()


def test_one_file_gives_the_edited_face_and_its_fields_by_name(tmp_path: Path) -> None:
    generator = trained_a_little()
    info = ModelInfo(AttributeSet.of(("Blond_Hair", "Male", "Young")), SIDE, label_input="difference")
    export = export_generator(generator, info, tmp_path / "fields.onnx")
    assert export.parity.max_abs_difference < 1e-4
    editor = OnnxEditor(export.file, threads=1)
    assert editor.info.has_fields
    picture, labels = _picture(), np.array([[0.0, 1.0, 0.0]], dtype=np.float32)
    got = editor.fields_array(picture.numpy(), labels)
    with torch.no_grad():
        drawn = generator.draw(picture, torch.from_numpy(labels))
    assert drawn.fields is not None and float(drawn.fields.flow.abs().max()) > 0
    np.testing.assert_allclose(got["edited"], drawn.edited.numpy(), atol=1e-4)
    for name, field in zip(FIELD_NAMES, drawn.fields, strict=True):
        np.testing.assert_allclose(got[name], field.numpy(), atol=1e-4)
    np.testing.assert_array_equal(editor.edit_array(picture.numpy(), labels), got["edited"])


def test_a_file_without_fields_says_so(tmp_path: Path) -> None:
    info = ModelInfo(AttributeSet.of(("Blond_Hair", "Male", "Young")), SIDE)
    editor = OnnxEditor(export_generator(LiteGenerator(8, 3, 0), info, tmp_path / "mask.onnx").file, threads=1)
    assert not editor.info.has_fields
    with pytest.raises(ModelError, match=r"mask\.onnx gives an edited face and no fields"):
        editor.fields_array(_picture().numpy(), np.zeros((1, 3), dtype=np.float32))


def test_int8_keeps_the_heads_of_the_fields_in_float(drawn: Dataset, tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = LiteGenerator(8, 5, 1, output="fields")
    assert generator.field_head is not None
    with torch.no_grad():
        generator.field_head.leave.weight.normal_(0, 0.1)
    file = export_generator(generator.eval(), ModelInfo(drawn.attributes, 32), tmp_path / "model.onnx").file
    small = OnnxEditor(quantize_onnx(file, tmp_path / "model.int8.onnx", drawn.calibration(8)).file, threads=1)
    faces, labels = drawn.test.batch([0, 1])
    exact, rounded = (each.fields_array(faces.numpy(), labels) for each in (OnnxEditor(file, threads=1), small))
    assert small.kind == "ONNX INT8" and list(rounded) == ["edited", *FIELD_NAMES]
    for name in FIELD_NAMES:
        assert np.abs(exact[name] - rounded[name]).mean() < 0.1 * np.abs(exact[name]).max(), name
    nodes = {node.name: node.op_type for node in onnx.load(str(small.file)).graph.node}
    assert "DequantizeLinear" in nodes.values()
