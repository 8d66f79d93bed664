"""Differences of two models that edited the same faces."""

from dataclasses import replace

import pytest

from lianpu.cli.score_tables import difference_lines, score_cell, without_bare_frechet
from lianpu.errors import ScoreError
from lianpu.evaluation.protocol import Protocol, Score
from lianpu.evaluation.results import ASKED, EvaluationResult, Origin, paired_differences


def _score(metric: str, value: float, better: str = "higher", faces: int = 100, real: int = 0) -> Score:
    protocol = Protocol(metric, "efficientnet-lite0", "none", real, faces, "train", "test", 0, 64, "data")
    return Score(metric, "overall", value, better, protocol)  # type: ignore[arg-type]


def _result(success: list[int], identity: list[float]) -> EvaluationResult:
    scores = (_score("attribute_success", sum(success) / 200), _score("identity", sum(identity) / 100))
    by_face = {"attribute_success": tuple(success), ASKED: (2,) * 100, "identity": tuple(identity)}
    return EvaluationResult(Origin("m", "PyTorch FP32", 1, 1.0, ""), 1.0, scores, (), (), (), (), None, by_face)


FIRST = _result([1] * 100, [0.8 + 0.001 * (face % 10) for face in range(100)])


def test_a_clear_difference_has_a_winner_and_a_sentence() -> None:
    second = _result([2] * 30 + [1] * 70, list(FIRST.by_face["identity"]))
    success, identity = paired_differences(FIRST, second)
    assert success.interval.value == pytest.approx(0.15) and 0 < success.interval.low < 0.15 < success.interval.high < 0.3
    assert (success.winner, success.faces) == ("second", 100)
    assert (identity.interval.value, identity.winner) == (0.0, "neither")
    lines = difference_lines([success, identity], "A", "B")
    assert lines[0].startswith("success: B is better than A by 15 points (") and lines[0].endswith("), 100 faces")
    assert "identity +0" in lines[1] and len(lines) == 2
    (turned,) = difference_lines(paired_differences(second, FIRST)[:1], "B", "A")
    assert turned.startswith("success: B is better than A by 15 points (")


def test_scores_of_different_protocols_have_no_difference() -> None:
    other = replace(FIRST, scores=tuple(replace(one, protocol=replace(one.protocol, seed=1)) for one in FIRST.scores))
    with pytest.raises(ScoreError, match="seed"):
        paired_differences(FIRST, other)


def test_a_frechet_distance_of_few_pictures_is_not_shown_beside_its_extrapolation() -> None:
    bare, endless = (
        _score("frechet_efficientnet_lite0", 9.0, "lower", real=800),
        _score("frechet_infinity_x", 5.0, "lower", real=800),
    )
    assert without_bare_frechet([bare, endless]) == [endless] and without_bare_frechet([bare]) == [bare]
    enough = replace(bare, protocol=replace(bare.protocol, real_count=5000, fake_count=2048))
    assert without_bare_frechet([enough, endless]) == [enough, endless]


def test_a_cell_shows_the_interval() -> None:
    assert score_cell(replace(_score("attribute_success", 0.74), low=0.65, high=0.812)) == "74.0%\n(65 to 81.2)"
    assert score_cell(_score("identity", 0.74)) == "0.74"
