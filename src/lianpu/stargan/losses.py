"""The four losses of StarGAN (Choi et al. 2018, arXiv:1711.09020, equations 1 to 6 with the WGAN-GP form of section 3.3), and what may
stand in their place, as pure functions."""

import torch
from torch.nn import functional as F

from lianpu.stargan.config import Adversarial


def critic_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor, kind: Adversarial = "wgan") -> torch.Tensor:
    """What the discriminator lowers: scores of two batches, of any one shape, to a scalar. wgan is E[D(G(x, c))] - E[D(x)]."""
    if kind == "logistic":
        return F.softplus(fake_scores).mean() + F.softplus(-real_scores).mean()
    if kind == "relativistic":
        return F.softplus(fake_scores - real_scores).mean()
    return fake_scores.mean() - real_scores.mean()


def deception_loss(
    fake_scores: torch.Tensor, kind: Adversarial = "wgan", real_scores: torch.Tensor | None = None
) -> torch.Tensor:
    """What the generator lowers: scores of any shape to a scalar. wgan is -E[D(G(x, c))]; relativistic needs `real_scores`."""
    if kind == "logistic":
        return F.softplus(-fake_scores).mean()
    if kind == "relativistic":
        assert real_scores is not None, "a relativistic loss compares with real faces"
        return F.softplus(real_scores - fake_scores).mean()
    return -fake_scores.mean()


def classification_loss(logits: torch.Tensor, labels: torch.Tensor, one_class: bool) -> torch.Tensor:
    """How far the class head is from labels: logits (B, A) and labels (B, A) in {0, 1} to a scalar.

    Binary cross-entropy summed over attributes and averaged over faces, as published for CelebA; with `one_class`
    (each row of labels has exactly one 1) softmax cross-entropy, as published for RaFD.
    """
    if one_class:
        return F.cross_entropy(logits, labels.argmax(dim=1))
    return F.binary_cross_entropy_with_logits(logits, labels, reduction="sum") / logits.shape[0]


def reconstruction_loss(faces: torch.Tensor, reconstructed: torch.Tensor) -> torch.Tensor:
    """Mean |x - G(G(x, c), c')| over all values of two batches (B, 3, S, S): 0 to 2."""
    return (faces - reconstructed).abs().mean()


def penalty_of_gradient(gradient: torch.Tensor) -> torch.Tensor:
    """E[(|g| - 1)^2] over faces, |g| the L2 norm of a face's gradient: (B, 3, S, S) to a scalar (WGAN-GP, arXiv:1704.00028)."""
    norms = gradient.flatten(1).norm(dim=1)
    return (norms - 1.0).square().mean()


def zero_penalty(gradient: torch.Tensor) -> torch.Tensor:
    """E[|g|^2] / 2 over faces: (B, 3, S, S) to a scalar (R1 at real and R2 at edited faces, Mescheder et al. 2018, arXiv:1801.04406)."""
    return gradient.square().flatten(1).sum(dim=1).mean() / 2


def outside_loss(faces: torch.Tensor, edited: torch.Tensor, outside: torch.Tensor) -> torch.Tensor:
    """Mean |edited - x| over what was not to change: two batches (B, 3, S, S) and `outside` (B, 1, S, S) in [0, 1] to 0 to 2."""
    return ((edited - faces).abs() * outside).sum() / (3 * outside.sum()).clamp_min(1.0)


_LARGE_CHANGE = 0.25


def imitation_loss(faces: torch.Tensor, edited: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """Mean |edited - taught| of batches (B, 3, S, S), with up to three times the weight where the teacher changed the faces: from 0 on.

    An edit changes little of a face; without the weight, what does not change decides. With nine times the weight, hair colours ran out into the background.
    """
    changed = (taught - faces).abs().mean(dim=1, keepdim=True).clamp_max(2 * _LARGE_CHANGE)
    return ((edited - taught).abs() * (1 + changed / _LARGE_CHANGE)).mean()


def gradient_loss(edited: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """Mean difference of neighbouring pixels' steps, across and down and at half the size: edges and detail, whatever the level; 0 to 4."""
    total = edited.new_zeros(())
    for one, other in ((edited, taught), (F.avg_pool2d(edited, 2), F.avg_pool2d(taught, 2))):
        for axis in (2, 3):
            total = total + (one.diff(dim=axis) - other.diff(dim=axis)).abs().mean()
    return total
