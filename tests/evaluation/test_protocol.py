"""Scores carry their protocol, and scores of different protocols are not compared."""

from dataclasses import replace
from typing import Any

import pytest

from lianpu.errors import ScoreError
from lianpu.evaluation.protocol import Protocol, Score, compare_scores

PROTOCOL = Protocol(
    metric="fid",
    features="inception-v3-compat",
    resize="299 px",
    real_count=800,
    fake_count=100,
    real_split="train",
    fake_split="val",
    seed=0,
    image_size=64,
    data="abc",
)


def score(value: float, transform: str = "overall", **changes: Any) -> Score:
    protocol = replace(PROTOCOL, **changes)
    return Score(protocol.metric, transform, value, "lower", protocol)


def test_two_scores_of_one_protocol_are_compared() -> None:
    comparison = compare_scores(score(31.0), score(33.5))
    assert comparison.difference == 2.5 and comparison.winner == "first"
    assert compare_scores(score(31.0), score(30.0)).winner == "second"
    assert compare_scores(score(31.0), score(31.0)).winner == "neither"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"fake_count": 99}, r"fake_count \(100, 99\)"),
        ({"seed": 1}, r"seed \(0, 1\)"),
        ({"metric": "frechet_efficientnet_lite0", "features": "efficientnet-lite0"}, r"features \('inception-v3-compat', 'eff"),
        ({"resize": "224 px", "data": "xyz"}, r"resize \('299 px', '224 px'\), data \('abc', 'xyz'\)"),
    ],
)
def test_scores_of_different_protocols_refuse_and_name_every_field_that_differs(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ScoreError, match=words):
        compare_scores(score(31.0), score(33.5, **change))


def test_scores_of_different_transforms_refuse() -> None:
    with pytest.raises(ScoreError, match=r"transform \('overall', 'Male -> not Male'\)"):
        compare_scores(score(31.0), score(33.5, "Male -> not Male"))


@pytest.mark.parametrize("name", ["fid", "kid", "is"])
def test_what_is_not_of_inception_is_never_called_fid_kid_or_is(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is a figure of inception-v3-compat, not of efficientnet-lite0"):
        replace(PROTOCOL, metric=name, features="efficientnet-lite0")


def test_a_score_that_is_no_number_is_refused() -> None:
    with pytest.raises(ScoreError, match="fid of overall is nan"):
        score(float("nan"))


def test_a_score_survives_the_way_to_json_and_back() -> None:
    kernel = replace(score(0.01, metric="kid"), std=0.002)
    for one in (score(31.0), kernel):
        assert Score.from_json(one.to_json()) == one
    assert "std" not in score(31.0).to_json() and kernel.to_json()["std"] == 0.002
