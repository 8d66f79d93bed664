"""A score and the protocol it was measured under. Scores of different protocols refuse to be compared."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from lianpu.errors import ScoreError

Better = Literal["lower", "higher", "neither"]

OVERALL = "overall"
"""The `transform` of scores over all held-out faces."""

INCEPTION_ONLY = ("fid", "fid_infinity", "kid", "is")
"""Names that belong to the Inception network of torch-fidelity; figures of another network have other names."""

ENOUGH_FOR_FRECHET = 2048
"""Pictures of either set below which a Frechet distance is not shown by itself: its covariance lacks rank for Inception's 2,048 features."""

INCEPTION_FEATURES = "inception-v3-compat"


@dataclass(frozen=True)
class Protocol:
    """How a number was measured: all that must agree before two numbers may be compared.

    Args:
        metric: `fid`, `frechet_efficientnet_lite0`, `lpips_edit`, `attribute_success`, ...
        features: the network that gave the features (`inception-v3-compat`, `efficientnet-lite0`, ...) or `pixels`.
        resize: how pictures were brought to that network's size.
        real_count: real pictures in the comparison; 0 where none are needed.
        fake_count: edited pictures (or pictures in their place) in the comparison.
        real_split: split of the real pictures; `none` where none are needed.
        fake_split: split of the faces that were edited.
        seed: of the draws (targets, subsets).
        image_size: side of the faces in pixels, before the resize.
        data: fingerprint of the dataset.
        settings: the metric's other settings (kernel, subsets, splits), in words.
    """

    metric: str
    features: str
    resize: str
    real_count: int
    fake_count: int
    real_split: str
    fake_split: str
    seed: int
    image_size: int
    data: str
    settings: str = ""

    def __post_init__(self) -> None:
        if self.metric in INCEPTION_ONLY and self.features != INCEPTION_FEATURES:
            raise ValueError(f"'{self.metric}' is a figure of {INCEPTION_FEATURES}, not of {self.features}: give it another name")

    def differences(self, other: Protocol) -> tuple[str, ...]:
        """`seed (0, 1)` for each field in which two protocols differ; empty when they are the same."""
        pairs = [(field.name, getattr(self, field.name), getattr(other, field.name)) for field in fields(self)]
        return tuple(f"{name} ({ours!r}, {theirs!r})" for name, ours, theirs in pairs if ours != theirs)


@dataclass(frozen=True)
class Score:
    """One measured number.

    Args:
        metric: as in the protocol.
        transform: `Black_Hair -> Blond_Hair`, or `overall`.
        value: finite.
        better: which way is better; `neither` for figures that only describe.
        protocol: how it was measured.
        std: spread over subsets or splits, where the metric has one.
        low, high: ends of its 95 % interval over faces, where it has one.
    """

    metric: str
    transform: str
    value: float
    better: Better
    protocol: Protocol
    std: float | None = None
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.metric != self.protocol.metric:
            raise ValueError(f"a score of '{self.metric}' cannot have the protocol of '{self.protocol.metric}'")
        if not math.isfinite(self.value):
            raise ScoreError(
                f"{self.metric} of {self.transform} is {self.value}, which is no number: the edited pictures are broken, or too few."
            )

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `from_json` turns back; `std`, `low` and `high` only where there are some."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def is_bare_frechet(self) -> bool:
        """Whether this is a Frechet distance of too few pictures to be shown: only its extrapolation and the kernel distance mean something."""
        few = min(self.protocol.real_count, self.protocol.fake_count) < ENOUGH_FOR_FRECHET
        return few and is_frechet(self.metric) and "infinity" not in self.metric

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Score:
        """The score that `to_json` wrote."""
        return cls(**{**value, "protocol": Protocol(**value["protocol"])})


def is_frechet(metric: str) -> bool:
    """Whether a metric is a Frechet distance, measured or extrapolated, by any network."""
    return metric in ("fid", "fid_infinity") or metric.startswith("frechet_")


@dataclass(frozen=True)
class NotMeasured:
    """A figure that could not be had, and why. It stands where the number would: nothing is left out in silence."""

    metric: str
    transform: str
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Two scores of one protocol. `difference` is second minus first; `winner` is 'first', 'second' or 'neither'."""

    first: float
    second: float
    difference: float
    winner: Literal["first", "second", "neither"]


def compare_scores(first: Score, second: Score) -> Comparison:
    """What separates two scores.

    Raises:
        ScoreError: they are of different transforms or protocols; the message says which fields differ.
    """
    differences = first.protocol.differences(second.protocol)
    if first.transform != second.transform:
        differences = (f"transform ({first.transform!r}, {second.transform!r})", *differences)
    if differences:
        raise ScoreError(
            f"{first.metric} {first.value:.4g} and {second.metric} {second.value:.4g} cannot be compared: "
            f"they differ in {', '.join(differences)}. Evaluate both again with the same settings."
        )
    difference = second.value - first.value
    return Comparison(first.value, second.value, difference, _winner(difference, first.better))


def _winner(difference: float, better: Better) -> Literal["first", "second", "neither"]:
    if better == "neither" or difference == 0:
        return "neither"
    return "second" if (difference > 0) == (better == "higher") else "first"
