"""The scores of an editor: distances between sets of faces, and what its edits do to single faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lianpu.attributes import Labels
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.plan import MINIMUM_FACES, EditTask, success_by_attribute, success_by_face
from lianpu.evaluation.protocol import ENOUGH_FOR_FRECHET, INCEPTION_FEATURES, OVERALL, Better, Protocol, Score
from lianpu.evaluation.results import Difference
from lianpu.metrics.features import Features
from lianpu.metrics.fidelity import (
    FEWEST_FOR_INFINITY,
    frechet_distance,
    frechet_infinity,
    inception_score,
    kernel_distance,
    kernel_interval,
)
from lianpu.metrics.intervals import Interval, bootstrap, wilson
from lianpu.metrics.patch_distance import patch_distance

INCEPTION_NAMES = {"fid": "fid", "fid_infinity": "fid_infinity", "kid": "kid", "is": "is"}


def metric_names(network_name: str) -> dict[str, str]:
    """What `fid`, `fid_infinity`, `kid` and `is` are called with a feature network: themselves with Inception only."""
    if network_name == INCEPTION_FEATURES:
        return INCEPTION_NAMES
    ending = network_name.replace("-", "_")
    return {
        "fid": f"frechet_{ending}",
        "fid_infinity": f"frechet_infinity_{ending}",
        "kid": f"kernel_{ending}",
        "is": f"inception_score_{ending}",
    }


def distance_scores(judges: Judges, transform: str, real: Features, fake: Features) -> list[Score]:
    """The requested distances of edited pictures (or others in their place) from real ones; of few pictures the kernel distance comes first.

    Over all faces, a Frechet distance of few pictures comes with the one that endless sets would have.
    """
    assert judges.network is not None
    names, counts = metric_names(judges.network.name), (len(real), len(fake))
    scores = []
    if "fid" in judges.metrics:
        scores.append(_score(judges, names["fid"], transform, frechet_distance(real, fake), "lower", *counts))
        if transform == OVERALL and FEWEST_FOR_INFINITY <= min(counts) < ENOUGH_FOR_FRECHET:
            endless = frechet_infinity(real, fake, judges.seed)
            scores.append(_score(judges, names["fid_infinity"], transform, endless, "lower", *counts))
    if "kid" in judges.metrics:
        kernel, spread = kernel_distance(real, fake), kernel_interval(real, fake, judges.seed)
        around = Interval(kernel.mean, min(spread.low, kernel.mean), max(spread.high, kernel.mean))
        scores.append(_score(judges, names["kid"], transform, around, "lower", *counts, kernel.settings, kernel.std))
    if min(counts) < ENOUGH_FOR_FRECHET:
        scores.reverse()
    if "is" in judges.metrics:
        clear = inception_score(fake)
        scores.append(_score(judges, names["is"], transform, clear.mean, "higher", 0, len(fake), clear.settings, clear.std))
    return scores


def kernel_difference(judges: Judges, first: Features, second: Features) -> Difference:
    """How much nearer to real faces, by the kernel distance, the second of two models brings the same faces than the first does."""
    assert judges.network is not None and judges.real is not None
    interval = kernel_interval(judges.real, first, judges.seed, second)
    return Difference(metric_names(judges.network.name)["kid"], interval, len(first), "lower")


def _score(
    judges: Judges,
    metric: str,
    transform: str,
    value: float | Interval,
    better: Better,
    real_count: int,
    fake_count: int,
    settings: str = "",
    std: float | None = None,
) -> Score:
    assert judges.network is not None
    value, low, high = _ends(value)
    return Score(
        low=low,
        high=high,
        metric=metric,
        transform=transform,
        value=value,
        better=better,
        protocol=Protocol(
            metric=metric,
            features=judges.network.name,
            resize=judges.network.resize,
            real_count=real_count,
            fake_count=fake_count,
            real_split=judges.reference.split if real_count else "none",
            fake_split=judges.held_out.split,
            seed=judges.seed,
            image_size=judges.held_out.image_size,
            data=judges.data,
            settings=settings,
        ),
        std=std,
    )


def _ends(value: float | Interval) -> tuple[float, float | None, float | None]:
    return (value.value, value.low, value.high) if isinstance(value, Interval) else (value, None, None)


def rank_note(judges: Judges, counts: list[int]) -> str | None:
    """A sentence when some set has fewer pictures than features, so that its covariance does not have full rank."""
    if judges.real is None or "fid" not in judges.metrics:
        return None
    feature_count = judges.real.features.shape[1]
    few = [count for count in counts if count <= feature_count]
    if not few:
        return None
    span = f"{min(few)}" if min(few) == max(few) else f"{min(few)} to {max(few)}"
    return (
        f"{metric_names(judges.network.name)['fid'] if judges.network else ''}: sets of {span} pictures, fewer than the "
        f"{feature_count} features: the covariance lacks rank and the distance is too large. Read the kernel distance first, then the "
        "distance of endless sets (infinity), which is an extrapolation and rough; compare only rows of equal counts."
    )


def edit_score(
    judges: Judges,
    task: EditTask,
    metric: str,
    value: float | Interval,
    better: Better,
    features: str = "pixels",
    resize: str = "none",
    *,
    transform: str | None = None,
    count: int | None = None,
) -> Score:
    """A score of the faces of a task that needs no real faces for comparison."""
    protocol = Protocol(
        metric=metric,
        features=features,
        resize=resize,
        real_count=0,
        fake_count=len(task) if count is None else count,
        real_split="none",
        fake_split=judges.held_out.split,
        seed=judges.seed,
        image_size=judges.held_out.image_size,
        data=judges.data,
    )
    number, low, high = _ends(value)
    return Score(metric, task.name if transform is None else transform, number, better, protocol, low=low, high=high)


def success_scores(judges: Judges, task: EditTask, seen: Labels | None) -> list[Score]:
    """Success of the edits, and the same judge's rate on the unedited faces."""
    if seen is None or judges.seen is None or judges.classifier is None:
        return []
    attributes = judges.held_out.attributes
    edited, unedited = (
        success_by_face(attributes, one, task).sum(axis=0).astype(int).tolist() for one in (seen, judges.seen[task.source_rows])
    )
    if not edited[1]:
        return []
    name, resize = _judge_name(judges)
    return [
        edit_score(judges, task, "attribute_success", wilson(*edited), "higher", name, resize),
        edit_score(judges, task, "attribute_success_unedited", wilson(*unedited), "neither", name, resize),
    ]


