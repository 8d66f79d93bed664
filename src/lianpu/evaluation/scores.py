"""The scores of an editor: distances between sets of faces, and what its edits do to single faces."""

from __future__ import annotations

from lianpu.attributes import Labels
from lianpu.evaluation.judges import Judges
from lianpu.evaluation.plan import EditTask, success_by_attribute, success_share
from lianpu.evaluation.protocol import INCEPTION_FEATURES, Better, Protocol, Score
from lianpu.metrics.features import Features
from lianpu.metrics.fidelity import frechet_distance, inception_score, kernel_distance

INCEPTION_NAMES = {"fid": "fid", "kid": "kid", "is": "is"}


def metric_names(network_name: str) -> dict[str, str]:
    """What `fid`, `kid` and `is` are called with a feature network: themselves with Inception only."""
    if network_name == INCEPTION_FEATURES:
        return INCEPTION_NAMES
    ending = network_name.replace("-", "_")
    return {"fid": f"frechet_{ending}", "kid": f"kernel_{ending}", "is": f"inception_score_{ending}"}


def distance_scores(judges: Judges, transform: str, real: Features, fake: Features) -> list[Score]:
    """The requested distances of edited pictures (or others in their place) from real ones."""
    assert judges.network is not None
    names = metric_names(judges.network.name)
    scores = []
    if "fid" in judges.metrics:
        scores.append(_score(judges, names["fid"], transform, frechet_distance(real, fake), "lower", len(real), len(fake)))
    if "kid" in judges.metrics:
        kernel = kernel_distance(real, fake)
        scores.append(
            _score(judges, names["kid"], transform, kernel.mean, "lower", len(real), len(fake), kernel.settings, kernel.std)
        )
    if "is" in judges.metrics:
        spread = inception_score(fake)
        scores.append(_score(judges, names["is"], transform, spread.mean, "higher", 0, len(fake), spread.settings, spread.std))
    return scores


def _score(
    judges: Judges,
    metric: str,
    transform: str,
    value: float,
    better: Better,
    real_count: int,
    fake_count: int,
    settings: str = "",
    std: float | None = None,
) -> Score:
    assert judges.network is not None
    return Score(
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
        f"{feature_count} features: the covariance lacks rank and the distance is too large. Compare only rows of equal counts, "
        "and read the kernel distance with it."
    )


def edit_score(
    judges: Judges,
    task: EditTask,
    metric: str,
    value: float,
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
    return Score(metric, task.name if transform is None else transform, value, better, protocol)


def success_scores(judges: Judges, task: EditTask, seen: Labels | None) -> list[Score]:
    """Success of the edits, and the same judge's rate on the unedited faces."""
    if seen is None or judges.seen is None or judges.classifier is None:
        return []
    attributes = judges.held_out.attributes
    edited = success_share(attributes, seen, task)
    unedited = success_share(attributes, judges.seen[task.source_rows], task)
    if edited is None or unedited is None:
        return []
    name, resize = _judge_name(judges)
    return [
        edit_score(judges, task, "attribute_success", edited, "higher", name, resize),
        edit_score(judges, task, "attribute_success_unedited", unedited, "neither", name, resize),
    ]


def attribute_scores(judges: Judges, task: EditTask, seen: Labels) -> list[Score]:
    """Success per attribute, over the edits that change it; `transform` is the attribute's name."""
    name, resize = _judge_name(judges)
    shares = success_by_attribute(judges.held_out.attributes, seen, task)
    return [
        edit_score(judges, task, "attribute_success", share, "higher", name, resize, transform=attribute, count=count)
        for attribute, (share, count) in shares.items()
    ]


def _judge_name(judges: Judges) -> tuple[str, str]:
    assert judges.classifier is not None
    info = judges.classifier.info
    name = f"attribute classifier {judges.classifier.digest}, {info.train_count} training faces, {info.steps} steps"
    return name, f"{info.input_px} px, bilinear, antialiased"
