"""The second judge: right on faces it did not see, fair to rare kinds, and its features are of one length."""

import numpy as np

from lianpu.metrics.face_probe import FOLDS, FaceFeatures, fit_judge, fit_probe


def faces(count: int, share: float, apart: float, seed: int = 0) -> tuple[dict[str, np.ndarray], dict[str, dict[str, bool]]]:
    chance = np.random.default_rng(seed)
    labels = {f"{number}.jpg": {"Male": number < share * count} for number in range(count)}
    direction = np.ones(40) / np.sqrt(40)
    vectors = {name: chance.normal(size=40) + apart * (1 if one["Male"] else -1) * direction for name, one in labels.items()}
    return vectors, labels


def test_it_judges_faces_that_it_was_not_fitted_to() -> None:
    vectors, labels = faces(200, 0.5, 2.0)
    judge = fit_judge(vectors, labels, ["Male"], 0)
    accuracy = judge.accuracy["Male"]
    assert accuracy.count == 200 and accuracy.hits > 180 and accuracy.balanced > 0.9
    fresh, truth = faces(100, 0.5, 2.0, seed=1)
    right = [judge.sees("Male", f"new {name}", vector) == truth[name]["Male"] for name, vector in fresh.items()]
    assert np.mean(right) > 0.9


def test_chance_is_not_flattered() -> None:
    """In-sample, 40 features and 60 faces would be fitted nearly without fault."""
    vectors, labels = faces(60, 0.5, 0.0)
    assert fit_judge(vectors, labels, ["Male"], 0).accuracy["Male"].balanced < 0.7


def test_a_face_is_judged_by_the_probe_that_did_not_see_it() -> None:
    vectors, labels = faces(50, 0.5, 1.0)
    judge = fit_judge(vectors, labels, ["Male"], 0)
    name = next(iter(vectors))
    own = judge.probes["Male"][judge.folds["Male"][name]]
    assert judge.sees("Male", name, vectors[name]) == (own.score(vectors[name]) > 0)
    assert sorted(set(judge.folds["Male"].values())) == list(range(FOLDS))


def test_a_rare_kind_is_seen_as_often_as_the_other() -> None:
    vectors, labels = faces(300, 0.1, 1.0)
    stacked, truth = np.stack(list(vectors.values())), np.array([one["Male"] for one in labels.values()])
    probe = fit_probe(stacked, truth)
    fresh, new = faces(400, 0.5, 1.0, seed=2)
    seen = np.array([probe.score(vector) > 0 for vector in fresh.values()])
    asked = np.array([one["Male"] for one in new.values()])
    assert abs(seen[asked].mean() - (~seen[~asked]).mean()) < 0.25 and (seen == asked).mean() > 0.65


def test_too_few_of_a_kind_are_not_judged() -> None:
    vectors, labels = faces(40, 0.1, 1.0)
    assert not fit_judge(vectors, labels, ["Male", "Young"], 0).probes


def test_features_are_the_same_for_the_same_face_and_differ_for_others() -> None:
    features = FaceFeatures()
    crop = np.random.default_rng(0).integers(0, 255, (512, 512, 3)).astype(np.uint8)
    first = features.vector(crop)
    assert first.shape == (49 * 112 + 2 * (112 + 192 + 320 + 1280),)
    assert np.array_equal(first, features.vector(crop))
    assert not np.allclose(first, features.vector(crop[::-1].copy()))
    assert first.dtype == np.float64 and np.isfinite(first).all()


def test_the_farther_the_kinds_the_surer_the_score() -> None:
    """By faces that the probe did not see: in its own it finds a difference where there is none."""

    def sureness(apart: float) -> float:
        vectors, labels = faces(100, 0.5, apart)
        probe = fit_probe(np.stack(list(vectors.values())), np.array([one["Male"] for one in labels.values()]))
        fresh, truth = faces(200, 0.5, apart, seed=1)
        return float(np.mean([probe.score(vector) * (1 if truth[name]["Male"] else -1) for name, vector in fresh.items()]))

    assert sureness(3.0) > 1.5 * sureness(0.5) > 0