def drift_by_face(judges: Judges, task: EditTask, seen: Labels) -> np.ndarray:
    """(N, A) in {0, 1}, NaN where the attribute was asked for: 1 where the judge sees another value than before the edit."""
    assert judges.seen is not None
    moved = (seen != judges.seen[task.source_rows]).astype(np.float64)
    return np.where(task.asked, np.nan, moved)


def drift_scores(judges: Judges, task: EditTask, seen: Labels | None) -> list[Score]:
    """Share of the attributes nobody asked for that the judge sees changed by the edit."""
    if seen is None or judges.seen is None or judges.classifier is None:
        return []
    moved = drift_by_face(judges, task, seen)
    free = ~np.isnan(moved).all(axis=1)
    if not free.any():
        return []
    shares = np.nanmean(moved[free], axis=1)
    name, resize = _judge_name(judges)
    return [edit_score(judges, task, "drift", bootstrap(shares, judges.seed), "lower", name, resize, count=int(free.sum()))]


def dirt_scores(judges: Judges, task: EditTask, patches: np.ndarray | None) -> list[Score]:
    """The patch distance of the edits from real faces of the wanted kind."""
    if patches is None or judges.dirt is None:
        return []
    real = judges.dirt.of_real(judges.reference, task.real_rows)
    if min(len(patches), len(real)) < MINIMUM_FACES:
        return []
    found = patch_distance(patches, np.stack(real), judges.seed).all
    score = edit_score(judges, task, "dirt", found, "lower", judges.dirt.name, judges.dirt.resize, count=len(patches))
    protocol = replace(score.protocol, real_count=len(real), real_split=judges.reference.split)
    return [replace(score, protocol=protocol)]


def attribute_scores(judges: Judges, task: EditTask, seen: Labels) -> list[Score]:
    """Success per attribute, over the edits that change it; `transform` is the attribute's name."""
    name, resize = _judge_name(judges)
    shares = success_by_attribute(judges.held_out.attributes, seen, task)
    return [
        edit_score(
            judges,
            task,
            "attribute_success",
            wilson(round(share * count), count),
            "higher",
            name,
            resize,
            transform=attribute,
            count=count,
        )
        for attribute, (share, count) in shares.items()
    ]


def _judge_name(judges: Judges) -> tuple[str, str]:
    assert judges.classifier is not None
    info = judges.classifier.info
    name = f"attribute classifier {judges.classifier.digest}, {info.train_count} training faces, {info.steps} steps"
    return name, f"{info.input_px} px, bilinear, antialiased"
