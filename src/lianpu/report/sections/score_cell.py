"""A score as a cell of a table."""

from __future__ import annotations

from lianpu.report.document import Cell
from lianpu.report.language import digits_for
from lianpu.report.scored import Score
from lianpu.report.sections.material import Material
from lianpu.report.sections.success import EDITED, UNEDITED

SHARES = (EDITED, UNEDITED)
"""Metrics that are shares from 0 to 1, written as percentages."""


def score_cell(material: Material, metric: str, score: Score | None, digits: int | None = None) -> Cell:
    """A score as its metric is written, with its deviation where it has one."""
    if score is None or score.value is None:
        return material.language.cell(None)
    if metric in SHARES:
        return material.language.percent(score.value)
    # The spread of a single subset, or of subsets that are all of the faces, is 0 but for rounding: nothing was spread.
    deviation = score.deviation if (score.deviation or 0.0) > 1e-9 else None
    small = (
        ""
        if deviation is None
        else f"± {material.language.number(deviation, max(digits or 0, digits_for([deviation]) - 1)).text}"
    )
    return material.language.number(score.value, digits, small)
