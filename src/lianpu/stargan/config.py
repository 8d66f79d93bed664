"""Which two networks, and their sizes; the names of losses and augmentations. Imports no torch: `lianpu train --help` is quick."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Variation = Literal["translation", "cutout", "light"]
"""The kinds of differentiable augmentation (`stargan/augment.py`)."""

Adversarial = Literal["wgan", "logistic", "relativistic"]
"""wgan: mean scores (Arjovsky et al. 2017, as published); logistic: softplus of scores (Goodfellow et al. 2014, non-saturating);
relativistic: softplus of the difference between a real and an edited face (R3GAN, Huang et al. 2024, arXiv:2501.05441)."""


class ModelConfig(BaseModel):
    """The `model:` section. Defaults are those of the published StarGAN (arXiv:1711.09020)."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=(), defer_build=True
    )

    generator: Literal["stargan", "lite"] = "stargan"
    """stargan: the published generator; lite: a fast one (25 times as fast on a CPU core in size M), sized by lite_size."""
    image_size: int = Field(default=256, ge=16, le=2048)
    """Side of the square faces in pixels; a multiple of 4 (lite: of 8)."""
    g_conv_dim: int = Field(default=64, ge=1, le=512)
    """Channels after the generator's first convolution; doubled by each of two downsamplings."""
    d_conv_dim: int = Field(default=64, ge=1, le=512)
    """Channels after the discriminator's first convolution; doubled by each further one."""
    g_repeat_num: int = Field(default=6, ge=0, le=64)
    """Residual blocks in the generator's bottleneck."""
    d_repeat_num: int = Field(default=6, ge=1, le=11)
    """Strided convolutions in the discriminator; each halves the picture."""
    lite_size: Literal["S", "M", "L"] = "M"
    """Channels of the lite generator after its first convolution: S 24, M 32, L 48."""
    conditioning: Literal["film", "planes"] = "film"
    """How labels enter the lite generator: film scales and shifts every norm; planes adds them to the picture, as published."""
    output: Literal["mask", "fields"] = "mask"
    """What the lite generator draws. mask: a change and where it applies; fields: a flow, colour transforms and gains of detail that can be applied to a
    photo at any size, and a small change and mask for the rest."""
    label_input: Literal["target", "difference"] = "target"
    """The generator's label input: the wanted labels, or their changes (1, -1, or 0 for as it is; STGAN)."""

    @field_validator("image_size")
    @classmethod
    def _multiple_of_4(cls, value: int) -> int:
        if value % 4:
            lower = value - value % 4
            raise ValueError(f"image_size {value} is not a multiple of 4, as two downsamplings need; take {lower} or {lower + 4}")
        return value

    @model_validator(mode="after")
    def _lite_fits(self) -> "ModelConfig":
        if self.output == "fields" and self.generator != "lite":
            raise ValueError("output fields is for the lite generator; set generator to lite or output to mask")
        if self.generator == "lite" and self.image_size % 8:
            lower = self.image_size - self.image_size % 8
            raise ValueError(
                f"image_size {self.image_size} is not a multiple of 8, as the lite generator needs; take {lower} or {lower + 8}"
            )
        return self
