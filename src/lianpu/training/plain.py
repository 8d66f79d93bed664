"""The training step written plainly, as the paper's authors do it: the yardstick of `lianpu bench train` and of the tests.

Eager, NCHW, three discriminator passes, gradient penalty by double backward, edited faces made anew for the generator's step
(yunjey/stargan, solver.py). The mathematics is that of updates.py.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from lianpu.training.config import LossConfig
from lianpu.training.inputs import StepInputs
from lianpu.training.state import TrainingState


def plain_discriminator_step(state: TrainingState, inputs: StepInputs, loss: LossConfig) -> float:
    """One Adam step of the discriminator; its loss."""
    real_scores, real_logits = state.discriminator(inputs.faces)
    adversarial = -real_scores.mean()
    classification = F.binary_cross_entropy_with_logits(real_logits, inputs.labels, reduction="sum") / len(inputs.labels)
    edited = state.generator(inputs.faces, inputs.targets).detach()
    fake_scores, _ = state.discriminator(edited)
    adversarial = adversarial + fake_scores.mean()
    mixed = (inputs.alpha * inputs.faces + (1 - inputs.alpha) * edited).requires_grad_(True)
    scores, _ = state.discriminator(mixed)
    gradient = torch.autograd.grad(scores, mixed, torch.ones_like(scores), create_graph=True, retain_graph=True)[0]
    lengths = gradient.flatten(1).square().sum(dim=1).sqrt()
    penalty = (lengths - 1).square().mean()
    total = loss.lambda_adv * adversarial + loss.lambda_cls * classification + loss.lambda_gp * penalty
    _forget_gradients(state)
    total.backward()
    state.discriminator_optimizer.step()
    return float(total.detach())


def plain_generator_step(state: TrainingState, inputs: StepInputs, loss: LossConfig) -> float:
    """One Adam step of the generator; its loss."""
    edited = state.generator(inputs.faces, inputs.targets)
    scores, logits = state.discriminator(edited)
    classification = F.binary_cross_entropy_with_logits(logits, inputs.targets, reduction="sum") / len(inputs.targets)
    reconstructed = state.generator(edited, inputs.labels)
    reconstruction = (inputs.faces - reconstructed).abs().mean()
    total = loss.lambda_adv * -scores.mean() + loss.lambda_cls * classification + loss.lambda_rec * reconstruction
    _forget_gradients(state)
    total.backward()
    state.generator_optimizer.step()
    return float(total.detach())


def _forget_gradients(state: TrainingState) -> None:
    state.generator_optimizer.zero_grad()
    state.discriminator_optimizer.zero_grad()
