"""One training step: the discriminator's update, and every n_critic steps the generator's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from lianpu.stargan.fields import Fields, apply_fields, roughness
from lianpu.stargan.lite import LiteGenerator
from lianpu.stargan.losses import (
    classification_loss,
    critic_loss,
    deception_loss,
    gradient_loss,
    imitation_loss,
    outside_loss,
    penalty_of_gradient,
    reconstruction_loss,
    zero_penalty,
)
from lianpu.stargan.penalty import mixed_faces, score_gradient
from lianpu.training.config import LossConfig, RunConfig
from lianpu.training.guides import NO_GUIDES, Guides
from lianpu.training.inputs import StepInputs
from lianpu.training.processes import Processes
from lianpu.training.state import Projected, TrainingState
from lianpu.weights import update_average

GeneratorCall = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def one_step(
    state: TrainingState,
    generate: GeneratorCall,
    step: int,
    inputs: StepInputs,
    config: RunConfig,
    processes: Processes,
    guides: Guides = NO_GUIDES,
) -> dict[str, torch.Tensor]:
    """One discriminator step and, every n_critic steps, one generator step; their losses."""
    training = config.training
    trains_generator = step > training.d_first_steps and step % training.n_critic == 0
    with torch.set_grad_enabled(trains_generator), processes.mixed_precision():
        drawn = edit(state, generate, inputs, config.loss)
    has_penalty = step % config.loss.penalty_every == 0
    losses = (
        discriminator_update(state, inputs, drawn.edited, config.loss, processes, has_penalty) if is_judged(config.loss) else {}
    )
    if state.projected is not None:
        losses |= projected_update(state.projected, inputs, drawn.edited, processes, guides)
    if trains_generator:
        losses |= generator_update(state, generate, inputs, drawn, config.loss, processes, guides)
        state.generator_steps += 1
        if state.averaged is not None:
            update_average(state.averaged, state.generator, state.generator_steps, training.ema_decay)
    return losses


def is_judged(loss: LossConfig) -> bool:
    """Whether the discriminator has any say; else it is not trained."""
    return bool(loss.lambda_adv or loss.lambda_cls)


@dataclass(frozen=True)
class Edit:
    """Faces edited as requested, with their graph, and what of the generator's mask and fields a loss is on (else None)."""

    edited: torch.Tensor
    mask: torch.Tensor | None = None
    fields: Fields | None = None


def edit(state: TrainingState, generate: GeneratorCall, inputs: StepInputs, loss: LossConfig) -> Edit:
    """The faces edited as requested; `generate`, perhaps compiled, gives neither mask nor fields, so it runs where no loss is on them."""
    has_fields = isinstance(state.generator, LiteGenerator) and state.generator.field_head is not None
    if loss.lambda_mask or loss.lambda_smooth or (has_fields and inputs.taught is not None):
        assert isinstance(state.generator, LiteGenerator), "RunConfig lets these weights pass for the lite generator only"
        drawn = state.generator.draw(inputs.faces, inputs.requests)
        return Edit(drawn.edited, drawn.mask if loss.lambda_mask else None, drawn.fields)
    return Edit(generate(inputs.faces, inputs.requests))


def discriminator_update(
    state: TrainingState,
    inputs: StepInputs,
    edited: torch.Tensor,
    loss: LossConfig,
    processes: Processes,
    has_penalty: bool = True,
) -> dict[str, torch.Tensor]:
    """One Adam step of the discriminator against `edited` faces; its losses as scalars (d_loss, d_adv, d_cls, d_gp).

    Real and edited faces go through in one pass, the faces of the penalty in a second one (see stargan/penalty.py).
    """
    real, fake = _varied(inputs, inputs.faces), _varied(inputs, edited.detach())
    count = real.shape[0]
    with processes.mixed_precision():
        scores, logits = state.discriminator(torch.cat([real, fake]))
    scores, logits = scores.float(), logits.float()
    adversarial = critic_loss(scores[:count], scores[count:], loss.adversarial)
    classification = classification_loss(logits[:count], inputs.labels, inputs.one_class)
    total = loss.lambda_adv * adversarial + loss.lambda_cls * classification
    losses = {"d_adv": adversarial.detach(), "d_cls": classification.detach()}
    if has_penalty:
        penalty = _penalty(state, real, fake.float(), inputs.alpha, loss)
        total = total + loss.lambda_gp * loss.penalty_every * penalty
        losses["d_gp"] = penalty.detach()
    _step(state.discriminator_optimizer, state.discriminator, total, processes)
    return {"d_loss": total.detach(), **losses}


def projected_update(
    projected: Projected, inputs: StepInputs, edited: torch.Tensor, processes: Processes, guides: Guides
) -> dict[str, torch.Tensor]:
    """One Adam step of the projected discriminator against `edited` faces; its logistic loss (d_projected), 2 log 2 where it guesses."""
    assert guides.features is not None, "Guides.check was called before training"
    faces = [_varied(inputs, inputs.faces), _varied(inputs, edited.detach().float())]
    with torch.no_grad():
        features = guides.features(torch.cat(faces))
    pairs = [scores.chunk(2) for scores in projected.discriminator(features)]
    loss = torch.stack([critic_loss(real, fake, "logistic") for real, fake in pairs]).mean()
    _step(projected.optimizer, projected.discriminator, loss, processes)
    return {"d_projected": loss.detach()}


def _varied(inputs: StepInputs, faces: torch.Tensor) -> torch.Tensor:
    """The faces as a discriminator sees them."""
    return faces if inputs.variation is None else inputs.variation(faces)


