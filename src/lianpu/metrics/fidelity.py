"""Frechet, kernel and inception-score figures, by torch-fidelity: the only door to it.

Its functions are called on features, not on folders, so that the features of a set are computed once and used for every transform.
The numbers are those that `torch_fidelity.calculate_metrics` gives for the same pictures; tests/metrics/test_fidelity.py shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lianpu.errors import WeightsError
from lianpu.imaging.picture import Picture
from lianpu.metrics.features import Features
from lianpu.metrics.intervals import Interval
from lianpu.models.store.download import obtain_model_file
from lianpu.weights import read_tensors

KERNEL_SUBSETS = 100
KERNEL_SUBSET_SIZE = 1000
"""Pictures per subset of the kernel distance (as published), or all of the smaller set when it has fewer."""

INCEPTION_SCORE_SPLITS = 10
"""Splits of the inception score as published; below FULL_SPLIT pictures per split one split of all is used."""

FULL_SPLIT = 500
SUBSET_SEED = 2020
"""torch-fidelity's own seed for drawing subsets and shuffling."""


@dataclass(frozen=True)
class Spread:
    """A figure that is a mean over subsets or splits, its standard deviation over them, and how they were made, in words."""

    mean: float
    std: float
    settings: str


def frechet_distance(real: Features, fake: Features) -> float:
    """The Frechet distance between Gaussians fitted to two sets of features (Heusel et al. 2017), 0 for equal sets.

    Where a set has fewer pictures than features, its covariance does not have full rank: the value is then biased upwards,
    and the eigenvalues that torch-fidelity needs are mostly zeros. There the trace of the root is taken from the small matrix
    of inner products instead: the same number (to 1e-6) in a hundredth of the time.

    Raises:
        ValueError: a set of fewer than 2 pictures.
    """
    from torch_fidelity.metric_fid import KEY_METRIC_FID, fid_features_to_statistics, fid_statistics_to_metric

    if min(len(real), len(fake)) < 2:
        raise ValueError(f"a covariance needs 2 pictures, got {len(real)} and {len(fake)}")
    if min(len(real), len(fake)) <= real.features.shape[1]:
        return _frechet_of_few(real.features.double().numpy(), fake.features.double().numpy())
    statistics = [fid_features_to_statistics(features.features) for features in (real, fake)]
    return float(fid_statistics_to_metric(*statistics, verbose=False)[KEY_METRIC_FID])


def _frechet_of_few(real: np.ndarray, fake: np.ndarray) -> float:
    """tr sqrt(S1 S2) is the nuclear norm of X1 X2' over sqrt((n1-1)(n2-1)), X the centred features and S their covariance."""
    real_mean, fake_mean = real.mean(axis=0), fake.mean(axis=0)
    real_centred, fake_centred = real - real_mean, fake - fake_mean
    real_scale, fake_scale = len(real) - 1, len(fake) - 1
    root_trace = np.linalg.norm(real_centred @ fake_centred.T, "nuc") / np.sqrt(real_scale * fake_scale)
    traces = np.square(real_centred).sum() / real_scale + np.square(fake_centred).sum() / fake_scale
    return float(np.square(real_mean - fake_mean).sum() + traces - 2 * root_trace)


def kernel_distance(real: Features, fake: Features) -> Spread:
    """The kernel distance (KID, Binkowski et al. 2018: polynomial kernel of degree 3), unbiased: slightly below 0 for equal sets.

    Raises:
        ValueError: a set of fewer than 2 pictures.
    """
    from torch_fidelity.metric_kid import KEY_METRIC_KID_MEAN, KEY_METRIC_KID_STD, kid_features_to_metric

    size = min(KERNEL_SUBSET_SIZE, len(real), len(fake))
    if size < 2:
        raise ValueError(f"the kernel distance needs 2 pictures, got {len(real)} and {len(fake)}")
    values = kid_features_to_metric(
        real.features, fake.features, kid_subsets=KERNEL_SUBSETS, kid_subset_size=size, rng_seed=SUBSET_SEED, verbose=False
    )
    settings = f"polynomial kernel of degree 3, {KERNEL_SUBSETS} subsets of {size}"
    return Spread(values[KEY_METRIC_KID_MEAN], values[KEY_METRIC_KID_STD], settings)


