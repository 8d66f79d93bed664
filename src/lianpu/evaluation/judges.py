"""Everything that scoring needs and that is the same for every model: networks, real features, the classifier. Made once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from lianpu.allocator import keep_freed_memory
from lianpu.attributes import Labels
from lianpu.dataset.faces import Dataset, Faces
from lianpu.dataset.part_maps import PartMaps
from lianpu.errors import LianpuError, ScoreError, SettingsError, WeightsError, nearest_name
from lianpu.evaluation.classifier_store import obtain_classifier, see_faces
from lianpu.evaluation.dirt import DirtOfCrops
from lianpu.evaluation.identity import IdentityOfCrops
from lianpu.evaluation.results import Judge
from lianpu.imaging.picture import Picture
from lianpu.metrics.attribute_classifier import AttributeClassifier
from lianpu.metrics.classifier_training import ClassifierSettings
from lianpu.metrics.features import EfficientNetFeatures, FeatureNetwork, Features, join_features
from lianpu.metrics.fidelity import load_inception
from lianpu.metrics.lpips_distance import LpipsDistance, load_lpips

METRICS = ("fid", "kid", "is", "lpips", "attribute_success", "identity", "outside")
"""What can be asked for. `fid`, `kid` and `is` mean the figures of the chosen feature network, under its own names.

