"""One training step: the discriminator's update, and every n_critic steps the generator's."""

from __future__ import annotations

from collections.abc import Callable

import torch

from lianpu.stargan.losses import classification_loss, critic_loss, deception_loss, penalty_of_gradient, reconstruction_loss
from lianpu.stargan.penalty import mixed_faces, score_gradient
from lianpu.training.config import LossConfig, RunConfig
from lianpu.training.inputs import StepInputs
from lianpu.training.processes import Processes
from lianpu.training.state import TrainingState, update_average

GeneratorCall = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def one_step(
    state: TrainingState, generate: GeneratorCall, step: int, inputs: StepInputs, config: RunConfig, processes: Processes
) -> dict[str, torch.Tensor]:
    """One discriminator step and, every n_critic steps, one generator step; their losses."""
    trains_generator = step % config.training.n_critic == 0
    with torch.set_grad_enabled(trains_generator), processes.mixed_precision():
        edited = generate(inputs.faces, inputs.targets)
    losses = discriminator_update(state, inputs, edited, config.loss, processes)
    if trains_generator:
        losses |= generator_update(state, generate, inputs, edited, config.loss, processes)
        state.generator_steps += 1
        if state.averaged is not None:
            update_average(state.averaged, state.generator, state.generator_steps, config.training.ema_decay)
    return losses


def discriminator_update(
    state: TrainingState, inputs: StepInputs, edited: torch.Tensor, loss: LossConfig, processes: Processes
) -> dict[str, torch.Tensor]:
    """One Adam step of the discriminator against `edited` faces; its losses as scalars (d_loss, d_adv, d_cls, d_gp).

    Real and edited faces go through in one pass, the penalty's mixed faces in a second one (see stargan/penalty.py).
    """
    fake = edited.detach()
    count = inputs.faces.shape[0]
    with processes.mixed_precision():
        scores, logits = state.discriminator(torch.cat([inputs.faces, fake]))
    scores, logits = scores.float(), logits.float()
    adversarial = critic_loss(scores[:count], scores[count:])
    classification = classification_loss(logits[:count], inputs.labels, inputs.one_class)
    penalty = penalty_of_gradient(score_gradient(state.discriminator, mixed_faces(inputs.faces, fake.float(), inputs.alpha)))
    total = loss.lambda_adv * adversarial + loss.lambda_cls * classification + loss.lambda_gp * penalty
    _step(state.discriminator_optimizer, state.discriminator, total, processes)
    return {"d_loss": total.detach(), "d_adv": adversarial.detach(), "d_cls": classification.detach(), "d_gp": penalty.detach()}


def generator_update(
    state: TrainingState,
    generate: GeneratorCall,
    inputs: StepInputs,
    edited: torch.Tensor,
    loss: LossConfig,
    processes: Processes,
) -> dict[str, torch.Tensor]:
    """One Adam step of the generator; its losses as scalars (g_loss, g_adv, g_rec, g_cls).

    `edited` is generate(faces, targets) with its graph: the discriminator has just been trained against the same faces, so they are not made twice.
    """
    state.discriminator.requires_grad_(False)
    with processes.mixed_precision():
        scores, logits = state.discriminator(edited)
        reconstructed = generate(edited, inputs.labels)
    adversarial = deception_loss(scores.float())
    classification = classification_loss(logits.float(), inputs.targets, inputs.one_class)
    reconstruction = reconstruction_loss(inputs.faces, reconstructed.float())
    total = loss.lambda_adv * adversarial + loss.lambda_cls * classification + loss.lambda_rec * reconstruction
    _step(state.generator_optimizer, state.generator, total, processes)
    state.discriminator.requires_grad_(True)
    return {
        "g_loss": total.detach(),
        "g_adv": adversarial.detach(),
        "g_rec": reconstruction.detach(),
        "g_cls": classification.detach(),
    }


def _step(optimizer: torch.optim.Adam, network: torch.nn.Module, loss: torch.Tensor, processes: Processes) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(network.parameters())
    optimizer.step()
