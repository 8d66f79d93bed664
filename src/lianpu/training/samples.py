"""The fixed faces that show how training goes: their grid, and whether edits have any effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lianpu.attributes import Labels
from lianpu.dataset.faces import Faces
from lianpu.editors.editor import ModelInfo
from lianpu.imaging.picture import Picture, grid, to_pictures
from lianpu.stargan.networks import Discriminator

MIN_CHANGE = 0.01
"""Mean |edit - face| (0 to 2) below which an edit cannot be seen."""
MIN_SUCCESS = 0.25
"""Share of edits with the target below which the class head sees no edit."""
ALARM_AFTER = 0.3
"""Share of the steps after which an editor without effect raises an alarm."""


@dataclass(frozen=True)
class FixedFaces:
    """F faces of the held-out split and their labels, the same throughout training."""

    batch: torch.Tensor
    labels: Labels


@dataclass(frozen=True)
class SampleResult:
    """Edits of the fixed faces.

    Args:
        picture: one row per face: the face, then one edit per attribute.
        change: mean |edit - face| over all values, 0 to 2.
        success: share of edits that the discriminator's class head takes for what was asked.
    """

    picture: Picture
    change: float
    success: float


def choose_fixed_faces(faces: Faces, count: int, seed: int) -> FixedFaces:
    """`count` faces of a split (fewer when it is smaller), chosen by the seed."""
    batch, labels = faces.sample(count, seed).batch(np.arange(min(count, len(faces))))
    return FixedFaces(batch, labels)


@torch.no_grad()
def sample(
    generator: nn.Module, info: ModelInfo, discriminator: Discriminator, fixed: FixedFaces, device: torch.device
) -> SampleResult:
    """Edit each fixed face once per attribute: a hair colour is set, any other attribute flipped."""
    attributes = info.attributes
    faces = fixed.batch.to(device)
    columns = [to_pictures(fixed.batch)]
    changes, successes = [], []
    for name in attributes.names:
        targets = attributes.toggled(fixed.labels, name)
        edited = generator(faces, torch.from_numpy(info.request(fixed.labels, targets)).to(device))
        _, logits = discriminator(edited)
        column = attributes.index(name)
        found = logits.argmax(1) == column if attributes.one_class else logits[:, column] > 0
        wanted = torch.from_numpy(targets[:, column] > 0.5).to(device)
        asked = torch.from_numpy(targets[:, column] != fixed.labels[:, column]).to(device)
        changes.append((edited - faces).abs().mean())
        successes.append((found == wanted)[asked].float())
        columns.append(to_pictures(edited))
    success = torch.cat(successes)
    return SampleResult(
        picture=grid([[column[row] for column in columns] for row in range(len(faces))]),
        change=float(torch.stack(changes).mean()),
        success=float(success.mean()) if success.numel() else 0.0,
    )


def effect_alarm(result: SampleResult, step: int, total: int) -> str | None:
    """A warning if edits still change nothing well into training; None if they do, or it is early."""
    if step < ALARM_AFTER * total:
        return None
    if result.change < MIN_CHANGE:
        return (
            f"after {step} steps edits change a face by {result.change:.4f} on average (below {MIN_CHANGE}): they cannot be seen. "
            "Raise loss.lambda_cls or lower loss.lambda_rec, and look at the sample grids."
        )
    if result.success < MIN_SUCCESS:
        return (
            f"after {step} steps only {result.success:.0%} of the edits of the fixed faces have what was asked (by the discriminator's class head). "
            "Train longer, raise loss.lambda_cls, or check the balance of the labels with lianpu data check."
        )
    return None
