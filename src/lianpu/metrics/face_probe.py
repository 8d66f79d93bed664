"""A second judge of edits: ridge regression on frozen ImageNet features, cross-fitted, so that no face is judged by what was fitted to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from lianpu.attributes import balanced_folds
from lianpu.imaging.picture import Picture
from lianpu.metrics.features import to_network_input
from lianpu.models.efficientnet import load_efficientnet

Vectors = np.ndarray[Any, np.dtype[np.float64]]

GRID = 7
"""Fields a side in which features of the middle stage are averaged: what is where matters for age."""

_MIDDLE, _GRID_WEIGHT = 5, 0.15
"""The stage whose grid counts (112 channels at 14 x 14), and its weight beside the means and spreads of it and all later ones."""

PENALTY = 1.0
"""Of the ridge, in units of the mean squared feature."""

FOLDS = 5

LEAST = 8
"""Faces with and without an attribute that a probe needs."""


class FaceFeatures:
    """Frozen features of aligned faces by EfficientNet-Lite0 (ImageNet): it has learned nothing from faces with labels."""

    name = "efficientnet-lite0, stages 5 to 8"

    def __init__(self, load: Callable[[], nn.Module] = load_efficientnet) -> None:
        """Raises WeightsError when its weights cannot be had."""
        self._network: Any = load().eval()

    @torch.inference_mode()
    def vector(self, crop: Picture) -> Vectors:
        """(D,) of one aligned face (S, S, 3)."""
        network = self._network
        maps = network.bn1(network.conv_stem(to_network_input(crop[None])))
        kept = []
        for number, block in enumerate(network.blocks, start=1):
            maps = block(maps)
            if number == _MIDDLE:
                kept.append(_GRID_WEIGHT * functional.adaptive_avg_pool2d(maps, GRID).flatten())
            if number >= _MIDDLE:
                kept += _pooled(maps)
        kept += _pooled(network.bn2(network.conv_head(maps)))
        return np.asarray(torch.cat(kept).double().numpy())


def _pooled(maps: torch.Tensor) -> list[torch.Tensor]:
    return [maps.mean((0, 2, 3)), maps.std((2, 3))[0]]


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear rule on standardised features: above 0 the attribute is seen."""

    center: Vectors
    scale: Vectors
    weights: Vectors
    bias: float

    def score(self, vector: Vectors) -> float:
        """How far a face (D,) is on the side of those that have the attribute."""
        return float((vector - self.center) / self.scale @ self.weights) + self.bias


def fit_probe(vectors: Vectors, truth: np.ndarray[Any, Any]) -> Probe:
    """The ridge regression of +1 and -1 on features (N, D). Its border is in the middle between the mean scores of both kinds, each face
    scored by what was fitted to the others (the closed form of leaving one out), so that a rare kind weighs as much as the other."""
    center, scale = vectors.mean(axis=0), vectors.std(axis=0) + 1e-6
    standard = (vectors - center) / scale
    target = np.where(truth, 1.0, -1.0)
    inverse = np.linalg.inv(standard @ standard.T / standard.shape[1] + PENALTY * np.eye(len(target)))
    dual = inverse @ (target - target.mean())
    left_out = target - dual / np.diag(inverse)
    border = (left_out[truth].mean() + left_out[~truth].mean()) / 2
    return Probe(center, scale, standard.T @ dual / standard.shape[1], float(target.mean() - border))


@dataclass(frozen=True)
class JudgeAccuracy:
    """How often a judge is right on real faces that it was not fitted to.

    Args:
        hits: faces judged rightly, of `count`.
        count: labelled faces.
        balanced: mean of the rates on faces with and without the attribute.
    """

    hits: int
    count: int
    balanced: float


@dataclass(frozen=True, eq=False)
class SecondJudge:
    """Probes of `FOLDS` folds by attribute; a face is judged by the probe that did not see it.

    Args:
        probes: by attribute, one of each fold.
        folds: of each face that was seen, by name.
        accuracy: by attribute, on the faces that it was fitted to, each by a probe that did not see it.
    """

    probes: Mapping[str, Sequence[Probe]]
    folds: Mapping[str, Mapping[str, int]]
    accuracy: Mapping[str, JudgeAccuracy]

    def sees(self, attribute: str, name: str, vector: Vectors) -> bool:
        """Whether a face (D,) has an attribute. A face of a name that no probe saw is judged by all together."""
        probes = self.probes[attribute]
        fold = self.folds[attribute].get(name)
        chosen = probes if fold is None else [probes[fold]]
        return float(np.mean([probe.score(vector) for probe in chosen])) > 0


def fit_judge(
    faces: Mapping[str, Vectors], labels: Mapping[str, Mapping[str, bool]], attributes: Sequence[str], seed: int
) -> SecondJudge:
    """The judge of some attributes, cross-fitted on labelled faces. An attribute with fewer than `LEAST` of either kind is left out.

    Args:
        faces: features (D,) by name.
        labels: by name and attribute; a face without an attribute's label does not count for it.
        attributes: what is to be judged.
        seed: of the folds.
    """
    probes, folds, accuracy = {}, {}, {}
    for attribute in attributes:
        names = [name for name in faces if attribute in labels.get(name, {})]
        truth = np.array([labels[name][attribute] for name in names], dtype=bool)
        if min(int(truth.sum()), int((~truth).sum())) < LEAST:
            continue
        vectors = np.stack([faces[name] for name in names])
        fold = balanced_folds(truth, FOLDS, seed)
        probes[attribute] = [fit_probe(vectors[fold != number], truth[fold != number]) for number in range(FOLDS)]
        seen = np.array([probes[attribute][number].score(vector) > 0 for number, vector in zip(fold, vectors, strict=True)])
        balanced = float(seen[truth].mean() + (~seen[~truth]).mean()) / 2
        accuracy[attribute] = JudgeAccuracy(int((seen == truth).sum()), len(truth), balanced)
        folds[attribute] = dict(zip(names, fold.tolist(), strict=True))
    return SecondJudge(probes, folds, accuracy)
