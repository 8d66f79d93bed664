"""How far patches of edited faces lie from those of real faces of the wanted kind: a measure of dirt that agrees with people's grades.

The unbiased squared maximum mean discrepancy (Gretton et al. 2012) with the kernel of the kernel distance (Binkowski et al. 2018:
polynomial of degree 3), patch by patch, on early frozen features of EfficientNet-Lite0. 0 for faces that cannot be told from real ones.
Which features, patches and kernels were tried, and how the grades ordered them, is in docs/results/log/edits.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from lianpu.imaging.picture import Picture
from lianpu.metrics.features import to_network_input
from lianpu.metrics.intervals import Interval
from lianpu.models.efficientnet import load_efficientnet

CROP_PX = 512
"""Side of the aligned face that patches are cut from."""

ZONES: Mapping[str, tuple[int, ...]] = {
    "forehead": (151,),
    "right_forehead": (103,),
    "left_forehead": (332,),
    "glabella": (9,),
    "right_brow": (105,),
    "left_brow": (334,),
    "right_eye": (159, 145),
    "left_eye": (386, 374),
    "under_right_eye": (119,),
    "under_left_eye": (348,),
    "right_cheek": (50,),
    "left_cheek": (280,),
    "right_smile_line": (205,),
    "left_smile_line": (425,),
    "nose": (4,),
    "upper_lip": (164,),
    "lips": (13, 14),
    "chin": (200,),
    "right_jaw": (214,),
    "left_jaw": (434,),
}
"""The patches, and the points of the face mesh in whose middle each lies; left and right are the person's own."""

MIDDLE = ("glabella", "upper_lip", "chin")
"""Where small editors leave the most dirt: between the brows, under the nose, on the chin."""

_HALF_PX = 32
"""Half the side of a patch in the crop: the eyes are 124 px apart there."""

_STAGES = (2, 3, 4)
"""The stages whose maps are averaged over each patch (strides 4, 8 and 16): texture and spots, not yet objects."""

_CLIP = 8.0
"""Standardised features beyond this say nothing more."""

_RESAMPLES = 300

Patches = np.ndarray[Any, np.dtype[np.float32]]
"""(Z, D): the features of each zone of one face."""


class PatchFeatures:
    """Means and spreads of early maps over each patch of an aligned face."""

    name = "efficientnet-lite0, stages 2 to 4"

    def __init__(self, load: Callable[[], nn.Module] = load_efficientnet) -> None:
        """Raises WeightsError when its weights cannot be had."""
        self._network: Any = load().eval()

    @torch.inference_mode()
    def patches(self, crop: Picture, points: np.ndarray[Any, Any]) -> Patches:
        """(Z, D) of an aligned face.

        Args:
            crop: (512, 512, 3).
            points: (K, 2) of its face mesh, in pixels of the crop.
        """
        network = self._network
        maps = network.bn1(network.conv_stem(to_network_input(crop[None], CROP_PX)))
        kept = []
        for number, block in enumerate(network.blocks[: _STAGES[-1]], start=1):
            maps = block(maps)
            if number in _STAGES:
                kept.append(_over_zones(maps[0].numpy(), points))
        return np.concatenate(kept, axis=1)


def _over_zones(maps: np.ndarray[Any, Any], points: np.ndarray[Any, Any]) -> Patches:
    """(Z, 2 C): mean and standard deviation of maps (C, h, w) over each patch."""
    scale, limit = maps.shape[1] / CROP_PX, maps.shape[1]
    rows = []
    for zone in ZONES.values():
        x, y = points[list(zone)].mean(axis=0)
        left, top = (int(np.clip(round((value - _HALF_PX) * scale), 0, limit - 1)) for value in (x, y))
        side = max(1, round(2 * _HALF_PX * scale))
        window = maps[:, top : top + side, left : left + side].reshape(len(maps), -1)
        rows.append(np.concatenate([window.mean(axis=1), window.std(axis=1)]))
    return np.asarray(rows, dtype=np.float32)


@dataclass(frozen=True)
class PatchDistance:
    """The distance of a set of faces from a reference.

    Args:
        all: mean over all zones, with its 95 % interval over the faces.
        middle: mean over `MIDDLE`, likewise.
        zones: of each zone.
        faces: how many faces, and `reference`: real ones.
    """

    all: Interval
    middle: Interval
    zones: Mapping[str, float]
    faces: int
    reference: int


def patch_distance(faces: np.ndarray[Any, Any], reference: np.ndarray[Any, Any], seed: int) -> PatchDistance:
    """The distance of faces (N, Z, D) from real ones (M, Z, D), which also give the scale of each feature.

    Raises:
        ValueError: fewer than 2 faces on either side.
    """
    if min(len(faces), len(reference)) < 2:
        raise ValueError(f"the patch distance needs 2 faces on either side, got {len(faces)} and {len(reference)}")
    center, scale = reference.mean(axis=0, dtype=np.float64), reference.std(axis=0, dtype=np.float64) + 1e-3
    own, real = (np.clip((values - center) / scale, -_CLIP, _CLIP) for values in (faces, reference))
    zones = range(len(ZONES))
    within = np.stack([_kernel(own[:, zone], own[:, zone]) for zone in zones])
    across = np.stack([_kernel(own[:, zone], real[:, zone]).mean(axis=1) for zone in zones])
    among = np.array([_off_diagonal_mean(_kernel(real[:, zone], real[:, zone])) for zone in zones])
    for zone in zones:
        np.fill_diagonal(within[zone], 0.0)

    def of(counts: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """(Z,) distances, each face counted so many times, never beside itself."""
        pairs = float(counts.sum() ** 2 - (counts**2).sum())
        return np.asarray((within @ counts @ counts) / pairs + among - 2 * (across @ counts) / counts.sum())

    chance = np.random.default_rng(seed)
    value = of(np.ones(len(own)))
    drawn = np.stack([of(np.bincount(chance.integers(0, len(own), len(own)), minlength=len(own))) for _ in range(_RESAMPLES)])
    names = list(ZONES)
    return PatchDistance(
        _interval(value, drawn, names),
        _interval(value, drawn, MIDDLE),
        dict(zip(names, value.tolist(), strict=True)),
        len(own),
        len(real),
    )


def _interval(value: np.ndarray[Any, Any], drawn: np.ndarray[Any, Any], zones: Any) -> Interval:
    chosen = [list(ZONES).index(name) for name in zones]
    low, high = np.percentile(drawn[:, chosen].mean(axis=1), [2.5, 97.5]).tolist()
    return Interval(float(value[chosen].mean()), low, high)


def _kernel(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray((first @ second.T / first.shape[1] + 1.0) ** 3)


def _off_diagonal_mean(kernel: np.ndarray[Any, Any]) -> float:
    count = len(kernel)
    return float((kernel.sum() - np.trace(kernel)) / (count * (count - 1)))