`outside` is measured where the parts of the held-out faces are given.
"""

FeatureChoice = Literal["auto", "inception", "efficientnet-lite0"]
ReferenceSplit = Literal["train", "test"]

BATCH = 32
"""Faces per batch of every network here."""

Stage = Callable[[str], Callable[[int, int], None] | None]
"""Given the name of a stage that begins, the callback for its progress (or None)."""


@dataclass(frozen=True)
class Judges:
    """What judges edited faces, and the real faces that they are compared with.

    Args:
        held_out: the faces that are edited.
        reference: the real faces of the reference split.
        network: for distances, or None if none are measured.
        real: features of `reference`; `unedited`: of `held_out` before any edit. None without a network.
        lpips: or None; then `lpips_missing` says why (empty when it was not asked for).
        classifier: or None when success was not asked for; `judge` says how good it is; `seen`: what it sees in `held_out`.
        identity: or None; then `identity_missing` says why (empty when it was not asked for). `own`: (N, F) vectors of `held_out`.
        parts: of `held_out`, or None.
        metrics: the requested metrics.
        seed: of every draw.
        data: fingerprint of the dataset.
        notes: what a reader must know about this choice of judges.
        dirt: or None; then `dirt_missing` says why (empty when it was not asked for).
        pictures: (N, S, S, 3) uint8 of `held_out`, read once for all rows of the table; None where they would take too much memory.
    """

    held_out: Faces
    reference: Faces
    network: FeatureNetwork | None
    real: Features | None
    unedited: Features | None
    lpips: LpipsDistance | None
    lpips_missing: str
    classifier: AttributeClassifier | None
    judge: Judge | None
    seen: Labels | None
    identity: IdentityOfCrops | None
    identity_missing: str
    own: np.ndarray | None
    parts: PartMaps | None
    metrics: tuple[str, ...]
    seed: int
    data: str
    notes: tuple[str, ...]
    dirt: DirtOfCrops | None = None
    dirt_missing: str = ""
    pictures: np.ndarray | None = None

    def read(self, rows: np.ndarray) -> list[Picture]:
        """The held-out faces of some rows."""
        return [self.held_out.read(int(row)) if self.pictures is None else self.pictures[row] for row in rows]


def prepare_judges(
    dataset: Dataset,
    metrics: Sequence[str] = METRICS,
    *,
    reference_split: ReferenceSplit = "train",
    max_faces: int | None = None,
    seed: int = 0,
    features: FeatureChoice = "auto",
    inception_weights: Path | str | None = None,
    alexnet_weights: Path | str | None = None,
    classifier_folder: Path | None = None,
    classifier_settings: ClassifierSettings = ClassifierSettings(),  # noqa: B008 (frozen)
    device: torch.device | str = "cpu",
    parts: PartMaps | None = None,
    with_dirt: bool = False,
    stage: Stage = lambda name: None,
) -> Judges:
    """The judges for models trained on `dataset`.

    Args:
        metrics: some of METRICS.
        reference_split: which real faces edits are compared with; `train` has many more of each kind.
        max_faces: at most so many faces of either split, drawn by `seed`; None takes all.
        features: `inception` (FID, KID, IS), `efficientnet-lite0` (the offline stand-in), or `auto`: Inception if it can be had.
        inception_weights, alexnet_weights: files given by the user; else the usual places, else a download.
        classifier_folder: where the judge of success is kept between evaluations.
        parts: of all held-out faces of `dataset`, in their order, for `outside`.
        with_dirt: measure dirt (the patch distance), too, which takes about 0.1 s a face and row.
        stage: called as each longer part begins.

    Raises:
        SettingsError: an unknown metric.
        WeightsError: a given weights file is wrong, or Inception was asked for and cannot be had.
    """
    _check_metrics(metrics)
    if torch.device(device).type == "cpu":
        keep_freed_memory()
    held_out, reference = dataset.test, dataset.train if reference_split == "train" else dataset.test
    if max_faces is not None:
        if parts is not None:
            parts = PartMaps(parts.maps[_places(held_out, held_out.sample(max_faces, seed))])
        held_out, reference = held_out.sample(max_faces, seed), reference.sample(max_faces, seed)
    notes: list[str] = []
    network = None
    if {"fid", "kid", "is"} & set(metrics):
        network, network_notes = _choose_network(features, inception_weights, device, stage)
        notes += network_notes
    lpips, lpips_missing = _try_lpips(alexnet_weights, device, stage) if "lpips" in metrics else (None, "")
    classifier, judge, seen = None, None, None
    if "attribute_success" in metrics:
        classifier, judge = obtain_classifier(
            dataset, classifier_folder, seed, classifier_settings, device, stage("Training the attribute classifier")
        )
        seen = see_faces(classifier, held_out)
    identity, identity_missing = _try_identity(dataset.alignment) if "identity" in metrics else (None, "")
    own = _own_identities(identity, held_out, stage("Looking at who the faces are")) if identity else None
    dirt, dirt_missing = _try_dirt(dataset.alignment) if with_dirt else (None, "")
    real = unedited = None
    if network is not None:
        on_progress = stage(f"Looking at real faces with {network.name}")
        both = len(reference) + len(held_out)
        real = features_of_faces(network, reference, 0, both, on_progress)
        unedited = features_of_faces(network, held_out, len(reference), both, on_progress)
    return Judges(
        held_out=held_out,
        reference=reference,
        network=network,
        real=real,
        unedited=unedited,
        lpips=lpips,
        lpips_missing=lpips_missing,
        classifier=classifier,
        judge=judge,
        seen=seen,
        identity=identity,
        identity_missing=identity_missing,
        own=own,
        parts=parts if "outside" in metrics else None,
        metrics=tuple(metrics),
        seed=seed,
        data=dataset.fingerprint,
        notes=tuple(notes),
        dirt=dirt,
        dirt_missing=dirt_missing,
        pictures=_kept_pictures(held_out),
    )


def _places(faces: Faces, some: Faces) -> list[int]:
    """Where the faces of `some` stand among `faces`."""
    place = {int(row): index for index, row in enumerate(faces.rows)}
    return [place[int(row)] for row in some.rows]


def _try_identity(alignment: str) -> tuple[IdentityOfCrops | None, str]:
    try:
        return IdentityOfCrops(alignment), ""
    except (ScoreError, WeightsError) as problem:
        return None, str(problem)


def _try_dirt(alignment: str) -> tuple[DirtOfCrops | None, str]:
    try:
        return DirtOfCrops(alignment), ""
    except LianpuError as problem:
        return None, str(problem)


MOST_KEPT_BYTES = 1 << 30
"""Held-out faces up to this size together are decoded once and kept."""


def _kept_pictures(faces: Faces) -> np.ndarray | None:
    if len(faces) * faces.image_size**2 * 3 > MOST_KEPT_BYTES or not len(faces):
        return None
    return np.stack([faces.read(row) for row in range(len(faces))])


def _own_identities(identity: IdentityOfCrops, faces: Faces, on_progress: Callable[[int, int], None] | None) -> np.ndarray:
    parts = []
    for rows in batches_of(faces):
        parts.append(identity.vectors(np.stack([faces.read(int(row)) for row in rows])))
        if on_progress:
            on_progress(int(rows[-1]) + 1, len(faces))
    return np.concatenate(parts)


def _check_metrics(metrics: Sequence[str]) -> None:
    for name in metrics:
        if name not in METRICS:
            raise SettingsError(f"'{name}' is no metric{nearest_name(name, METRICS)}. Known: {', '.join(METRICS)}.")


def _choose_network(
    features: FeatureChoice, inception_weights: Path | str | None, device: torch.device | str, stage: Stage
) -> tuple[FeatureNetwork, list[str]]:
    if features == "efficientnet-lite0":
        return EfficientNetFeatures(device), [_STAND_IN_NOTE]
    try:
        return load_inception(inception_weights, device, stage("Downloading Inception")), []
    except WeightsError as problem:
        if features == "inception" or inception_weights is not None:
            raise
        return EfficientNetFeatures(device), [f"{_STAND_IN_NOTE} FID, KID and IS were not measured: {problem}"]


_STAND_IN_NOTE = (
    "Distances are of EfficientNet-Lite0, the offline stand-in: they may be compared with each other, never with FID, KID or IS."
)


def _try_lpips(path: Path | str | None, device: torch.device | str, stage: Stage) -> tuple[LpipsDistance | None, str]:
    try:
        return load_lpips(path, device, stage("Downloading AlexNet")), ""
    except WeightsError as problem:
        if path is not None:
            raise
        return None, str(problem)


def batches_of(faces: Faces) -> Iterator[np.ndarray]:
    """Indices of the faces, BATCH at a time."""
    for start in range(0, len(faces), BATCH):
        yield np.arange(start, min(start + BATCH, len(faces)))


def features_of_faces(
    network: FeatureNetwork, faces: Faces, done: int, total: int, on_progress: Callable[[int, int], None] | None
) -> Features:
    """Features of unedited faces; progress is counted from `done` of `total`."""
    parts = []
    for rows in batches_of(faces):
        parts.append(Features(*network.extract(np.stack([faces.read(int(row)) for row in rows]))))
        if on_progress:
            on_progress(done + int(rows[-1]) + 1, total)
    return join_features(parts)