_KERNEL_RESAMPLES = 400
_MOST_RESAMPLED = 3000
"""Pictures of a set whose inner products are kept for an interval: 36 MB each."""


def kernel_interval(real: Features, fake: Features, seed: int, other: Features | None = None) -> Interval:
    """The kernel distance of all pictures (unbiased), with its 95 % interval by a bootstrap over the pictures of both sets.

    Pairs of a drawn picture with itself do not count, so the resampled distances are unbiased too. With `other`, edits of the same faces in
    the same order as `fake`, the interval is that of the difference: distance of `other` minus distance of `fake`, on the same draws.

    Raises:
        ValueError: a set of fewer than 2 pictures, or `other` of another count than `fake`.
    """
    if min(len(real), len(fake)) < 2 or (other is not None and len(other) != len(fake)):
        raise ValueError(f"needs 2 pictures of either set, and as many other edits, got {len(real)} and {len(fake)}")
    chance = np.random.default_rng(seed)
    real_rows, fake_rows = (chance.permutation(len(one))[:_MOST_RESAMPLED] for one in (real, fake))
    truth = real.features.numpy()[real_rows]
    edits = [one.features.numpy()[fake_rows] for one in ((fake,) if other is None else (fake, other))]
    real_counts, fake_counts = (_drawn_counts(len(one), chance) for one in (truth, edits[0]))
    within = _pair_means(_kernel(truth, truth), real_counts)
    distances = [
        within
        + _pair_means(_kernel(one, one), fake_counts)
        - 2 * np.einsum("rn,rn->r", fake_counts @ _kernel(one, truth), real_counts) / (len(one) * len(truth))
        for one in edits
    ]
    values = distances[0] if other is None else distances[1] - distances[0]
    low, high = np.percentile(values[1:], [2.5, 97.5]).tolist()
    return Interval(float(values[0]), low, high)


