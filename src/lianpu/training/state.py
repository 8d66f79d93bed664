"""Everything that training changes, made once and then updated in place."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch

from lianpu.stargan.config import ModelConfig
from lianpu.stargan.lite import AnyGenerator, build_generator
from lianpu.stargan.networks import Discriminator
from lianpu.stargan.projected import ProjectedDiscriminator
from lianpu.training.config import TrainingConfig


@dataclass
class Projected:
    """The projected discriminator and its Adam with its moments."""

    discriminator: ProjectedDiscriminator
    optimizer: torch.optim.Adam


@dataclass
class TrainingState:
    """Networks, optimizers and counters after `step` steps.

    Args:
        generator, discriminator: as trained.
        averaged: the generator's moving average, or None when averaging is off.
        generator_optimizer, discriminator_optimizer: Adam with its moments.
        projected: a second discriminator on frozen features, with its optimizer; None where loss.lambda_projected is 0.
        step: discriminator steps done.
        generator_steps: generator steps done.
        seconds: time spent training, over all resumes.
    """

    generator: AnyGenerator
    discriminator: Discriminator
    averaged: AnyGenerator | None
    generator_optimizer: torch.optim.Adam
    discriminator_optimizer: torch.optim.Adam
    projected: Projected | None = None
    step: int = 0
    generator_steps: int = 0
    seconds: float = 0.0

    @property
    def shown(self) -> AnyGenerator:
        """The generator that is sampled, scored and exported."""
        return self.generator if self.averaged is None else self.averaged


def new_state(
    model: ModelConfig,
    training: TrainingConfig,
    attribute_count: int,
    device: torch.device,
    channels_last: bool | None = None,
    feature_channels: tuple[int, ...] = (),
) -> TrainingState:
    """Networks with the weights that follow from the seed, on `device`, and fresh optimizers.

    Args:
        channels_last: by default what is fast: on CUDA, not on a CPU, whose kernels have a blocked form of their own.
        feature_channels: of the features that a projected discriminator gets; empty for none.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(training.seed)
        generator = build_generator(model, attribute_count)
        discriminator = Discriminator(model.image_size, model.d_conv_dim, attribute_count, model.d_repeat_num)
        projected = ProjectedDiscriminator(feature_channels).to(device) if feature_channels else None
    nhwc = device.type == "cuda" if channels_last is None else channels_last
    memory_format = torch.channels_last if nhwc else torch.contiguous_format
    generator = generator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
    discriminator = discriminator.to(device, memory_format=memory_format)  # type: ignore[call-overload]
    return TrainingState(
        generator=generator,
        discriminator=discriminator,
        averaged=copy.deepcopy(generator).requires_grad_(False).eval() if training.ema_decay > 0 else None,
        generator_optimizer=_adam(generator, training.g_lr, training),
        discriminator_optimizer=_adam(discriminator, training.d_lr, training),
        projected=Projected(projected, _adam(projected, training.d_lr, training)) if projected is not None else None,
    )


def learning_rate_scale(step: int, total: int, schedule: str) -> float:
    """What both learning rates are multiplied by at a step (1 to total): linear holds 1 for the first half, then falls towards 0."""
    if schedule == "constant":
        return 1.0
    half = total // 2
    return 1.0 if step <= half else (total - step + 1) / (total - half + 1)


def _adam(network: torch.nn.Module, learning_rate: float, training: TrainingConfig) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), lr=learning_rate, betas=(training.beta1, training.beta2), fused=True)
