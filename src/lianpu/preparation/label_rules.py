"""From numbers measured on a face to the chance that it has an attribute: small rules that were fitted to labelled faces.

A rule is a logistic regression. The bundled rules are `models/label_rules.json`, whose card is beside it; others are fitted
with `lianpu prepare fit`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lianpu.errors import ModelError, WeightsError
from lianpu.files import read_json
from lianpu.models.store.locate import is_commercial_safe
from lianpu.preparation.measures import Measures

BUNDLED_RULES = Path(__file__).parent / "models" / "label_rules.json"

YOUNG = "young"
"""The input of rules that is made from another label: the log odds of being young."""

_AGE_LIMIT, _AGE_SPREAD = 44.0, 4.0
"""Up to which age a face is called young, and by how much a predicted age is off: a convention, not fitted."""


@dataclass(frozen=True)
class Estimate:
    """How likely a face has an attribute, and who says so.

    Args:
        chance: 0 to 1.
        source: what it was made from (`parts`, `identity`, `genderage`, `person`).
    """

    chance: float
    source: str


@dataclass(frozen=True)
class MeasureRule:
    """A rule on measures of the face's parts.

    Args:
        inputs: M names of measures.
        center: M numbers, taken from the measures.
        scale: M numbers, by which they are divided then.
        terms: T products, each a tuple of places in `inputs`; (0,) is the first input, (0, 0) its square.
        weights: T numbers.
        bias: added to the weighted terms.
    """

    inputs: tuple[str, ...]
    center: tuple[float, ...]
    scale: tuple[float, ...]
    terms: tuple[tuple[int, ...], ...]
    weights: tuple[float, ...]
    bias: float

    def chance(self, measures: Measures) -> float | None:
        """The chance; None when a measure is not there."""
        if any(name not in measures for name in self.inputs):
            return None
        values = np.array([[measures[name] for name in self.inputs]])
        return logistic(float((term_values(values, self.center, self.scale, self.terms) @ np.array(self.weights))[0]) + self.bias)


@dataclass(frozen=True)
class IdentityRule:
    """A rule on the vector of who a face is (a probe).

    Args:
        weights: F numbers.
        bias: added to their product with the vector.
    """

    weights: tuple[float, ...]
    bias: float

    def chance(self, identity: np.ndarray) -> float | None:
        """The chance; None when the vector is not there or of another length."""
        if len(identity) != len(self.weights):
            return None
        return logistic(float(identity.astype(np.float64) @ np.array(self.weights)) + self.bias)


@dataclass(frozen=True)
class LabelRules:
    """All rules: which attribute follows from what.

    Args:
        measured: rules on parts, by attribute.
        probed: rules on identity, by attribute.
        trained_on: the faces they were fitted to.
        licence: what they may be used for.
        encoder: whose vectors the probes take.
        parser: whose masks the rules on parts were fitted to.
    """

    measured: Mapping[str, MeasureRule]
    probed: Mapping[str, IdentityRule]
    trained_on: str
    licence: str
    encoder: str
    parser: str

    def estimate(self, attribute: str, measures: Measures, identity: np.ndarray) -> Estimate | None:
        """How likely a face has the attribute; None when nothing that tells it was measured.

        Sex and age of genderage go before the probe.
        """
        if attribute == "Male" and "male_score" in measures:
            return Estimate(measures["male_score"], "genderage")
        if attribute == "Young" and "age" in measures:
            return Estimate(logistic((_AGE_LIMIT - measures["age"]) / _AGE_SPREAD), "genderage")
        if attribute in self.measured:
            rule = self.measured[attribute]
            chance = rule.chance(self._with_young(measures, identity) if YOUNG in rule.inputs else measures)
            return None if chance is None else Estimate(chance, "parts")
        if attribute in self.probed:
            chance = self.probed[attribute].chance(identity)
            return None if chance is None else Estimate(chance, "identity")
        return None

    def _with_young(self, measures: Measures, identity: np.ndarray) -> Measures:
        """The measures and how young the face looks: grey hair and light blond have nearly one colour."""
        young = self.estimate("Young", measures, identity)
        return measures if young is None else measures | {YOUNG: log_odds(young.chance)}

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `rules_from_json` turns back."""
        return {
            "trained_on": self.trained_on,
            "licence": self.licence,
            "encoder": self.encoder,
            "parser": self.parser,
            "measured": {name: vars(rule) for name, rule in self.measured.items()},
            "probed": {name: vars(rule) for name, rule in self.probed.items()},
        }


def load_rules(file: Path | str | None = None) -> LabelRules:
    """The rules in a file; the bundled ones when None.

    Raises:
        ModelError: the file is missing or damaged.
        WeightsError: the bundled rules are asked for under --commercial-safe: they were fitted to CelebAMask-HQ.
    """
    if file is None and is_commercial_safe():
        raise WeightsError(
            f"{BUNDLED_RULES.name} may not be used commercially: it was fitted to CelebAMask-HQ (non-commercial research). "
            "Fit rules to faces of your own: lianpu prepare fit DATA --out rules.json, then give them with --rules rules.json"
        )
    path = BUNDLED_RULES if file is None else Path(file).expanduser()
    return rules_from_json(read_json(path, ModelError), path)


def rules_from_json(value: Any, source: Path) -> LabelRules:
    """The rules that `to_json` wrote. Raises ModelError, naming `source`, when something is missing or not as long as it must be."""
    try:
        measured = {name: _measure_rule(entry) for name, entry in value["measured"].items()}
        probed = {name: IdentityRule(_numbers(entry["weights"]), float(entry["bias"])) for name, entry in value["probed"].items()}
        texts = {name: str(value[name]) for name in ("trained_on", "licence", "encoder", "parser")}
        return LabelRules(measured, probed, **texts)
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise ModelError(
            f"{source} holds no label rules ({problem!r}). Fit them with: lianpu prepare fit DATA --out FILE"
        ) from None


def term_values(
    measures: np.ndarray, center: tuple[float, ...], scale: tuple[float, ...], terms: tuple[tuple[int, ...], ...]
) -> np.ndarray:
    """(N, T): the products that a rule weighs, of measures (N, M)."""
    standard = (measures - np.array(center)) / np.array(scale)
    return np.stack([standard[:, list(term)].prod(axis=1) for term in terms], axis=1)


def logistic(value: float) -> float:
    """1 / (1 + exp(-value)), for any value."""
    return 1.0 / (1.0 + math.exp(-value)) if value >= 0 else math.exp(value) / (1.0 + math.exp(value))


def log_odds(chance: float) -> float:
    """What `logistic` turns back into the chance; from -6 to 6, so that no one input outweighs all others."""
    return math.log(min(max(chance, 0.0025), 0.9975) / (1.0 - min(max(chance, 0.0025), 0.9975)))


def _measure_rule(entry: Mapping[str, Any]) -> MeasureRule:
    rule = MeasureRule(
        inputs=tuple(str(name) for name in entry["inputs"]),
        center=_numbers(entry["center"]),
        scale=_numbers(entry["scale"]),
        terms=tuple(tuple(int(place) for place in term) for term in entry["terms"]),
        weights=_numbers(entry["weights"]),
        bias=float(entry["bias"]),
    )
    if not len(rule.inputs) == len(rule.center) == len(rule.scale) or len(rule.terms) != len(rule.weights):
        raise ValueError("inputs, center and scale, or terms and weights, are not of one length")
    if any(not 0 <= place < len(rule.inputs) for term in rule.terms for place in term):
        raise ValueError("a term names an input that is not there")
    return rule


def _numbers(values: Any) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
