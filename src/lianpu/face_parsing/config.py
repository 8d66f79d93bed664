"""The settings of a parser's training, and the two presets: the published recipe of BiSeNet, and ours of the small parser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lianpu.errors import SettingsError, nearest_name
from lianpu.settings import settings_problems


class ParserConfig(BaseModel):
    """All settings of a parser's training."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    network: Literal["bisenet", "small"] = "bisenet"
    """bisenet: BiSeNet on ResNet-18, 13 million parameters; small: 1.6 million on EfficientNet-Lite0."""
    start: Literal["imagenet", "random"] = "imagenet"
    """Where the encoder's weights start from."""
    sizes: tuple[int, ...] = (448,)
    """Sides of the training pictures in pixels, one stage after the other; multiples of 32."""
    stages: tuple[float, ...] = (1.0,)
    """The share of all steps that each stage takes."""
    num_iters: int = Field(default=80000, ge=1)
    """Training steps."""
    batch_size: int = Field(default=16, ge=1)
    """Faces per step."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """sgd with momentum 0.9, or adamw."""
    lr: float = Field(default=0.01, gt=0)
    """Highest learning rate."""
    encoder_lr_scale: float = Field(default=1.0, gt=0)
    """The encoder's learning rate, times `lr`."""
    weight_decay: float = Field(default=0.0005, ge=0)
    """Decay of convolution weights; norms and biases have none."""
    warmup_iters: int = Field(default=1000, ge=0)
    """Steps over which the learning rate rises."""
    lr_schedule: Literal["poly", "cosine"] = "poly"
    """poly: to zero by the power 0.9 of what is left; cosine: along half a cosine."""
    loss: Literal["ohem", "weighted_dice"] = "ohem"
    """ohem: cross-entropy over hard pixels; weighted_dice: cross-entropy weighted by frequency^-0.2, and Dice."""
    auxiliary_weight: float = Field(default=1.0, ge=0)
    """Weight of the auxiliary outputs' losses."""
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """Decay of the averaged weights that are scored and exported; 0 turns averaging off."""
    rare_parts: float = Field(default=0.0, ge=0, le=1)
    """0 draws all faces alike; 1 draws faces by the inverse of the frequency of their rarest part."""
    lay_on: float = Field(default=0.0, ge=0, le=1)
    """Chance that a face is given glasses, an earring, a necklace or a hat of another one."""
    seed: int = Field(default=0, ge=0)
    """All chance follows from this and the step."""
    workers: int = Field(default=2, ge=0)
    """Processes that prepare pictures; 0 prepares them in the training process."""
    checkpoint_every: int = Field(default=500, ge=1)
    """Steps between checkpoints; a stopped training resumes from the last one."""
    log_every: int = Field(default=20, ge=1)
    """Steps between lines of steps.jsonl."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1, mps."""

    @model_validator(mode="after")
    def _stages_fit(self) -> ParserConfig:
        if not self.sizes or len(self.sizes) != len(self.stages):
            raise ValueError(f"sizes has {len(self.sizes)} entries and stages {len(self.stages)}; give one share for each size")
        if abs(sum(self.stages) - 1) > 1e-6 or min(self.stages) <= 0:
            raise ValueError(f"stages add up to {sum(self.stages):g}; give shares above 0 that add up to 1")
        wrong = [size for size in self.sizes if size % 32 or size < 64]
        if wrong:
            raise ValueError(f"sizes {', '.join(map(str, wrong))}: give multiples of 32 from 64 on")
        return self

    def size_at(self, step: int) -> int:
        """The side of the pictures in a step (1 to num_iters)."""
        end = 0.0
        for size, share in zip(self.sizes, self.stages, strict=True):
            end += share * self.num_iters
            if step <= round(end):
                return size
        return self.sizes[-1]


PRESETS: dict[str, ParserConfig] = {
    "bisenet": ParserConfig(),
    "small": ParserConfig(
        network="small",
        sizes=(224, 320, 448),
        stages=(0.35, 0.41, 0.24),
        num_iters=2200,
        batch_size=8,
        optimizer="adamw",
        lr=0.002,
        encoder_lr_scale=0.5,
        weight_decay=0.02,
        warmup_iters=100,
        lr_schedule="cosine",
        loss="weighted_dice",
        auxiliary_weight=0.3,
        ema_decay=0.997,
        rare_parts=0.5,
        lay_on=0.35,
    ),
}
"""`bisenet` follows zllrunning/face-parsing.PyTorch (80,000 steps of 16 faces at 448 px, SGD, OHEM); `small` is ours, for a CPU."""


def parser_config(preset: str, changes: dict[str, Any]) -> ParserConfig:
    """A preset with some values changed. Raises SettingsError that names every problem."""
    if preset not in PRESETS:
        raise SettingsError(f"'{preset}' is no preset{nearest_name(preset, PRESETS)}. Known: {', '.join(PRESETS)}.")
    try:
        return ParserConfig.model_validate({**PRESETS[preset].model_dump(), **changes})
    except ValidationError as problem:
        raise SettingsError(f"command line: {settings_problems(problem, ParserConfig.model_fields)}.") from None


@dataclass(frozen=True)
class ParserRun:
    """A parser's training by its folder."""

    folder: Path

    @property
    def config_file(self) -> Path:
        return self.folder / "config.json"

    @property
    def steps_file(self) -> Path:
        return self.folder / "steps.jsonl"

    @property
    def parts_file(self) -> Path:
        return self.folder / "parts.json"

    @property
    def checkpoint_folder(self) -> Path:
        return self.folder / "checkpoint"

    @property
    def weights_file(self) -> Path:
        return self.folder / "parser.safetensors"

    @property
    def onnx_file(self) -> Path:
        return self.folder / "parser.onnx"

    def exists(self) -> bool:
        """Whether training has begun here."""
        return self.config_file.is_file()
