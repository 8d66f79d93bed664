"""What a parser is trained on: cross-entropy over the hardest pixels, or weighted cross-entropy with a Dice term."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch.nn import functional

from lianpu.face_parsing.data.mask_files import IGNORED

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""From logits (B, C, h, w) and a mask (B, H, W) uint8 to a number; logits are brought to the mask's size first."""


def ohem_cross_entropy(
    logits: torch.Tensor, mask: torch.Tensor, *, sure: float = 0.7, least_share: float = 1 / 16
) -> torch.Tensor:
    """Cross-entropy over hard pixels: those whose true class has a probability under `sure`, and at least a share of all.

    Online hard example mining (Shrivastava et al. 2016, arXiv:1604.03540) as zllrunning/face-parsing.PyTorch trains its BiSeNet.
    """
    losses = functional.cross_entropy(at_size_of(logits, mask), mask.long(), ignore_index=IGNORED, reduction="none").flatten()
    hard = losses[losses > -math.log(sure)]
    least = int(losses.numel() * least_share)
    return hard.mean() if hard.numel() > least else losses.topk(max(least, 1)).values.mean()


def weighted_dice_loss(logits: torch.Tensor, mask: torch.Tensor, class_weights: torch.Tensor) -> torch.Tensor:
    """Cross-entropy with a weight per class, and 1 - Dice averaged over the classes that the batch holds.

    Dice is Milletari et al. 2016 (arXiv:1606.04797) over all pixels of the batch: it counts an earring as much as the hair.
    """
    full = at_size_of(logits, mask)
    counted = mask != IGNORED
    log_shares = functional.log_softmax(full, dim=1)
    entropy = functional.nll_loss(log_shares, mask.long(), class_weights, ignore_index=IGNORED)
    truth = mask.where(counted, torch.zeros_like(mask)).long()
    shares = log_shares.exp() * counted[:, None]
    hit = shares.gather(1, truth[:, None])[:, 0]  # the share given to the true class of each pixel
    class_count = full.shape[1]
    counts = torch.zeros(class_count).to(full).index_add_(0, truth.flatten(), counted.flatten().to(full.dtype))
    hits = torch.zeros(class_count).to(full).index_add_(0, truth.flatten(), hit.flatten())
    dice = 2 * hits / (shares.sum(dim=(0, 2, 3)) + counts).clamp_min(1)
    return entropy + (1 - dice[counts > 0]).mean()


def total_loss(outputs: tuple[torch.Tensor, ...], mask: torch.Tensor, loss: Loss, auxiliary_weight: float) -> torch.Tensor:
    """The loss of the main output, and those of the auxiliary ones at their weight."""
    main, *others = (loss(logits, mask) for logits in outputs)
    return main + auxiliary_weight * sum(others) if others else main


def at_size_of(logits: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Logits resampled bilinearly to the height and width of the mask (B, H, W)."""
    if logits.shape[2:] == mask.shape[1:]:
        return logits
    return functional.interpolate(logits, size=mask.shape[1:], mode="bilinear", align_corners=False)


def make_loss(name: str, class_weights: torch.Tensor) -> Loss:
    """The loss that the settings call `ohem` or `weighted_dice`; the first ignores the weights."""
    return ohem_cross_entropy if name == "ohem" else partial(weighted_dice_loss, class_weights=class_weights)