def _kernel(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray((first @ second.T / first.shape[1] + 1) ** 3, dtype=np.float64)


def _drawn_counts(count: int, chance: np.random.Generator) -> np.ndarray:
    """(R + 1, N): how often each picture is drawn; in the first row once each."""
    return np.vstack([np.ones(count), chance.multinomial(count, np.full(count, 1 / count), _KERNEL_RESAMPLES)]).astype(np.float64)


def _pair_means(kernel: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(R,) the mean of a kernel (N, N) over the pairs of different pictures in each draw (R, N)."""
    np.fill_diagonal(kernel, 0.0)
    pairs = counts.shape[1] ** 2 - (counts**2).sum(axis=1)
    return np.asarray(np.einsum("rn,rn->r", counts @ kernel, counts) / pairs)


_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_MOST_OF_HALF = 400
_HALVES = 60


def frechet_infinity(real: Features, fake: Features, seed: int) -> Interval:
    """The Frechet distance that endless sets would have (Chong & Forsyth 2020), with a 95 % interval: for sets of few pictures.

    The bias of the distance falls as 1 / count, so a straight line through the distances of random parts of both sets, extrapolated to
    1 / count = 0, is free of it. The interval is the spread of that estimate over random parts without replacement (a copy would make a set
    look poorer), scaled to the whole count (Politis & Romano 1994). Below some hundred pictures the line is bent, and the value is rough.

    Raises:
        ValueError: a set of fewer than 16 pictures.
    """
    if min(len(real), len(fake)) < FEWEST_FOR_INFINITY:
        raise ValueError(f"needs {FEWEST_FOR_INFINITY} pictures of either set, got {len(real)} and {len(fake)}")
    chance = np.random.default_rng(seed)
    sets = (real.features.double().numpy(), fake.features.double().numpy())
    value = _extrapolated(sets, chance)
    part = min(0.5, _MOST_OF_HALF / max(len(real), len(fake)))
    parts = [_extrapolated(tuple(_some(one, part, chance) for one in sets), chance) for _ in range(_HALVES)]
    deviations = (np.array(parts) - np.mean(parts)) * np.sqrt(part / (1 - part))
    low, high = np.percentile(deviations, [2.5, 97.5]).tolist()
    return Interval(value, value + low, value + high)


FEWEST_FOR_INFINITY = 16


def _some(pictures: np.ndarray, share: float, chance: np.random.Generator) -> np.ndarray:
    return pictures[chance.permutation(len(pictures))[: max(4, round(share * len(pictures)))]]


def _extrapolated(sets: tuple[np.ndarray, ...], chance: np.random.Generator) -> float:
    points = [_frechet_of_few(*(_some(one, share, chance) for one in sets)) for share in _SHARES]
    return float(np.polyfit([1 / share for share in _SHARES], points, 1)[1])


def inception_score(fake: Features) -> Spread:
    """The inception score (Salimans et al. 2016) from logits: 1 when all pictures look alike to the network, C at most.

    Raises:
        ValueError: no pictures.
    """
    from torch_fidelity.metric_isc import KEY_METRIC_ISC_MEAN, KEY_METRIC_ISC_STD, isc_features_to_metric

    if len(fake) == 0:
        raise ValueError("the inception score needs a picture")
    splits = INCEPTION_SCORE_SPLITS if len(fake) >= INCEPTION_SCORE_SPLITS * FULL_SPLIT else 1
    values = isc_features_to_metric(fake.logits, splits=splits, shuffle=True, rng_seed=SUBSET_SEED)
    settings = f"{splits} split{'s' if splits > 1 else ''} of {len(fake) // splits}"
    return Spread(values[KEY_METRIC_ISC_MEAN], values[KEY_METRIC_ISC_STD], settings)


class InceptionFeatures:
    """torch-fidelity's `inception-v3-compat`: the network that FID, KID and IS are defined with."""

    name = "inception-v3-compat"
    resize = "299 px, bilinear as in TensorFlow 1, no antialiasing"

    def __init__(self, weights_file: Path, device: torch.device | str = "cpu") -> None:
        """The network with the weights in a file.

        Raises:
            WeightsError: the file is not a state dict of this network.
        """
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

        self._device = torch.device(device)
        read_tensors(weights_file, WeightsError)  # torch-fidelity would run code in it, so it is read safely first
        try:
            with torch.random.fork_rng(devices=[]):
                network = FeatureExtractorInceptionV3(
                    self.name, ["2048", "logits_unbiased"], feature_extractor_weights_path=str(weights_file)
                )
            self._network = network.to(self._device)
        except Exception as problem:  # torch-fidelity's own check, and load_state_dict, raise many kinds
            reason = " ".join(str(problem).split())[:200]
            raise WeightsError(f"{weights_file} holds no Inception weights as torch-fidelity keeps them ({reason}).") from problem

    @torch.inference_mode()
    def extract(self, pictures: Picture) -> tuple[torch.Tensor, torch.Tensor]:
        """Features (B, 2048) and logits without bias (B, 1008) of pictures (B, S, S, 3)."""
        batch = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(self._device)
        features, logits = self._network(batch)
        return features.cpu(), logits.cpu()


def load_inception(
    path: Path | str | None = None,
    device: torch.device | str = "cpu",
    on_progress: Callable[[int, int], None] | None = None,
) -> InceptionFeatures:
    """The Inception network, from `path`, from its usual places on this machine, or downloaded (96 MB).

    Raises:
        WeightsError: its file cannot be had; the message names it, says where to put it, and that the stand-in can be used.
    """
    try:
        file = obtain_model_file("inception-v3-fid", path, on_progress)
    except WeightsError as problem:
        raise WeightsError(f"{problem} Or use the offline stand-in: --features efficientnet-lite0.") from None
    return InceptionFeatures(file, device)
