"""What a feature network must offer to the distances, and the features of a set of pictures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch

from lianpu.imaging.picture import Picture


class FeatureNetwork(Protocol):
    """A network that turns pictures into features (for distances) and logits (for the inception score)."""

    @property
    def name(self) -> str:
        """What protocols call it (`inception-v3-compat`, `efficientnet-lite0`)."""
        ...

    @property
    def resize(self) -> str:
        """Its resize rule, in words: part of the protocol."""
        ...

    def extract(self, pictures: Picture) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, F) and logits (B, C), float32 on the CPU, of pictures (B, S, S, 3) uint8 RGB."""
        ...


@dataclass(frozen=True)
class Features:
    """Features (N, F) and logits (N, C) of N pictures of a set, float32 on the CPU: computed once, used for every comparison."""

    features: torch.Tensor
    logits: torch.Tensor

    def __post_init__(self) -> None:
        assert self.features.ndim == 2 and self.logits.ndim == 2, (self.features.shape, self.logits.shape)
        assert len(self.features) == len(self.logits), (self.features.shape, self.logits.shape)

    def __len__(self) -> int:
        return len(self.features)

    def subset(self, rows: Sequence[int] | np.ndarray) -> Features:
        """The features of some of the pictures."""
        index = torch.as_tensor(np.asarray(rows, dtype=np.int64))
        return Features(self.features[index], self.logits[index])


def join_features(parts: Iterable[Features]) -> Features:
    """The features of several sets as those of one, in order."""
    together = list(parts)
    return Features(torch.cat([part.features for part in together]), torch.cat([part.logits for part in together]))
