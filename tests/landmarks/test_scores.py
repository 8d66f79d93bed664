"""Scores worked out by hand."""

import numpy as np
import pytest

from lianpu.landmarks.scores import area_under_curve, failure_rate, landmark_scores


def faces(count: int) -> np.ndarray:
    """Faces whose outer eye corners are 100 apart, and whose eye centres are 60 apart; all other points at 0."""
    points = np.zeros((count, 68, 2), dtype=np.float32)
    points[:, 36:42], points[:, 42:48] = (20, 0), (80, 0)
    points[:, 36], points[:, 37], points[:, 45], points[:, 44] = (0, 0), (40, 0), (100, 0), (60, 0)
    return points


def test_a_prediction_that_is_the_label_has_no_error() -> None:
    scores = landmark_scores(faces(3), faces(3))
    assert scores.nme_inter_ocular == 0 and scores.nme_inter_pupil == 0 and scores.failure_at_008 == 0
    assert scores.auc_at_008 == 1 and scores.faces == 3 and set(scores.by_region.values()) == {0.0}


def test_every_point_off_by_5_of_100_is_an_error_of_5_percent() -> None:
    predicted = faces(2) + np.array([3, 4], dtype=np.float32)
    scores = landmark_scores(predicted, faces(2))
    assert scores.nme_inter_ocular == pytest.approx(0.05)
    assert scores.nme_inter_pupil == pytest.approx(5 / 60)
    assert scores.auc_at_008 == pytest.approx(3 / 8)  # counted from 0.05 to 0.08
    assert scores.failure_at_008 == 0
    np.testing.assert_allclose(scores.errors, [0.05, 0.05], rtol=1e-6)


def test_an_error_of_one_region_stays_there() -> None:
    predicted = faces(1)
    predicted[:, 48:68, 0] += 10
    scores = landmark_scores(predicted, faces(1))
    assert scores.by_region == pytest.approx({"jaw": 0, "brows": 0, "nose": 0, "eyes": 0, "mouth": 0.1})
    assert scores.nme_inter_ocular == pytest.approx(0.1 * 20 / 68)


def test_faces_of_all_sizes_count_alike() -> None:
    labelled = faces(2)
    labelled[1] *= 10
    predicted = labelled.copy()
    predicted[0, :, 1] += 2
    predicted[1, :, 1] += 120
    scores = landmark_scores(predicted, labelled)
    np.testing.assert_allclose(scores.errors, [0.02, 0.12], rtol=1e-6)
    assert scores.nme_inter_ocular == pytest.approx(0.07) and scores.median_inter_ocular == pytest.approx(0.07)
    assert scores.failure_at_008 == 0.5 and scores.failure_at_010 == 0.5


def test_the_area_is_that_under_the_cumulative_curve() -> None:
    errors = np.array([0.0, 0.02, 0.05, 0.2])
    # counted step by step: share 1/4 up to 0.02, 2/4 up to 0.05, 3/4 up to 0.08
    by_hand = (0.25 * 0.02 + 0.5 * 0.03 + 0.75 * 0.03) / 0.08
    assert area_under_curve(errors, 0.08) == pytest.approx(by_hand)
    thresholds = np.linspace(0, 0.08, 80_001)
    curve = (errors[None] <= thresholds[:, None]).mean(axis=1)
    assert area_under_curve(errors, 0.08) == pytest.approx(curve.mean(), abs=1e-4)


def test_an_error_at_the_limit_is_no_failure() -> None:
    assert failure_rate(np.array([0.08, 0.080001, 0.02, 0.5]), 0.08) == 0.5


def test_points_of_other_faces_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\(2, 68, 2\) and \(3, 68, 2\)"):
        landmark_scores(faces(2), faces(3))
    with pytest.raises(ValueError, match="face 1 has both outer eye corners in one place"):
        landmark_scores(faces(2), np.stack([faces(1)[0], np.zeros((68, 2))]))


def test_json_holds_all_but_the_errors_of_single_faces() -> None:
    as_json = landmark_scores(faces(2), faces(2)).as_json()
    assert "errors" not in as_json and as_json["faces"] == 2 and as_json["by_region"]["jaw"] == 0
