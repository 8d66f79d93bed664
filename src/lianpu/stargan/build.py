"""The generator that the settings name."""

from __future__ import annotations

from lianpu.stargan.config import ModelConfig
from lianpu.stargan.layers import LITE_CHANNELS
from lianpu.stargan.lite import LiteGenerator
from lianpu.stargan.networks import Generator

AnyGenerator = Generator | LiteGenerator
"""Both take a batch (B, 3, S, S) and labels (B, A) and give a batch (B, 3, S, S)."""


def build_generator(model: ModelConfig, attribute_count: int) -> AnyGenerator:
    """A generator with random weights, of the kind and size that `model` names."""
    if model.generator == "lite":
        return LiteGenerator(LITE_CHANNELS[model.lite_size], attribute_count, model.g_repeat_num, model.conditioning)
    return Generator(model.g_conv_dim, attribute_count, model.g_repeat_num)
