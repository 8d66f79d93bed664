"""The layer table counts what the networks hold."""

import pytest

from lianpu.stargan import networks
from lianpu.stargan.config import ModelConfig
from lianpu.stargan.layers import ModelSize, count_parameters, discriminator_layers, generator_layers
from lianpu.stargan.lite import build_generator


def test_published_sizes_have_the_published_counts() -> None:
    size = ModelSize(image_size=256, g_conv_dim=64, d_conv_dim=64, g_repeat_num=6, d_repeat_num=6, attribute_count=5)
    assert count_parameters(generator_layers(size)) == 8_430_528
    assert count_parameters(discriminator_layers(size)) == 44_884_928


@pytest.mark.parametrize(
    "size", [ModelSize(64, 8, 4, 2, 5, 3), ModelSize(100, 6, 4, 0, 3, 1), ModelSize(32, 4, 8, 1, 1, 7)], ids=str
)
def test_counts_and_outputs_are_those_of_the_networks(size: ModelSize) -> None:
    generator = networks.Generator(size.g_conv_dim, size.attribute_count, size.g_repeat_num)
    discriminator = networks.Discriminator(size.image_size, size.d_conv_dim, size.attribute_count, size.d_repeat_num)
    assert count_parameters(generator_layers(size)) == networks.count_parameters(generator)
    assert count_parameters(discriminator_layers(size)) == networks.count_parameters(discriminator)


def test_residual_blocks_are_one_row_and_none_when_there_are_none() -> None:
    with_blocks = [layer for layer in generator_layers(ModelSize(64, 8, 4, 4, 3, 2)) if layer.name == "ResBlock"]
    without = [layer for layer in generator_layers(ModelSize(64, 8, 4, 0, 3, 2)) if layer.name == "ResBlock"]
    assert [(layer.repeat, layer.side_px, layer.channels) for layer in with_blocks] == [(4, 16, 32)] and not without


@pytest.mark.parametrize("conditioning", ["film", "planes"])
@pytest.mark.parametrize("lite_size", ["S", "M", "L"])
@pytest.mark.parametrize("output", ["mask", "fields"])
def test_the_lite_generator_is_counted_too(lite_size: str, conditioning: str, output: str) -> None:
    settings = {"generator": "lite", "lite_size": lite_size, "conditioning": conditioning, "image_size": 64, "g_repeat_num": 3}
    settings["output"] = output
    built = build_generator(ModelConfig.model_validate(settings), 4)
    size = ModelSize(64, 64, 64, 3, 5, 4, "lite", lite_size, conditioning, output)
    layers = generator_layers(size)
    assert count_parameters(layers) == networks.count_parameters(built)
    assert layers[-1 if conditioning == "planes" else -2].side_px == 64
