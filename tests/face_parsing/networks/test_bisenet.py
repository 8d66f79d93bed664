"""BiSeNet with the names and shapes of the published 79999_iter.pth."""

from io import BytesIO
from pathlib import Path

import pytest
import torch
import torchvision
from torch.nn import functional

from lianpu.errors import WeightsError
from lianpu.face_parsing.networks.bisenet import BiSeNet, ResNet18, imagenet_input
from lianpu.face_parsing.torch_parsers import PartsForm

CONVOLUTIONS = """
cp.resnet.conv1 64 3 7 7
cp.resnet.layer1.0.conv1 64 64 3 3
cp.resnet.layer1.0.conv2 64 64 3 3
cp.resnet.layer1.1.conv1 64 64 3 3
cp.resnet.layer1.1.conv2 64 64 3 3
cp.resnet.layer2.0.conv1 128 64 3 3
cp.resnet.layer2.0.conv2 128 128 3 3
cp.resnet.layer2.0.downsample.0 128 64 1 1
cp.resnet.layer2.1.conv1 128 128 3 3
cp.resnet.layer2.1.conv2 128 128 3 3
cp.resnet.layer3.0.conv1 256 128 3 3
cp.resnet.layer3.0.conv2 256 256 3 3
cp.resnet.layer3.0.downsample.0 256 128 1 1
cp.resnet.layer3.1.conv1 256 256 3 3
cp.resnet.layer3.1.conv2 256 256 3 3
cp.resnet.layer4.0.conv1 512 256 3 3
cp.resnet.layer4.0.conv2 512 512 3 3
cp.resnet.layer4.0.downsample.0 512 256 1 1
cp.resnet.layer4.1.conv1 512 512 3 3
cp.resnet.layer4.1.conv2 512 512 3 3
cp.arm16.conv.conv 128 256 3 3
cp.arm16.conv_atten 128 128 1 1
cp.arm32.conv.conv 128 512 3 3
cp.arm32.conv_atten 128 128 1 1
cp.conv_head32.conv 128 128 3 3
cp.conv_head16.conv 128 128 3 3
cp.conv_avg.conv 128 512 1 1
ffm.convblk.conv 256 256 1 1
ffm.conv1 64 256 1 1
ffm.conv2 256 64 1 1
conv_out.conv.conv 256 256 3 3
conv_out.conv_out 19 256 1 1
conv_out16.conv.conv 64 128 3 3
conv_out16.conv_out 19 64 1 1
conv_out32.conv.conv 64 128 3 3
conv_out32.conv_out 19 64 1 1
"""
NORMS = """
cp.resnet.bn1 64
cp.resnet.layer1.0.bn1 64
cp.resnet.layer1.0.bn2 64
cp.resnet.layer1.1.bn1 64
cp.resnet.layer1.1.bn2 64
cp.resnet.layer2.0.bn1 128
cp.resnet.layer2.0.bn2 128
cp.resnet.layer2.0.downsample.1 128
cp.resnet.layer2.1.bn1 128
cp.resnet.layer2.1.bn2 128
cp.resnet.layer3.0.bn1 256
cp.resnet.layer3.0.bn2 256
cp.resnet.layer3.0.downsample.1 256
cp.resnet.layer3.1.bn1 256
cp.resnet.layer3.1.bn2 256
cp.resnet.layer4.0.bn1 512
cp.resnet.layer4.0.bn2 512
cp.resnet.layer4.0.downsample.1 512
cp.resnet.layer4.1.bn1 512
cp.resnet.layer4.1.bn2 512
cp.arm16.conv.bn 128
cp.arm16.bn_atten 128
cp.arm32.conv.bn 128
cp.arm32.bn_atten 128
cp.conv_head32.bn 128
cp.conv_head16.bn 128
cp.conv_avg.bn 128
ffm.convblk.bn 256
conv_out.conv.bn 256
conv_out16.conv.bn 64
conv_out32.conv.bn 64
"""
"""As model.py and resnet.py of zllrunning/face-parsing.PyTorch name them."""


def _published_shapes() -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {}
    for name, *sizes in (line.split() for line in CONVOLUTIONS.split("\n") if line):
        shapes[f"{name}.weight"] = tuple(map(int, sizes))
    for name, channels in (line.split() for line in NORMS.split("\n") if line):
        shapes |= {f"{name}.{what}": (int(channels),) for what in ("weight", "bias", "running_mean", "running_var")}
        shapes[f"{name}.num_batches_tracked"] = ()
    return shapes


@pytest.fixture(scope="module")
def network() -> BiSeNet:
    torch.manual_seed(0)
    return BiSeNet().eval()


def test_names_and_shapes_are_the_published_ones(network: BiSeNet) -> None:
    ours = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert ours == _published_shapes() and len(ours) == 191
    assert sum(tensor.numel() for tensor in network.state_dict().values() if tensor.is_floating_point()) == 13_313_088


def test_saved_as_torch_saved_in_2019_it_is_as_large_as_the_published_file(network: BiSeNet) -> None:
    stream = BytesIO()
    torch.save(network.state_dict(), stream, _use_new_zipfile_serialization=False)
    # What differs are the names that pickle gives to storages: a few bytes for each of the 191 tensors.
    assert abs(len(stream.getvalue()) - 53_289_463) < 191 * 60


def test_training_has_two_auxiliary_answers_of_the_input_s_size_and_use_has_none(network: BiSeNet) -> None:
    batch = torch.rand(2, 3, 64, 96) * 2 - 1
    with torch.inference_mode():
        (answer,) = network(batch)
        assert [tuple(each.shape) for each in BiSeNet()(batch)] == [(2, 19, 64, 96)] * 3
        assert torch.equal(PartsForm(network)(batch).long(), answer.argmax(1))


def test_the_batch_is_normalised_as_torchvision_does_it() -> None:
    values = torch.rand(1, 3, 4, 4)
    expected = torchvision.transforms.functional.normalize(values, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    torch.testing.assert_close(imagenet_input(values * 2 - 1), expected)


def test_resnet_agrees_with_torchvision_s() -> None:
    theirs = torchvision.models.resnet18(weights=None).eval()
    ours = ResNet18().eval()
    ours.load_state_dict({name: tensor for name, tensor in theirs.state_dict().items() if not name.startswith("fc.")})
    batch = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        features = theirs.layer1(theirs.maxpool(functional.relu(theirs.bn1(theirs.conv1(batch)))))
        expected8 = theirs.layer2(features)
        expected32 = theirs.layer4(theirs.layer3(expected8))
        features8, _, features32 = ours(batch)
    torch.testing.assert_close(features8, expected8)
    torch.testing.assert_close(features32, expected32)


def test_every_weight_learns_in_training() -> None:
    network = BiSeNet().train()
    answers = network(torch.rand(2, 3, 64, 64) * 2 - 1)
    torch.stack([functional.cross_entropy(answer, torch.randint(19, (2, 64, 64))) for answer in answers]).sum().backward()
    assert [name for name, weight in network.named_parameters() if weight.grad is None] == []


def test_a_start_from_imagenet_needs_its_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LIANPU_MODELS", "TORCH_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    with pytest.raises(
        WeightsError, match=r"resnet18-5c106cde\.pth .* is not on this machine.*lianpu models fetch resnet18-imagenet"
    ):
        BiSeNet(from_imagenet=True)
