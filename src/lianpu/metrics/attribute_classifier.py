"""The independent judge: classifies a picture's attributes, trained apart from generator and discriminator."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import nn

from lianpu.attributes import AttributeSet, Labels
from lianpu.errors import ModelError
from lianpu.files import atomic_folder, read_json, write_json
from lianpu.imaging.picture import Picture, resize
from lianpu.metrics.features import to_network_input
from lianpu.models.efficientnet import build_efficientnet
from lianpu.weights import read_tensors, save_tensors

_WEIGHTS = "classifier.safetensors"
_DESCRIPTION = "classifier.json"
_BATCH = 64


class LabelledFaces(Protocol):
    """What the classifier needs of a split: `lianpu.dataset.faces.Faces` is one."""

    def __len__(self) -> int: ...

    @property
    def labels(self) -> Labels:
        """(N, A) float32 in {0, 1}."""
        ...

    def read(self, index: int) -> Picture:
        """The face at `index`, (S, S, 3) uint8."""
        ...


@dataclass(frozen=True)
class AttributeAccuracy:
    """How often the classifier is right about one attribute of unedited held-out faces.

    `balanced_accuracy` is the mean of the rates on faces with and without the attribute, so that guessing gives 0.5;
    it is None when the split has only one kind.
    """

    accuracy: float
    balanced_accuracy: float | None
    positives: int
    count: int


@dataclass(frozen=True)
class ClassifierInfo:
    """What a classifier was trained on: it is used again only where all of this but the seconds agrees.

    Args:
        attributes: names, order and groups.
        image_size: side of the faces in pixels.
        input_px: side of the network's input.
        fingerprint: of the dataset.
        train_count: faces of the training split that it learned from.
        steps: of the optimizer.
        seed: of the draws.
        seconds: that training took.
    """

    attributes: AttributeSet
    image_size: int
    input_px: int
    fingerprint: str
    train_count: int
    steps: int
    seed: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` turns back."""
        return {**asdict(self), "attributes": self.attributes.to_json()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ClassifierInfo:
        """The description that `to_json` wrote."""
        return cls(**{**value, "attributes": AttributeSet.from_json(value["attributes"])})


class AttributeClassifier:
    """EfficientNet-Lite0 with one logit per attribute."""

    def __init__(self, network: nn.Module, info: ClassifierInfo, device: torch.device | str = "cpu") -> None:
        self.info = info
        self._device = torch.device(device)
        self._network = network.eval().to(self._device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def attributes(self) -> AttributeSet:
        return self.info.attributes

    @property
    def network(self) -> nn.Module:
        """Pictures as `to_network_input` gives them to logits (B, A)."""
        return self._network

    @cached_property
    def digest(self) -> str:
        """Eight hexadecimal digits that tell its weights from others: the same success needs the same judge."""
        digest = hashlib.sha256()
        for tensor in self._network.state_dict().values():
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:8]

    @torch.inference_mode()
    def probabilities(self, pictures: Picture) -> np.ndarray:
        """(B, A) float32: how sure it is of each attribute, from the mean logit of a picture (B, S, S, 3) and its mirror.

        0.5 is the border for classes of equal weight: training weighs them equally, however rare they are in the data.
        """
        parts = [self._logits(pictures[start : start + _BATCH]) for start in range(0, len(pictures), _BATCH)]
        logits = torch.cat(parts) if parts else torch.zeros(0, len(self.attributes))
        chances = logits.softmax(dim=1) if self.attributes.one_class else logits.sigmoid()
        return chances.cpu().numpy()

    def _logits(self, pictures: Picture) -> torch.Tensor:
        batch = to_network_input(shrink(pictures, self.info.input_px), self.info.input_px).to(self._device)
        logits: torch.Tensor = self._network(batch).float() + self._network(batch.flip(3)).float()
        return logits / 2

    def see(self, pictures: Picture) -> Labels:
        """(B, A) in {0, 1}: the attributes that it sees in pictures (B, S, S, 3); see `labels_seen`."""
        return labels_seen(self.attributes, self.probabilities(pictures))

    def save(self, folder: Path, accuracy: dict[str, AttributeAccuracy]) -> None:
        """Leave the classifier and its held-out accuracy in `folder`, replacing what was there."""
        with atomic_folder(folder) as partial:
            save_tensors(self._network.state_dict(), partial / _WEIGHTS)
            description = {"classifier": self.info.to_json(), "accuracy": {k: asdict(v) for k, v in accuracy.items()}}
            write_json(partial / _DESCRIPTION, description)


def labels_seen(attributes: AttributeSet, probabilities: np.ndarray) -> Labels:
    """(B, A) in {0, 1}: an attribute is seen above 0.5; of a group only the likeliest one, and only above 0.5.

    With `one_class` every picture has exactly one: the likeliest.
    """
    seen = (probabilities > 0.5).astype(np.float32)
    for group in attributes.groups:
        columns = np.array([attributes.index(name) for name in group])
        likeliest = columns[probabilities[:, columns].argmax(axis=1)]
        only = np.zeros_like(seen)
        rows = np.arange(len(seen))
        only[rows, likeliest] = 1.0 if attributes.one_class else seen[rows, likeliest]
        seen[:, columns] = only[:, columns]
    return seen


def measure_accuracy(attributes: AttributeSet, seen: Labels, labels: Labels) -> dict[str, AttributeAccuracy]:
    """Accuracy per attribute of what was seen (N, A) against labels (N, A); both in {0, 1}."""
    result = {}
    for name in attributes.names:
        column = attributes.index(name)
        right, positive = seen[:, column] == labels[:, column], labels[:, column] > 0.5
        both = positive.any() and not positive.all()
        balanced = float(right[positive].mean() + right[~positive].mean()) / 2 if both else None
        result[name] = AttributeAccuracy(float(right.mean()), balanced, int(positive.sum()), len(labels))
    return result


def load_classifier(
    folder: Path, device: torch.device | str = "cpu"
) -> tuple[AttributeClassifier, dict[str, AttributeAccuracy]] | None:
    """The classifier in a folder and its held-out accuracy, or None when none was saved there.

    Raises:
        ModelError: its files are damaged.
    """
    if not (folder / _DESCRIPTION).is_file():
        return None
    description = read_json(folder / _DESCRIPTION, ModelError)
    try:
        info = ClassifierInfo.from_json(description["classifier"])
        accuracy = {name: AttributeAccuracy(**value) for name, value in description["accuracy"].items()}
        network = build_efficientnet(len(info.attributes))
        network.load_state_dict(read_tensors(folder / _WEIGHTS, ModelError))
    except Exception as problem:  # a damaged description or weights: many kinds
        reason = " ".join(str(problem).split())[:200]
        raise ModelError(
            f"{folder} holds a damaged classifier ({reason}). Remove the folder; it will be trained again."
        ) from None
    return AttributeClassifier(network, info, device), accuracy


def shrink(pictures: Picture, side_px: int) -> Picture:
    """Pictures (B, S, S, 3), made (B, side_px, side_px, 3) if they are larger; smaller ones stay."""
    if pictures.shape[1] <= side_px:
        return pictures
    return np.stack([resize(picture, side_px) for picture in pictures])
