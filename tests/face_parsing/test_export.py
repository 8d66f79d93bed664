import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from lianpu.errors import ModelError
from lianpu.face_parsing.export import export_parser, with_half_weights
from lianpu.face_parsing.networks.small_network import SmallParser
from lianpu.face_parsing.runtime import METADATA_KEY
from lianpu.face_parsing.torch_parsers import PartsForm
from lianpu.models.sessions import open_session
from lianpu.part_names import PARTS


@pytest.fixture(scope="module")
def network() -> SmallParser:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SmallParser().eval()


@pytest.fixture(scope="module")
def file(network: SmallParser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    target = tmp_path_factory.mktemp("exported") / "parser.onnx"
    exported = export_parser(network, target, 64, {"licence": "for tests"}, pictures)
    assert exported.file == target and exported.agreement > 0.999
    return target


def test_the_file_gives_the_classes_of_the_network_for_any_batch(network: SmallParser, file: Path) -> None:
    batch = torch.rand(3, 3, 64, 64) * 2 - 1
    parts = open_session(file).run(None, {"image": batch.numpy()})[0]

    assert parts.dtype == np.uint8 and parts.shape == (3, 64, 64)
    with torch.inference_mode():
        assert np.mean(parts == PartsForm(network)(batch).numpy()) > 0.999


@pytest.mark.parametrize("side", [64, 96])
def test_shares_are_the_softmax_of_the_logits_at_any_size(network: SmallParser, file: Path, side: int) -> None:
    batch = torch.rand(1, 3, side, side) * 2 - 1
    with torch.inference_mode():
        logits = network(batch)[0]
    assert logits.shape == (1, len(PARTS), side // 2, side // 2)

    shares = open_session(file).run(["shares"], {"image": batch.numpy()})[0]

    assert shares.dtype == np.uint8
    expected = 255 * torch.softmax(logits, dim=1).numpy()
    assert np.abs(shares - expected).max() < 1.5  # weights of 16 bits, and rounding
    alone = open_session(file, outputs=["shares"])
    assert [output.name for output in alone.get_outputs()] == ["shares"]
    assert np.array_equal(alone.run(None, {"image": batch.numpy()})[0], shares)


def test_a_network_of_fixed_sizes_keeps_them(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def forward(self, image: torch.Tensor) -> tuple[torch.Tensor]:
            ramp = torch.linspace(0, 1, len(PARTS)).reshape(1, -1, 1, 1)
            pooled = nn.functional.interpolate(image.mean((2, 3), keepdim=True), size=(64, 64))
            return (ramp * (image + pooled).mean(1, keepdim=True),)

    exported = export_parser(Fixed().eval(), tmp_path / "fixed.onnx", 64, {}, torch.rand(1, 3, 64, 64))
    session = open_session(exported.file)
    assert session.get_inputs()[0].shape[2:] == [64, 64]
    assert [output.name for output in session.get_outputs()] == ["parts"]


def test_the_file_describes_itself_and_keeps_no_folder_of_this_machine(file: Path) -> None:
    entries = dict(open_session(file).get_modelmeta().custom_metadata_map)
    described = json.loads(entries[METADATA_KEY])

    assert described["parts"] == list(PARTS) and described["size_px"] == 64
    assert described["alignment"] == "celebamask-hq" and entries["licence"] == "for tests"
    assert str(Path(__file__).parents[2]).encode() not in file.read_bytes()


def test_weights_take_half_the_place(file: Path) -> None:
    parameters = sum(parameter.numel() for parameter in SmallParser().parameters())
    assert file.stat().st_size < parameters * 2 * 1.2


def test_values_that_do_not_fit_into_16_bits_stay_as_they_are() -> None:
    large = np.full(300, 1e6, np.float32)
    small = np.linspace(-1, 1, 300, dtype=np.float32)
    tensors = [onnx.numpy_helper.from_array(values, name) for name, values in (("large", large), ("small", small))]
    node = onnx.helper.make_node("Add", ["large", "small"], ["sum"])
    output = onnx.helper.make_tensor_value_info("sum", onnx.TensorProto.FLOAT, [300])
    model = onnx.helper.make_model(onnx.helper.make_graph([node], "g", [], [output], tensors), ir_version=10)
    with_half_weights(model)

    assert {tensor.name: tensor.data_type for tensor in model.graph.initializer} == {
        "large": onnx.TensorProto.FLOAT,
        "small_half": onnx.TensorProto.FLOAT16,
    }
    onnx.checker.check_model(model)


def test_a_network_whose_file_would_not_agree_is_not_written(tmp_path: Path) -> None:
    class Wide(nn.Module):
        """Two classes whose logits differ by less than 16 bits can tell."""

        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(2, 3, 1, 64) * torch.tensor([1.0, 1.0001])[:, None, None, None])

        def forward(self, batch: torch.Tensor) -> tuple[torch.Tensor]:
            return ((batch[:, None] * self.weight[None]).sum(dim=2),)

    with pytest.raises(ModelError, match=r"gives the class of PyTorch to .* of pixels only.*Nothing was written"):
        export_parser(Wide().eval(), tmp_path / "parser.onnx", 64, {}, torch.rand(1, 3, 64, 64))
    assert not list(tmp_path.iterdir())
