"""A frozen attribute classifier that tells the generator what it sees in an edit.

It is never the judge of attribute success: that one is trained with another seed at another size, and scores say so. Both start from the same
ImageNet weights, though, so success by the rules of `lianpu prepare` (dlib, hair colour in Lab) is the check that shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional

from lianpu.dataset.faces import Dataset
from lianpu.evaluation.classifier_store import obtain_classifier
from lianpu.metrics.attribute_classifier import AttributeClassifier
from lianpu.metrics.classifier_training import ClassifierSettings

GUIDE_SEED = 7919
"""Far from the seeds of judges."""
GUIDE_SETTINGS = ClassifierSettings(input_px=112, epochs=12)


class Guide(nn.Module):
    """Faces to attribute logits, differentiable in the faces; its weights are held."""

    def __init__(self, classifier: AttributeClassifier) -> None:
        super().__init__()
        self.network = classifier.network.eval().requires_grad_(False)
        self.input_px = classifier.info.input_px

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        """Faces (B, 3, S, S) in [-1, 1] to logits (B, A)."""
        if batch.shape[2] != self.input_px:
            size = (self.input_px, self.input_px)
            batch = functional.interpolate(batch, size=size, mode="bilinear", antialias=True, align_corners=False)
        pixels = (batch * 127.5 + 0.5) / 128.0  # (value - 127) / 128, as the network was trained
        logits: torch.Tensor = self.network(pixels.contiguous(memory_format=torch.channels_last))
        return logits


def obtain_guide(
    dataset: Dataset, folder: Path, device: torch.device | str = "cpu", on_progress: Callable[[int, int], None] | None = None
) -> Guide:
    """The guide in `folder` when it was trained on the same faces, else a new one, left there with its held-out accuracy.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
        ModelError: the folder holds a damaged classifier.
    """
    return Guide(obtain_classifier(dataset, folder, GUIDE_SEED, GUIDE_SETTINGS, device, on_progress)[0])
