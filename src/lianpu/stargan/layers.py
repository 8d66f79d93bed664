"""The layers of the two networks as the `model` settings make them: sizes and parameter counts by arithmetic, without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One line of the layer table: `repeat` equal layers, with sizes of the output and all their learned numbers."""

    name: str
    kernel: str
    channels: int
    side_px: int
    parameters: int
    repeat: int = 1


@dataclass(frozen=True)
class ModelSize:
    """The settings that fix both networks; the fields are those of the `model` section and the number of attributes A."""

    image_size: int
    g_conv_dim: int
    d_conv_dim: int
    g_repeat_num: int
    d_repeat_num: int
    attribute_count: int
    generator: str = "stargan"
    lite_size: str = "M"
    conditioning: str = "film"
    output: str = "mask"


LITE_CHANNELS = {"S": 24, "M": 32, "L": 48}
"""Channels of the lite generator after its first convolution, by the name of its size."""

GRID_STRIDE = 4
"""Pixels of the picture to one cell of the fields' grid, along a side."""
FIELD_CHANNELS = {"flow": 2, "colours": 12, "gains": 2}
"""Channels of each field on that grid (`stargan/fields.py`)."""
FIELD_HIDDEN = 32
FIELD_NAMES = (*FIELD_CHANNELS, "residual")
"""Outputs of a generator with fields besides `edited`, by name and in order."""
BAND_SIGMAS = (1.25 / 128, 4 / 128)
"""Blurs that part the bands of detail, in shares of the picture's side: fine detail is lost in the first, middle detail in the second."""


def generator_layers(size: ModelSize) -> tuple[Layer, ...]:
    """The generator's layers from picture to picture; convolutions have no bias, norms are affine.

    The published one is table 4 of arXiv:1711.09020 (`networks.Generator`), the lite one `lite.LiteGenerator`.
    """
    return _lite_layers(size) if size.generator == "lite" else _published_layers(size)


def _lite_layers(size: ModelSize) -> tuple[Layer, ...]:
    side, width = size.image_size // 2, LITE_CHANNELS[size.lite_size]
    planes = size.attribute_count if size.conditioning == "planes" else 0
    layers = [Layer("Conv + IN + ReLU", "6×6 ↓2", width, side, 36 * (3 + planes) * width + 2 * width)]
    for _ in range(2):
        side, width = side // 2, width * 2
        layers.append(Layer("Conv + IN + ReLU", "4×4 ↓2", width, side, 16 * (width // 2) * width + 2 * width))
    norms = 2 * size.g_repeat_num * width
    if size.g_repeat_num:
        block = 2 * (9 * width + width * width + 2 * width)
        layers.append(Layer("Separable ResBlock", "3×3, 1×1, twice", width, side, block * size.g_repeat_num, size.g_repeat_num))
    for _ in range(2):
        side, width = side * 2, width // 2
        norms += width
        layers.append(
            Layer(
                "Conv + bilinear ↑2 + IN + ReLU" if size.output == "fields" else "Bilinear ↑2 + Conv + IN + ReLU",
                "3×3",
                width,
                side,
                9 * (width * 2) * width + 2 * width,
            )
        )
    if size.output == "fields":
        channels, cells = sum(FIELD_CHANNELS.values()), size.image_size // GRID_STRIDE
        head = 9 * (2 * width + 3) * FIELD_HIDDEN + FIELD_HIDDEN + (FIELD_HIDDEN + 1) * channels
        layers.append(Layer("Conv + ReLU + Conv, fields", "3×3, 1×1", channels, side // 2, head))
        layers.append(
            Layer("Maps of the labels, fields", "linear", channels, cells, 2 * size.attribute_count * channels * cells**2)
        )
    drawn = "residual" if size.output == "fields" else "change"
    layers.append(Layer(f"Conv, {drawn} and mask, bilinear ↑2", "3×3", 4, size.image_size, 9 * width * 4 + 4))
    if size.conditioning == "film":
        layers.append(Layer("FiLM of the labels", "linear", 2 * norms, 1, 2 * norms * (size.attribute_count + 1)))
    return tuple(layers)


def _published_layers(size: ModelSize) -> tuple[Layer, ...]:
    side, width = size.image_size, size.g_conv_dim
    layers = [Layer("Conv + IN + ReLU", "7×7", width, side, 49 * (3 + size.attribute_count) * width + 2 * width)]
    for _ in range(2):
        side, width = side // 2, width * 2
        layers.append(Layer("Conv + IN + ReLU", "4×4 ↓2", width, side, 16 * (width // 2) * width + 2 * width))
    if size.g_repeat_num:
        block = 2 * (9 * width * width + 2 * width)
        layers.append(Layer("ResBlock", "3×3, 3×3", width, side, block * size.g_repeat_num, size.g_repeat_num))
    for _ in range(2):
        side, width = side * 2, width // 2
        layers.append(Layer("ConvTranspose + IN + ReLU", "4×4 ↑2", width, side, 16 * (width * 2) * width + 2 * width))
    layers.append(Layer("Conv + Tanh", "7×7", 3, side, 49 * width * 3))
    return tuple(layers)


def discriminator_layers(size: ModelSize) -> tuple[Layer, ...]:
    """The discriminator's layers (arXiv:1711.09020, table 5): strided convolutions with bias, then the two heads without."""
    side, width, before = size.image_size, size.d_conv_dim, 3
    layers = []
    for _ in range(size.d_repeat_num):
        side //= 2
        layers.append(Layer("Conv + LeakyReLU", "4×4 ↓2", width, side, 16 * before * width + width))
        before, width = width, width * 2
    layers.append(Layer("PatchGAN (D_src)", "3×3", 1, side, 9 * before))
    kernel = size.image_size // 2**size.d_repeat_num
    layers.append(Layer("D_cls", f"{kernel}×{kernel}", size.attribute_count, 1, kernel * kernel * before * size.attribute_count))
    return tuple(layers)


def count_parameters(layers: tuple[Layer, ...]) -> int:
    """How many numbers the layers learn together."""
    return sum(layer.parameters for layer in layers)
