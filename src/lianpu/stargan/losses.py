"""The four losses of StarGAN (Choi et al. 2018, arXiv:1711.09020, equations 1 to 6 with the WGAN-GP form of section 3.3), as pure functions."""

import torch
from torch.nn import functional as F


def critic_loss(real_scores: torch.Tensor, fake_scores: torch.Tensor) -> torch.Tensor:
    """E[D(G(x, c))] - E[D(x)], what the discriminator lowers: scores of any one shape to a scalar."""
    return fake_scores.mean() - real_scores.mean()


def deception_loss(fake_scores: torch.Tensor) -> torch.Tensor:
    """-E[D(G(x, c))], what the generator lowers: scores of any shape to a scalar."""
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
