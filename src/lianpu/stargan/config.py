"""The size of the two networks."""

from pydantic import BaseModel, ConfigDict, Field, field_validator


class ModelConfig(BaseModel):
    """The `model:` section. Defaults are those of the published StarGAN (arXiv:1711.09020)."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, protected_namespaces=())

    image_size: int = Field(default=256, ge=16)
    """Side of the square faces in pixels; a multiple of 4."""
    g_conv_dim: int = Field(default=64, ge=1)
    """Channels after the generator's first convolution; doubled by each of two downsamplings."""
    d_conv_dim: int = Field(default=64, ge=1)
    """Channels after the discriminator's first convolution; doubled by each further one."""
    g_repeat_num: int = Field(default=6, ge=0)
    """Residual blocks in the generator's bottleneck."""
    d_repeat_num: int = Field(default=6, ge=1)
    """Strided convolutions in the discriminator; each halves the picture."""

    @field_validator("image_size")
    @classmethod
    def _multiple_of_4(cls, value: int) -> int:
        if value % 4:
            lower = value - value % 4
            raise ValueError(f"image_size {value} is not a multiple of 4, as two downsamplings need; take {lower} or {lower + 4}")
        return value