def _penalty(state: TrainingState, real: torch.Tensor, fake: torch.Tensor, alpha: torch.Tensor, loss: LossConfig) -> torch.Tensor:
    if loss.penalty == "wgan-gp":
        return penalty_of_gradient(score_gradient(state.discriminator, mixed_faces(real, fake, alpha)))
    at_real = zero_penalty(score_gradient(state.discriminator, real))
    return at_real if loss.penalty == "r1" else at_real + zero_penalty(score_gradient(state.discriminator, fake))


def generator_update(
    state: TrainingState,
    generate: GeneratorCall,
    inputs: StepInputs,
    drawn: Edit,
    loss: LossConfig,
    processes: Processes,
    guides: Guides = NO_GUIDES,
) -> dict[str, torch.Tensor]:
    """One Adam step of the generator; its losses as scalars (g_loss, g_adv, g_rec, g_cls, and what else the settings ask for).

    `drawn` is of `edit`: the discriminator has just been trained against the same faces, so they are not made twice.
    """
    edited = drawn.edited
    state.discriminator.requires_grad_(False)
    shown = _varied(inputs, _judged_part(inputs, drawn))
    terms: dict[str, tuple[float, torch.Tensor]] = {}
    if is_judged(loss):
        with processes.mixed_precision():
            scores, logits = state.discriminator(shown)
        deception = deception_loss(scores.float(), loss.adversarial, _real_scores(state, inputs, loss))
        terms["g_adv"] = (loss.lambda_adv, deception)
        terms["g_cls"] = (loss.lambda_cls, classification_loss(logits.float(), inputs.targets, inputs.one_class))
    if loss.lambda_rec:
        with processes.mixed_precision():
            reconstructed = generate(edited, inputs.returns)
        terms["g_rec"] = (loss.lambda_rec, reconstruction_loss(inputs.faces, reconstructed.float()))
    terms |= {
        **_guided_terms(inputs, edited, shown, loss, guides),
        **_projected_term(state, shown, loss, guides),
    }
    if drawn.mask is not None:
        terms["g_mask"] = (loss.lambda_mask, drawn.mask.float().mean())
    if drawn.fields is not None and loss.lambda_smooth:
        terms["g_smooth"] = (loss.lambda_smooth, roughness(drawn.fields))
    total = torch.stack([weight * value for weight, value in terms.values()]).sum()
    _step(state.generator_optimizer, state.generator, total, processes)
    state.discriminator.requires_grad_(True)
    return {"g_loss": total.detach(), **{name: value.detach() for name, (_, value) in terms.items()}}


def _judged_part(inputs: StepInputs, drawn: Edit) -> torch.Tensor:
    """The edited faces as discriminators get them. Where pairs teach the fields, the gradient of discriminators reaches the residual alone."""
    if drawn.fields is None or inputs.taught is None:
        return drawn.edited
    fields = drawn.fields
    held = Fields(fields.flow.detach(), fields.colours.detach(), fields.gains.detach(), fields.residual)
    return apply_fields(inputs.faces, held)


def _guided_terms(
    inputs: StepInputs, edited: torch.Tensor, shown: torch.Tensor, loss: LossConfig, guides: Guides
) -> dict[str, tuple[float, torch.Tensor]]:
    """Weight and value of the losses that need a guide."""
    terms: dict[str, tuple[float, torch.Tensor]] = {}
    if loss.lambda_guide:
        assert guides.classifier is not None, "Guides.check was called before training"
        seen = guides.classifier(shown.float())
        terms["g_guide"] = (loss.lambda_guide, classification_loss(seen, inputs.targets, inputs.one_class))
    if loss.lambda_outside:
        assert inputs.outside is not None, "Guides.check was called before training"
        terms["g_outside"] = (loss.lambda_outside, outside_loss(inputs.faces, edited.float(), inputs.outside))
    taught, likeness = inputs.taught, guides.likeness
    if guides.teacher is not None:
        taught, likeness = guides.teacher.edit(inputs.faces, inputs.labels, inputs.targets), guides.teacher.feature_distance
    if taught is not None:
        terms["g_teacher"] = (loss.lambda_teacher, imitation_loss(inputs.faces, edited.float(), taught))
        if loss.lambda_gradient:
            terms["g_gradient"] = (loss.lambda_gradient, gradient_loss(edited.float(), taught))
        if loss.lambda_features and likeness is not None:
            terms["g_features"] = (loss.lambda_features, likeness(edited.float(), taught))
    return terms


def _projected_term(
    state: TrainingState, shown: torch.Tensor, loss: LossConfig, guides: Guides
) -> dict[str, tuple[float, torch.Tensor]]:
    """Weight and value of the loss against the projected discriminator, whose weights get no gradient."""
    if state.projected is None:
        return {}
    assert guides.features is not None, "Guides.check was called before training"
    state.projected.discriminator.requires_grad_(False)
    scores = state.projected.discriminator(guides.features(shown.float()))
    state.projected.discriminator.requires_grad_(True)
    deception = torch.stack([deception_loss(each, "logistic") for each in scores]).mean()
    return {"g_projected": (loss.lambda_projected, deception)}


def _real_scores(state: TrainingState, inputs: StepInputs, loss: LossConfig) -> torch.Tensor | None:
    """Scores of the real faces, for the loss that compares with them."""
    if loss.adversarial != "relativistic":
        return None
    with torch.no_grad():
        scores: torch.Tensor = state.discriminator(_varied(inputs, inputs.faces))[0]
        return scores.float()


def _step(optimizer: torch.optim.Adam, network: torch.nn.Module, loss: torch.Tensor, processes: Processes) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    processes.average_gradients(network.parameters())
    optimizer.step()
