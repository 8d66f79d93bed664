"""Section 4.3: the scores of each transform."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Paragraph, Table
from lianpu.report.language import as_percent, digits_for
from lianpu.report.scored import Scored
from lianpu.report.sections.judge_table import judge_table, other_files
from lianpu.report.sections.material import Material
from lianpu.report.sections.score_cell import SHARES, score_cell
from lianpu.report.sections.success import EDITED, UNEDITED

TRANSFORM_COLUMNS = (
    *("fid", "frechet_efficientnet_lite0", "is", "inception_score_efficientnet_lite0", "kid", "kernel_efficientnet_lite0"),
    *(EDITED, UNEDITED, "lpips_edit", "identity", "edit_change", "change_outside", "lpips_reconstruction", "reconstruction_l1"),
)
"""Order of the columns; metrics that nobody measured have none, others follow."""


def transform_scores(material: Material) -> Iterator[Block]:
    """Scores per transform with their average, the judge of attributes, and other model files that were scored."""
    main, say = material.files.main, material.say
    if main is None or not main.transforms():
        yield material.missing(say("evaluation.transform_scores"), material.command("evaluate"))
        return
    yield _transform_table(material, main)
    yield Paragraph(say("evaluation.transform_notes"), tone="small")
    yield from judge_table(material, main)
    yield from other_files(material)


def _transform_table(material: Material, main: Scored) -> Table:
    language, say = material.language, material.say
    metrics = transform_metrics(main)
    columns = (Column(say("evaluation.transform")), *(Column(language.metric_column(name), numeric=True) for name in metrics))
    digits = {name: digits_for(score.value for score in main.scores if score.metric == name) for name in metrics}
    rows = [
        (
            Cell(language.transform(transform), f"`{transform}`"),
            *(_transform_cell(material, main, name, transform, digits[name]) for name in metrics),
        )
        for transform in main.transforms()
    ]
    average = [_average_cell(material, main, name, digits[name]) for name in metrics]
    overall = [score_cell(material, name, main.find(name), digits[name]) for name in metrics]
    rows.append((Cell(say("evaluation.average")), *average))
    rows.append((Cell(say("evaluation.overall"), say("evaluation.overall_small")), *overall))
    return Table(columns, tuple(rows), (main.source,), strong_rows=(len(rows) - 2,))


def _transform_cell(material: Material, main: Scored, metric: str, transform: str, digits: int) -> Cell:
    """A score of a transform; under success stands how well the judge knows the target."""
    cell = score_cell(material, metric, main.find(metric, transform), digits)
    judge = judge_of_target(main, transform)
    if metric != EDITED or cell.missing or judge is None:
        return cell
    return Cell(cell.text, material.say("evaluation.judge", share=as_percent(judge)))


def judge_of_target(main: Scored, transform: str) -> float | None:
    """The classifier's balanced accuracy on the target's attribute, the lowest of several; None when it is not known."""
    words = transform.partition("->")[2].replace("+", " ").split()
    known = [one.balanced_accuracy for one in main.accuracies if one.attribute in words and one.balanced_accuracy is not None]
    return min(known, default=None)


def transform_metrics(main: Scored) -> tuple[str, ...]:
    """The metrics that have a score for some transform, in the order of the columns."""
    measured = {score.metric for score in main.scores if score.transform != "overall"}
    known = [name for name in TRANSFORM_COLUMNS if name in measured]
    return (*known, *(name for name in main.metrics() if name in measured and name not in known))


def measured_of_transforms(main: Scored, metric: str) -> tuple[float, ...]:
    """The values of the transforms that have one."""
    scores = [main.find(metric, transform) for transform in main.transforms()]
    return tuple(score.value for score in scores if score is not None and score.value is not None)


def _average_cell(material: Material, main: Scored, metric: str, digits: int) -> Cell:
    """The plain mean over the transforms; it says of how many where some were not measured."""
    values, count = measured_of_transforms(main, metric), len(main.transforms())
    mean = sum(values) / len(values) if values else None
    cell = material.language.percent(mean) if metric in SHARES else material.language.number(mean, digits)
    small = material.say("evaluation.some_of", some=len(values), all=count) if 0 < len(values) < count else ""
    return Cell(cell.text, small, cell.missing)
