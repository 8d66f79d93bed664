from pathlib import Path

import onnx
import pytest
import torch
from torch import nn

from lianpu.attributes import AttributeSet
from lianpu.editors.editor import ModelInfo
from lianpu.export.onnx_export import export_generator
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.layers import LITE_CHANNELS
from lianpu.stargan.lite import Conditioning, LiteGenerator, build_generator
from lianpu.stargan.networks import count_parameters

SLOW_OPERATIONS = {"ConvTranspose", "Tile", "Gather", "GatherND", "GridSample", "Expand", "Loop", "If"}


@pytest.mark.parametrize(("size", "parameters"), [("S", 285_892), ("M", 494_340), ("L", 1_080_964)])
def test_the_sizes_have_the_parameters_that_the_documents_say(size: str, parameters: int) -> None:
    assert count_parameters(LiteGenerator(LITE_CHANNELS[size])) == parameters


@pytest.mark.parametrize("conditioning", ["film", "planes"])
@pytest.mark.parametrize("side_px", [32, 64, 72])
def test_a_picture_comes_out_as_large_as_it_went_in_and_in_range(conditioning: Conditioning, side_px: int) -> None:
    torch.manual_seed(0)
    generator = LiteGenerator(8, 3, 2, conditioning)
    edited, mask, fields = generator.draw(torch.rand(2, 3, side_px, side_px) * 2 - 1, torch.rand(2, 3).round())
    assert edited.shape == (2, 3, side_px, side_px) and mask.shape == (2, 1, side_px, side_px)
    assert fields is None and edited.abs().max() <= 1 and mask.min() >= 0 and mask.max() <= 1


def test_where_the_mask_is_closed_the_picture_is_untouched() -> None:
    generator = LiteGenerator(8, 3, 1)
    nn.init.zeros_(generator.leave.weight)
    nn.init.constant_(generator.leave.bias[3:], -100.0)  # type: ignore[index]
    picture = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.equal(generator(picture, torch.ones(1, 3)), picture)


def test_labels_reach_the_middle_of_the_picture_through_film_and_mostly_its_border_through_planes() -> None:
    middle_to_border = {}
    kinds: tuple[Conditioning, ...] = ("film", "planes")
    for conditioning in kinds:
        torch.manual_seed(0)
        generator = LiteGenerator(32, 5, 6, conditioning)
        picture = torch.rand(1, 3, 64, 64) * 2 - 1
        labels = torch.zeros(1, 5), torch.tensor([[0.0, 1.0, 0.0, 0.0, 1.0]])
        with torch.no_grad():
            one, other = (generator(picture, each) for each in labels)
        difference = (one - other).abs().mean(dim=(0, 1))
        middle_to_border[conditioning] = float(difference[16:48, 16:48].mean() / difference[:4].mean())
    assert middle_to_border["film"] > 1 > 2 * middle_to_border["planes"], middle_to_border


def test_train_mode_and_eval_mode_compute_the_same() -> None:
    torch.manual_seed(0)
    generator = LiteGenerator(8, 3, 1)
    picture, labels = torch.rand(2, 3, 32, 32), torch.rand(2, 3)
    assert torch.equal(generator.train()(picture, labels), generator.eval()(picture, labels))


def test_the_settings_choose_the_generator() -> None:
    model = ModelConfig(generator="lite", lite_size="S", image_size=64, g_repeat_num=2)
    generator = build_generator(model, 4)
    assert isinstance(generator, LiteGenerator) and len(generator.blocks) == 2
    with pytest.raises(ValueError, match="image_size 68 is not a multiple of 8, as the lite generator needs; take 64 or 72"):
        ModelConfig(generator="lite", image_size=68)


@pytest.mark.parametrize("conditioning", ["film", "planes"])
def test_the_onnx_file_has_no_operation_without_a_fast_kernel(tmp_path: Path, conditioning: Conditioning) -> None:
    torch.manual_seed(0)
    info = ModelInfo(AttributeSet.of(("Blond_Hair", "Male", "Young")), 64, label_input="difference")
    export = export_generator(LiteGenerator(24, 3, 2, conditioning), info, tmp_path / "lite.onnx")
    kinds = {node.op_type for node in onnx.load(str(export.file)).graph.node}
    allowed = SLOW_OPERATIONS - ({"Expand"} if conditioning == "planes" else set())
    assert not kinds & allowed, kinds
    assert export.parity.max_abs_difference < 1e-4
