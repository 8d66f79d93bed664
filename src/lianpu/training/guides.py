"""What helps a training beside the discriminator, made before it begins."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from lianpu.dataset.part_maps import PartMaps
from lianpu.errors import SettingsError
from lianpu.training.config import LossConfig


@dataclass(frozen=True)
class Guides:
    """What the settings may ask for; each is None where it is not used.

    Args:
        classifier: frozen, faces (B, 3, S, S) in [-1, 1] to attribute logits (B, A); for loss.lambda_guide.
        parts: of the training faces, in their order; for loss.lambda_outside.
    """

    classifier: nn.Module | None = None
    parts: PartMaps | None = None

    def check(self, loss: LossConfig) -> None:
        """SettingsError when the settings ask for a guide that is not here."""
        for name, weight, guide, maker in (
            ("lambda_guide", loss.lambda_guide, self.classifier, "lianpu.guidance.classifier.obtain_guide"),
            ("lambda_outside", loss.lambda_outside, self.parts, "lianpu.guidance.parts.obtain_part_maps"),
        ):
            if weight and guide is None:
                raise SettingsError(
                    f"loss.{name} is {weight:g}, but train() was given no guide for it. Take lianpu.make_guides(...) (or {maker}), or set it to 0."
                )
