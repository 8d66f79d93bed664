"""Training of the attribute classifier: minutes on two CPU cores, from ImageNet weights, on the training split only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.attributes import AttributeSet, Labels
from lianpu.imaging.picture import Picture
from lianpu.metrics.attribute_classifier import AttributeClassifier, ClassifierInfo, LabelledFaces, shrink
from lianpu.metrics.features import to_network_input
from lianpu.models.efficientnet import load_efficientnet

_RECIPE_LABEL_SMOOTHING = 0.05
_HEAD_RATE_FACTOR = 5.0
_WARM_UP_SHARE = 0.15
_LARGEST_SHIFT = 0.10
_LARGEST_ZOOM = 0.12
_LARGEST_TURN_RAD = 0.15
_SETTLED_FACES = 512
_LARGEST_LIGHT = 0.15
"""Brightness and contrast; hue stays."""


@dataclass(frozen=True)
class ClassifierSettings:
    """How the classifier is trained. The defaults take at most about five minutes on one core (two for 800 faces), however many faces there are.

    Learned from 600 real faces of 64 px and checked on 300 others, once each, the mean balanced accuracy was 0.85; with 16 epochs
    0.81, with 128 px and 10 epochs 0.84, with 64 px and 12 epochs 0.81.
    """

    input_px: int = 96
    """Side at which the network sees the faces."""
    epochs: int = 8
    """Passes over the faces, within the bounds below."""
    least_steps: int = 120
    """Steps at least, for small sets."""
    most_steps: int = 400
    """Steps at most: of a larger set, a random part is seen."""
    batch_size: int = 32
    """Faces per step."""
    learning_rate: float = 0.001
    """Highest rate of AdamW for the ImageNet layers; the new layer learns five times as fast."""

    def steps(self, face_count: int) -> int:
        """Optimizer steps for a set of that size."""
        wanted = math.ceil(self.epochs * face_count / self.batch_size)
        return max(self.least_steps, min(self.most_steps, wanted))


def train_classifier(
    faces: LabelledFaces,
    attributes: AttributeSet,
    image_size: int,
    fingerprint: str,
    seed: int = 0,
    settings: ClassifierSettings = ClassifierSettings(),
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> AttributeClassifier:
    """A classifier that learned the labels of `faces`: the same one for the same faces, seed and settings on a CPU.

    Each attribute is a binary question whose two answers weigh the same, however rare; with `one_class` it is one softmax.
    Faces are mirrored, shifted, zoomed and turned a little, and lit a little otherwise. Hue stays: hair colour is a label.

    Args:
        faces: the training split, never the held-out one.
        on_progress: called with steps done and steps in all.

    Raises:
        WeightsError: the ImageNet weights cannot be had.
        PictureError: a broken face.
    """
    start = time.perf_counter()
    chance = np.random.default_rng(seed)
    steps = settings.steps(len(faces))
    rows = chance.permutation(len(faces))[: steps * settings.batch_size]
    pictures = np.stack([shrink(faces.read(int(row))[None], settings.input_px)[0] for row in rows])
    labels = faces.labels[rows]
    network = _new_network(len(attributes)).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _fit(network, pictures, labels, attributes.one_class, chance, steps, settings, torch.device(device), on_progress)
    seconds = round(time.perf_counter() - start, 1)
    info = ClassifierInfo(attributes, image_size, settings.input_px, fingerprint, len(rows), steps, seed, seconds)
    return AttributeClassifier(network, info, device)


def _new_network(attribute_count: int) -> nn.Module:
    network = load_efficientnet()
    with torch.random.fork_rng(devices=[]):
        network.reset_classifier(attribute_count)  # type: ignore[operator]
    head = network.get_classifier()  # type: ignore[operator]
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    return network.requires_grad_(True).train()


def _fit(
    network: nn.Module,
    pictures: Picture,
    labels: Labels,
    one_class: bool,
    chance: np.random.Generator,
    steps: int,
    settings: ClassifierSettings,
    device: torch.device,
    on_progress: Callable[[int, int], None] | None,
) -> None:
    head = list(network.get_classifier().parameters())  # type: ignore[operator]
    in_head = {id(parameter) for parameter in head}
    body = [parameter for parameter in network.parameters() if id(parameter) not in in_head]
    rates = [settings.learning_rate, settings.learning_rate * _HEAD_RATE_FACTOR]
    optimizer = torch.optim.AdamW([{"params": body}, {"params": head}], weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rates, total_steps=steps, pct_start=_WARM_UP_SHARE)
    weights = _answer_weights(labels)
    order = _endless_order(len(pictures), steps * settings.batch_size, chance)
    for step in range(steps):
        rows = order[step * settings.batch_size : (step + 1) * settings.batch_size]
        batch = vary(pictures[rows], settings.input_px, chance).to(device)
        logits = network(batch.contiguous(memory_format=torch.channels_last))
        loss = _loss(logits, torch.from_numpy(labels[rows]).to(device), weights.to(device), one_class)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if on_progress:
            on_progress(step + 1, steps)
    _settle_statistics(network, pictures[order[:_SETTLED_FACES]], settings, device)


@torch.no_grad()
def _settle_statistics(network: nn.Module, pictures: Picture, settings: ClassifierSettings, device: torch.device) -> None:
    """Replace BatchNorm's running statistics, which lag behind the weights after few steps, by those of the final weights."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # a plain mean over the batches that follow
    for start in range(0, len(pictures), settings.batch_size):
        batch = to_network_input(pictures[start : start + settings.batch_size], settings.input_px).to(device)
        if len(batch) > 1:
            network(batch)


