"""What helps a training besides the discriminator, made before it begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import nn

from lianpu.attributes import Labels
from lianpu.dataset.order import Flips, Rows
from lianpu.dataset.part_maps import PartMaps
from lianpu.errors import SettingsError
from lianpu.imaging.picture import Picture
from lianpu.training.config import RunConfig


class Features(Protocol):
    """Faces (B, 3, S, S) in [-1, 1] to maps (B, C, h, w) of several sizes, differentiable in the faces."""

    @property
    def channels(self) -> tuple[int, ...]:
        """C of each of the maps."""
        ...

    def __call__(self, batch: torch.Tensor) -> list[torch.Tensor]:
        """The maps."""
        ...


class Teacher(Protocol):
    """An editor that another one learns to imitate."""

    @property
    def licence(self) -> str:
        """Its terms, which hold for what learns from it."""
        ...

    def edit(self, faces: torch.Tensor, labels: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] with labels (B, A), edited to targets (B, A): without a graph, on the faces' device."""
        ...

    def feature_distance(self, edited: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        """How different two batches (B, 3, S, S) look to a feature network: a scalar, differentiable."""
        ...


class Pairs(Protocol):
    """Training faces and what they are to become, made before training."""

    @property
    def licence(self) -> str:
        """The terms of the models that edited them; empty where only those of the data hold."""
        ...

    @property
    def counts(self) -> np.ndarray:
        """(N,) how many pairs each training face has; one without is not drawn."""
        ...

    def choose(self, rows: Rows, chance: torch.Generator) -> np.ndarray:
        """One pair (B,) for each of the faces `rows` (B,)."""
        ...

    def targets_of(self, chosen: np.ndarray, rows: Rows) -> Labels:
        """The labels (B, A) of what they become."""
        ...

    def taught(self, chosen: np.ndarray, flips: Flips, faces: Picture) -> Picture:
        """What they become, mirrored where `flips` says so: (B, S, S, 3)."""
        ...


Likeness = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""How different two batches (B, 3, S, S) look to a feature network: a scalar, differentiable in the first."""


@dataclass(frozen=True)
class Guides:
    """What the settings may ask for; each is None where it is not used.

    Args:
        classifier: frozen, faces (B, 3, S, S) in [-1, 1] to attribute logits (B, A); for loss.lambda_guide.
        parts: of the training faces, in their order; for loss.lambda_outside.
        teacher: the editor that is imitated, for training.teacher.
        features: frozen, the input of the projected discriminator; for loss.lambda_projected.
        pairs: faces and their edits, for the training.teachers `transforms` and `drawn`.
        likeness: compares edits with those of the pairs; for loss.lambda_features.
        seconds: that making them took now; what was kept from an earlier call costs nothing.
    """

    classifier: nn.Module | None = None
    parts: PartMaps | None = None
    teacher: Teacher | None = None
    features: Features | None = None
    pairs: Pairs | None = None
    likeness: Likeness | None = None
    seconds: float = 0.0

    @property
    def licence(self) -> str:
        """The terms of what teaches; empty where nothing does, or only those of the data hold."""
        return next((one.licence for one in (self.teacher, self.pairs) if one is not None), "")

    def check(self, config: RunConfig) -> None:
        """SettingsError when the settings ask for a guide that is not here."""
        loss = config.loss
        if self.pairs is not None and loss.lambda_features and self.likeness is None:
            raise SettingsError(
                f"loss.lambda_features is {loss.lambda_features:g}, but train() was given pairs without a likeness. "
                "Take lianpu.make_guides(...), or set it to 0."
            )
        if config.training.teacher and self.teacher is None and self.pairs is None:
            raise SettingsError(
                f"training.teacher is {config.training.teacher}, but train() was given no teacher. Take lianpu.make_guides(...), or leave it out."
            )
        for name, weight, guide, maker in (
            ("lambda_guide", loss.lambda_guide, self.classifier, "lianpu.guidance.making.obtain_guide"),
            ("lambda_outside", loss.lambda_outside, self.parts, "lianpu.guidance.parts.obtain_part_maps"),
            ("lambda_projected", loss.lambda_projected, self.features, "lianpu.guidance.teacher.FrozenFeatures"),
        ):
            if weight and guide is None:
                raise SettingsError(
                    f"loss.{name} is {weight:g}, but train() was given no guide for it. Take lianpu.make_guides(...) (or {maker}), or set it to 0."
                )


NO_GUIDES = Guides()
