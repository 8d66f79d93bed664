"""The rewritten layers compute what the layers they stand for compute."""

import pytest
import torch
from torch import nn

from lianpu.export.graph import BlockOutput, PhasedUpsampling, inference_form
from lianpu.stargan.networks import Generator


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (8, 8)])
def test_phased_upsampling_is_the_transposed_convolution(height: int, width: int) -> None:
    torch.manual_seed(0)
    transposed = nn.ConvTranspose2d(3, 5, 4, 2, 1, bias=False)
    x = torch.randn(2, 3, height, width)
    torch.testing.assert_close(PhasedUpsampling(transposed)(x), transposed(x))


def test_one_tap_lands_on_the_pixel_that_a_transposed_convolution_sends_it_to() -> None:
    transposed = nn.ConvTranspose2d(1, 1, 4, 2, 1, bias=False)
    with torch.no_grad():
        transposed.weight.zero_()
        transposed.weight[0, 0, 2, 3] = 1.0  # output row 2*0 - 1 + 2 = 1, column 2*0 - 1 + 3 = 2
    spread = PhasedUpsampling(transposed)(torch.ones(1, 1, 1, 2))
    assert spread[0, 0].tolist() == [[0, 0, 0, 0], [0, 0, 1, 0]]


def test_phased_upsampling_adds_no_weights() -> None:
    transposed = nn.ConvTranspose2d(8, 4, 4, 2, 1, bias=False)
    assert sum(p.numel() for p in PhasedUpsampling(transposed).parameters()) == transposed.weight.numel()


@pytest.mark.parametrize("size", [3, 7])
def test_block_output_is_the_convolution(size: int) -> None:
    torch.manual_seed(0)
    convolution = nn.Conv2d(4, 3, size, 1, size // 2, bias=False)
    x = torch.randn(2, 4, 12, 20)
    torch.testing.assert_close(BlockOutput(convolution)(x), convolution(x))


@pytest.mark.parametrize(("conv_dim", "side"), [(1, 20), (3, 16), (8, 36)])
def test_the_inference_form_of_a_generator_computes_the_same_at_any_width_and_side(conv_dim: int, side: int) -> None:
    torch.manual_seed(0)
    generator = Generator(conv_dim, 2, 1)
    x, labels = torch.rand(2, 3, side, side) * 2 - 1, torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    form = inference_form(generator)
    kinds = {type(layer) for layer in form.modules()}
    assert {PhasedUpsampling, BlockOutput} <= kinds and nn.ConvTranspose2d not in kinds
    with torch.no_grad():
        torch.testing.assert_close(form(x, labels), generator(x, labels), atol=1e-5, rtol=0)


def test_the_network_itself_is_left_as_it_was() -> None:
    generator = Generator(4, 2, 0).train()
    inference_form(generator)
    assert generator.training and any(isinstance(layer, nn.ConvTranspose2d) for layer in generator.modules())


def test_transposed_convolutions_of_another_kind_stay() -> None:
    network = nn.Sequential(nn.ConvTranspose2d(3, 8, 2, 2, 0))
    assert isinstance(inference_form(network)[0], nn.ConvTranspose2d)  # type: ignore[index]
