"""The judge of a run: read from its folder when it was trained on the same faces, else trained and left there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from lianpu.dataset.faces import Dataset, Faces
from lianpu.evaluation.results import Judge
from lianpu.metrics.attribute_classifier import AttributeClassifier, load_classifier, measure_accuracy
from lianpu.metrics.classifier_training import ClassifierSettings, train_classifier

MOST_CHECKED = 5000
"""Held-out faces that the accuracy is measured on, at most."""

_BATCH = 64


def obtain_classifier(
    dataset: Dataset,
    folder: Path | None = None,
    seed: int = 0,
    settings: ClassifierSettings = ClassifierSettings(),  # noqa: B008 (frozen)
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[AttributeClassifier, Judge]:
    """The classifier of a dataset and how good it is on the held-out split.

    The one in `folder` is used when data, attributes, size, seed and settings are the same; else a new one takes its place.

    Args:
        folder: where it is kept; None keeps it nowhere.
        on_progress: called with training steps done and in all; not called when nothing is trained.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
        ModelError: the folder holds a damaged classifier.
    """
    kept = load_classifier(folder, device) if folder else None
    if kept is not None and _fits(kept[0], dataset, seed, settings):
        classifier, accuracy = kept
        return classifier, Judge(accuracy, classifier.info.train_count)
    classifier = train_classifier(
        dataset.train, dataset.attributes, dataset.image_size, dataset.fingerprint, seed, settings, device, on_progress
    )
    checked = dataset.test.sample(MOST_CHECKED, seed)
    accuracy = measure_accuracy(dataset.attributes, see_faces(classifier, checked), checked.labels)
    if folder:
        classifier.save(folder, accuracy)
    return classifier, Judge(accuracy, classifier.info.train_count)


def _fits(classifier: AttributeClassifier, dataset: Dataset, seed: int, settings: ClassifierSettings) -> bool:
    info = classifier.info
    ours = (info.attributes, info.image_size, info.fingerprint, info.seed, info.input_px, info.steps)
    wanted = (dataset.attributes, dataset.image_size, dataset.fingerprint, seed)
    return ours == (*wanted, settings.input_px, settings.steps(len(dataset.train)))


def see_faces(classifier: AttributeClassifier, faces: Faces) -> np.ndarray:
    """(N, A) in {0, 1}: the classifier's predictions on unedited faces."""
    starts = range(0, len(faces), _BATCH)
    parts = [
        classifier.see(np.stack([faces.read(row) for row in range(start, min(start + _BATCH, len(faces)))])) for start in starts
    ]
    return np.concatenate(parts) if parts else np.zeros((0, len(faces.attributes)), dtype=np.float32)
