"""Section 4.3, below the transforms: the judge of attributes, and other model files."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Paragraph, Table
from lianpu.report.scored import Scored
from lianpu.report.sections.material import Material
from lianpu.report.sections.score_cell import score_cell
from lianpu.report.sections.success import EDITED


def judge_table(material: Material, main: Scored) -> Iterator[Block]:
    """How good the classifier is that judges success, and the success of all edits per attribute."""
    language, say = material.language, material.say
    if not main.accuracies:
        yield material.missing(say("evaluation.classifier"), material.command("evaluate", "--metrics attribute_success"))
        return
    columns = (
        Column(say("evaluation.attribute")),
        Column(language.metric_column(EDITED), numeric=True),
        Column(say("evaluation.accuracy"), numeric=True),
        Column(say("evaluation.balanced_accuracy"), numeric=True),
        Column(say("evaluation.positives"), numeric=True),
    )
    rows = tuple(
        (
            Cell(language.attribute(one.attribute), f"`{one.attribute}`"),
            _success_of(material, main, one.attribute),
            language.percent(one.accuracy),
            language.percent(one.balanced_accuracy),
            language.cell(None if one.positives is None or one.count is None else f"{one.positives:,} / {one.count:,}"),
        )
        for one in main.accuracies
    )
    count = main.classifier_train_count
    trained = say("evaluation.classifier_trained", count=f"{count:,}") if count else ""
    yield Table(columns, rows, (main.source,), say("evaluation.classifier_caption"))
    yield Paragraph(language.join(text for text in (trained, say("evaluation.classifier_notes")) if text), tone="small")


def _success_of(material: Material, main: Scored, attribute: str) -> Cell:
    score = next((score for score in main.by_attribute if score.transform == attribute), None)
    count = score.protocol.get("fake_count") if score else None
    small = material.say("evaluation.edits_counted", count=count) if count else ""
    return material.language.percent(score.value if score else None, small)


def other_files(material: Material) -> Iterator[Block]:
    """Model files that were scored beside the checkpoints: nothing that was measured is left unsaid."""
    files, language, say = material.files, material.language, material.say
    others = [one for one in files.scored if not one.is_checkpoint and one is not files.main]
    if not others:
        return
    metrics = list(dict.fromkeys(name for one in others for name in one.metrics() if one.find(name)))
    columns = (Column(say("evaluation.model_file")), *(Column(language.metric_column(name), numeric=True) for name in metrics))
    rows = tuple(
        (Cell(f"`{one.file or one.name}`", one.kind), *(score_cell(material, name, one.find(name)) for name in metrics))
        for one in others
    )
    yield Table(columns, rows, tuple(one.source for one in others), say("evaluation.other_files"))
