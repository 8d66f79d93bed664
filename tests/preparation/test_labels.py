"""Rules, labels that are sure or nothing, hair colours that exclude each other, and a person who wins."""

import json
from pathlib import Path

import numpy as np
import pytest

from lianpu.errors import ModelError, WeightsError
from lianpu.preparation.label_rules import (
    BUNDLED_RULES,
    IdentityRule,
    LabelRules,
    MeasureRule,
    load_rules,
    log_odds,
    logistic,
    rules_from_json,
)
from lianpu.preparation.labels import ATTRIBUTES, NO, UNKNOWN, YES, labels_of

NOBODY = np.zeros(0, dtype=np.float32)


def _line(name: str) -> MeasureRule:
    """The chance is the logistic of the measure itself."""
    return MeasureRule((name,), (0.0,), (1.0,), ((0,),), (1.0,), 0.0)


RULES = LabelRules(
    measured={
        "Black_Hair": _line("black"),
        "Blond_Hair": _line("blond"),
        "Brown_Hair": _line("brown"),
        "Gray_Hair": _line("young"),
        "Wearing_Hat": _line("hat"),
    },
    probed={"Male": IdentityRule((10.0, 0.0), 0.0), "Young": IdentityRule((0.0, 10.0), 0.0)},
    trained_on="nothing",
    licence="free",
    encoder="made",
    parser="made",
)


def _values(measures: dict[str, float], identity: np.ndarray = NOBODY, **corrections: int) -> dict[str, int]:
    return {name: label.value for name, label in labels_of(measures, identity, RULES, 0.8, corrections).items()}


def test_a_value_is_given_only_when_it_is_sure_enough() -> None:
    assert [_values({"hat": value})["Wearing_Hat"] for value in (2.0, 1.0, 0.0, -1.0, -2.0)] == [
        YES,
        UNKNOWN,
        UNKNOWN,
        UNKNOWN,
        NO,
    ]


def test_what_was_not_measured_is_unlabelled() -> None:
    assert set(_values({}).values()) == {UNKNOWN}
    assert _values({}, np.ones(3, dtype=np.float32))["Male"] == UNKNOWN  # a vector of another encoder


def test_one_sure_hair_colour_means_that_the_others_are_not_there() -> None:
    values = _values({"black": 3.0, "blond": 0.0})
    assert [values[name] for name in ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")] == [YES, NO, NO, NO]


def test_two_sure_hair_colours_are_a_contradiction_and_unknown() -> None:
    values = _values({"black": 3.0, "blond": 2.0, "brown": 0.0})
    assert [values[name] for name in ("Black_Hair", "Blond_Hair", "Brown_Hair")] == [UNKNOWN, UNKNOWN, NO]


def test_sex_and_age_come_from_identity_unless_a_model_for_them_was_there() -> None:
    identity = np.array([0.6, 0.8], dtype=np.float32)
    assert (_values({}, identity)["Male"], _values({}, identity)["Young"]) == (YES, YES)
    seen = _values({"male_score": 0.1, "age": 60.0}, identity)
    assert (seen["Male"], seen["Young"]) == (NO, NO)
    assert _values({"age": 44.0}, identity)["Young"] == UNKNOWN


def test_how_young_a_face_looks_can_be_an_input_of_a_rule() -> None:
    assert _values({}, np.array([0.0, 1.0], dtype=np.float32))["Gray_Hair"] == YES
    assert _values({"age": 80.0})["Gray_Hair"] == NO


def test_a_person_wins_over_every_model() -> None:
    assert _values({"hat": 5.0}, Wearing_Hat=NO)["Wearing_Hat"] == NO
    assert _values({"hat": 5.0}, Wearing_Hat=UNKNOWN)["Wearing_Hat"] == UNKNOWN
    hair = _values({"black": 5.0}, Blond_Hair=YES)
    assert [hair[name] for name in ("Black_Hair", "Blond_Hair", "Brown_Hair")] == [NO, YES, NO]
    label = labels_of({"hat": 5.0}, NOBODY, RULES, 0.8, {"Wearing_Hat": NO})["Wearing_Hat"]
    assert label.estimate is not None and label.estimate.source == "person" and label.confidence == 1.0


def test_products_of_standardised_measures_are_weighed() -> None:
    rule = MeasureRule(("a", "b"), (1.0, 2.0), (2.0, 0.5), ((0,), (1,), (0, 1), (0, 0)), (1.0, 2.0, 3.0, 4.0), 5.0)
    assert rule.chance({"a": 3.0, "b": 2.5}) == pytest.approx(logistic(1 + 2 + 3 + 4 + 5))
    assert rule.chance({"a": 3.0}) is None


def test_log_odds_and_logistic_are_each_others_inverse() -> None:
    assert logistic(log_odds(0.3)) == pytest.approx(0.3)
    assert abs(log_odds(1.0)) < 6.01 and logistic(-1000.0) == 0.0 and logistic(1000.0) == 1.0


def test_rules_survive_json() -> None:
    assert rules_from_json(json.loads(json.dumps(RULES.to_json())), Path("x")) == RULES


def test_the_rules_of_the_package_are_small_and_cover_every_attribute() -> None:
    rules = load_rules()
    assert BUNDLED_RULES.stat().st_size < 20_000
    assert set(rules.measured) | set(rules.probed) == set(ATTRIBUTES)
    assert "non-commercial" in rules.licence


@pytest.mark.parametrize("damage", ["[]", "{}", '{"measured": {"Male": {"inputs": ["a"]}}, "probed": {}}'])
def test_a_file_that_holds_no_rules_is_named(tmp_path: Path, damage: str) -> None:
    (tmp_path / "mine.json").write_text(damage)
    with pytest.raises(ModelError, match=r"mine\.json holds no label rules .* lianpu prepare fit"):
        load_rules(tmp_path / "mine.json")
    with pytest.raises(ModelError, match=r"no\.json is not there"):
        load_rules(tmp_path / "no.json")


def test_rules_whose_numbers_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    broken = RULES.to_json()
    broken["measured"]["Wearing_Hat"] = dict(broken["measured"]["Wearing_Hat"], weights=[1.0, 2.0])
    with pytest.raises(ModelError, match="not of one length"):
        rules_from_json(broken, tmp_path / "x.json")


def test_the_rules_of_the_package_are_refused_for_commercial_use(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANPU_COMMERCIAL_SAFE", "1")
    with pytest.raises(WeightsError, match=r"label_rules\.json may not be used commercially.*lianpu prepare fit"):
        load_rules()
    (tmp_path / "mine.json").write_text(json.dumps(RULES.to_json()))
    assert load_rules(tmp_path / "mine.json") == RULES