def _answer_weights(labels: Labels) -> torch.Tensor:
    """(2, A): weights of the answers no and yes, so that both sum to the same over the faces. An answer that never comes has 0."""
    yes = labels.mean(axis=0)
    shares = np.stack([1.0 - yes, yes])
    return torch.from_numpy(np.where(shares > 0, 0.5 / np.maximum(shares, 1e-6), 0.0).astype(np.float32))


def _loss(logits: torch.Tensor, labels: torch.Tensor, weights: torch.Tensor, one_class: bool) -> torch.Tensor:
    if one_class:
        classes = labels.argmax(dim=1)
        return functional.cross_entropy(logits, classes, weight=weights[1], label_smoothing=_RECIPE_LABEL_SMOOTHING)
    soft = labels * (1 - _RECIPE_LABEL_SMOOTHING) + _RECIPE_LABEL_SMOOTHING / 2
    per_answer = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    return (per_answer * torch.where(labels > 0.5, weights[1], weights[0])).sum(dim=1).mean()


def _endless_order(count: int, wanted: int, chance: np.random.Generator) -> np.ndarray:
    """`wanted` indices below `count`: one shuffle after the other."""
    shuffles = [chance.permutation(count) for _ in range(math.ceil(wanted / count))]
    return np.concatenate(shuffles)[:wanted]


def vary(pictures: Picture, side_px: int, chance: np.random.Generator) -> torch.Tensor:
    """Pictures (B, S, S, 3) as network input (B, 3, side_px, side_px), each mirrored or not, shifted, zoomed, turned and lit."""
    count = len(pictures)
    mirror = np.where(chance.random(count) < 0.5, -1.0, 1.0)
    zoom = 1.0 + _LARGEST_ZOOM * chance.uniform(-1, 1, count)
    turn = _LARGEST_TURN_RAD * chance.uniform(-1, 1, count)
    shift = _LARGEST_SHIFT * chance.uniform(-1, 1, (count, 2))
    across = np.stack([mirror * zoom * np.cos(turn), -zoom * np.sin(turn), shift[:, 0]], axis=1)
    down = np.stack([mirror * zoom * np.sin(turn), zoom * np.cos(turn), shift[:, 1]], axis=1)
    matrices = torch.from_numpy(np.stack([across, down], axis=1).astype(np.float32))
    grid = functional.affine_grid(matrices, [count, 3, side_px, side_px], align_corners=False)
    batch = torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(torch.float32).sub(127.0).div_(128.0)
    moved = functional.grid_sample(batch, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    light = torch.from_numpy(_LARGEST_LIGHT * chance.uniform(-1, 1, (2, count, 1, 1, 1)).astype(np.float32))
    return moved * (1 + light[0]) + light[1]
