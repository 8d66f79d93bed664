"""Scorecards: per transform what tells whether to ship it, and its worst faces; a part of section 4, and a page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lianpu.report.document import Block, Cell, Column, Figure, Figures, Paragraph, Table
from lianpu.report.language import Language, as_percent
from lianpu.report.scored import DISTANCES, read_score
from lianpu.report.sections.material import Material
from lianpu.report.sections.score_cell import EDITED, UNEDITED, score_cell
from lianpu.report.values import Values

COLUMNS = (EDITED, UNEDITED, "identity", "change_inside", "change_outside", "drift", "dirt")
_DISTANCES = ("kid", "kernel_efficientnet_lite0", *DISTANCES)


def scorecard_blocks(material: Material, card: Values, pictures: Mapping[str, str]) -> Iterator[Block]:
    """The table, what drifted, what was not measured, and the worst faces.

    Args:
        card: card.json.
        pictures: of the worst faces by transform, as files of the page's pictures folder.
    """
    say, language = material.say, material.language
    rows = card.rows("transforms")
    scores = {row.text("transform") or "": {score.metric: score for score in map(read_score, row.rows("scores"))} for row in rows}
    distance = next((name for name in _DISTANCES if any(name in found for found in scores.values())), None)
    names = [name for name in (*COLUMNS, distance) if name and any(name in found for found in scores.values())]
    columns: tuple[Column, ...] = (Column(say("evaluation.transform")), Column(say("card.faces"), numeric=True))
    columns += tuple(Column(language.metric_column(name), numeric=True) for name in names)
    table = [
        (
            Cell(language.transform(transform), "" if transform == "overall" else f"`{transform}`"),
            Cell(f"{row.integer('faces') or 0:,}"),
            *(score_cell(material, name, scores[transform].get(name)) for name in names),
        )
        for row in rows
        for transform in [row.text("transform") or ""]
    ]
    yield Table(columns, tuple(table), (card.source,))
    yield Paragraph(say("card.notes"), tone="small")
    yield from _not_measured(card, language)
    for row in rows:
        transform = row.text("transform") or ""
        caption = language.join(
            text for text in (say("card.worst_caption", transform=language.transform(transform)), _drifted(row, language)) if text
        )
        if transform in pictures:
            alt = say("card.worst_alt", transform=language.transform(transform))
            yield Figures((Figure(pictures[transform], alt, caption),), sources=(card.source,))


def _not_measured(card: Values, language: Language) -> Iterator[Block]:
    for transform, reason in card.mapping.get("left_out") or ():
        yield Paragraph(
            language.say("card.left_out", transform=language.transform(str(transform)), reason=str(reason)), tone="small"
        )
    missing = [text for text in card.texts("not_measured") if text.startswith(("dirt", "identity"))]
    if missing:
        yield Paragraph(
            language.say("card.not_measured", what=language.words["language.between_notes"].join(missing)), tone="small"
        )


def _drifted(row: Values, language: Language) -> str:
    found = row.mapping.get("drifted")
    if not isinstance(found, list) or not found:
        return ""
    named = [f"{language.attribute(str(name))} {as_percent(float(share))}" for name, share, _ in found[:3]]
    return language.say("card.drifted", attributes=language.listed(named))
