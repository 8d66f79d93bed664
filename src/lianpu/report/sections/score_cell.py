"""A score as a cell of a table, and attribute success with what unedited faces already show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lianpu.report.document import Cell
from lianpu.report.language import as_percent, digits_for
from lianpu.report.scored import Score, Scored
from lianpu.report.sections.material import Material

EDITED, UNEDITED = "attribute_success", "attribute_success_unedited"


@dataclass(frozen=True)
class Success:
    """Shares from 0 to 1 of faces that the classifier takes for the target, edited and as they were."""

    transform: str
    edited: float
    unedited: float | None

    @property
    def gain(self) -> float | None:
        """What the edit added."""
        return None if self.unedited is None else self.edited - self.unedited


def successes(scored: Scored) -> tuple[Success, ...]:
    """One per transform that was measured, in the order of the file."""
    found = []
    for transform in scored.transforms():
        edited, unedited = scored.find(EDITED, transform), scored.find(UNEDITED, transform)
        if edited is not None and edited.value is not None:
            found.append(Success(transform, edited.value, unedited.value if unedited else None))
    return tuple(found)


def overall_success(scored: Scored) -> Success | None:
    """The one figure of headline, table and terminal: over all edits together; the mean over transforms where that was not measured."""
    overall, before = scored.find(EDITED), scored.find(UNEDITED)
    if overall is not None and overall.value is not None:
        return Success("overall", overall.value, before.value if before else None)
    each = successes(scored)
    if not each:
        return None
    unedited = [one.unedited for one in each if one.unedited is not None]
    return Success("overall", _mean([one.edited for one in each]), _mean(unedited) if len(unedited) == len(each) else None)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


SHARES = (EDITED, UNEDITED, "drift")
"""Metrics that are shares from 0 to 1, written as percentages."""


def score_cell(material: Material, metric: str, score: Score | None, digits: int | None = None) -> Cell:
    """A score as its metric is written, with its 95 % interval, or else its deviation, where it has one."""
    if score is None or score.value is None:
        return material.language.cell(None)
    ends = None if score.low is None or score.high is None else (score.low, score.high)
    if metric in SHARES:
        return material.language.percent(score.value, "" if ends is None else f"{as_percent(ends[0])} – {as_percent(ends[1])}")
    if ends is not None:
        least = digits_for([score.value]) if digits is None else digits
        return material.language.number(
            score.value, digits, " – ".join(material.language.number(end, least).text for end in ends)
        )
    # The spread of a single subset, or of subsets that are all of the faces, is 0 but for rounding: nothing was spread.
    deviation = score.deviation if (score.deviation or 0.0) > 1e-9 else None
    small = (
        ""
        if deviation is None
        else f"± {material.language.number(deviation, max(digits or 0, digits_for([deviation]) - 1)).text}"
    )
    return material.language.number(score.value, digits, small)
