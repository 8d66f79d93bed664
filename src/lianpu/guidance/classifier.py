"""A frozen attribute classifier that tells the generator what it sees in an edit.

It is never the judge of attribute success: that one is trained with another seed at another size, and scores say so. Both start from the same
ImageNet weights, though, so success by the rules of `lianpu prepare` (dlib, hair colour in Lab) is the check that shares nothing with it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.dataset.faces import Dataset
from lianpu.metrics.attribute_classifier import AttributeClassifier, load_classifier, measure_accuracy
from lianpu.metrics.classifier_training import ClassifierSettings, train_classifier

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
    kept = load_classifier(folder, device)
    if kept is not None:
        info = kept[0].info
        if (info.attributes, info.image_size, info.fingerprint) == (
            dataset.attributes,
            dataset.image_size,
            dataset.fingerprint,
        ):
            return Guide(kept[0])
    classifier = train_classifier(
        dataset.train,
        dataset.attributes,
        dataset.image_size,
        dataset.fingerprint,
        GUIDE_SEED,
        GUIDE_SETTINGS,
        device,
        on_progress,
    )
    seen = np.concatenate([classifier.see(np.stack([dataset.test.read(row)])) for row in range(len(dataset.test))])
    classifier.save(folder, measure_accuracy(dataset.attributes, seen, dataset.test.labels))
    return Guide(classifier)
