"""The section on scores: metrics, transforms, judges, curves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lianpu.report.document import Block, Bullets, Cell, Column, Paragraph, Part, Section, Table
from lianpu.report.language import as_percent, digits_for
from lianpu.report.scored import DISTANCES, Reason, Scored
from lianpu.report.sections.curves import curves
from lianpu.report.sections.material import Material, compact_protocol
from lianpu.report.sections.score_cell import EDITED, SHARES, UNEDITED, score_cell
from lianpu.report.sections.scorecard import scorecard_blocks


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
    """Model files that were scored besides the checkpoints."""
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


EXPLAINED = ("fid", "kid", "is", "lpips_edit", "lpips_reconstruction", "attribute_success", "edit_change")
"""Metrics that the table always names, measured or not."""


def metric_table(material: Material) -> Iterator[Block]:
    """Every metric in words with its overall value, what could not be measured and why, and all protocols."""
    main, say = material.files.main, material.say
    measured = main.metrics() if main else ()
    names = [*EXPLAINED, *(name for name in measured if name not in EXPLAINED)]
    columns = (
        Column(say("evaluation.metric")),
        Column(say("evaluation.meaning")),
        Column(say("evaluation.better"), unbroken=True),
        Column(say("evaluation.overall_value"), numeric=True),
        Column(say("evaluation.unedited_value"), numeric=True),
    )
    shown = [name for name in names if name != UNEDITED]
    rows = tuple(
        (
            Cell(material.language.metric(name), f"`{name}`"),
            Cell(_words(material, name, "meaning")),
            Cell(_words(material, name, "better")),
            score_cell(material, name, main.find(name) if main else None),
            score_cell(material, name, baseline) if main and (baseline := main.unedited(name)) else Cell("–"),
        )
        for name in shown
    )
    yield Table(columns, rows, (main.source,) if main else ())
    if main is None:
        yield material.missing(say("evaluation.scores"), material.command("evaluate"))
        return
    if not {"fid", "fid_infinity", "kid"} & set(measured):
        yield material.missing(say("evaluation.inception_metrics"), material.command("evaluate", "--features inception"))
    yield from _protocols(material, main)
    yield from _reasons(material, main)
    if main.notes:
        yield Bullets(main.notes, tone="small")
    if main.command:
        yield Paragraph(say("evaluation.measured_by", command=main.command), tone="small")


def _reasons(material: Material, main: Scored) -> Iterator[Block]:
    """What the evaluation could not measure, one line per reason."""
    by_reason: dict[str, list[Reason]] = {}
    for reason in main.not_measured:
        by_reason.setdefault(reason.text, []).append(reason)
    language = material.language
    lines = []
    for text, reasons in by_reason.items():
        transforms = language.listed(language.transform(name) for name in dict.fromkeys(reason.transform for reason in reasons))
        metrics = language.listed(language.metric(name) for name in dict.fromkeys(reason.metric for reason in reasons))
        what = material.say("evaluation.metrics_of", metrics=metrics, transforms=transforms)
        lines.append(material.say("evaluation.reason", what=what, reason=text))
    if lines:
        yield Bullets(tuple(lines), tone="small")


def _words(material: Material, metric: str, what: str) -> str:
    key = f"metrics.{metric}.{what}"
    return material.say(key) if material.language.has(key) else "–"


def _protocols(material: Material, main: Scored) -> Iterator[Block]:
    """What fixed the figures: first what is the same for all of them, then what each metric adds."""
    common = common_protocol([score.protocol for score in main.scores])
    entries = compact_protocol([common], material.language)
    common_line = material.say("evaluation.common", entries=entries) if entries else ""
    yield Paragraph(material.say("evaluation.protocols", file=main.file, kind=main.kind, common_line=common_line).strip())
    lines = []
    for metric in main.metrics():
        own = [
            {key: value for key, value in score.protocol.items() if key not in common}
            for score in main.scores
            if score.metric == metric
        ]
        entries = compact_protocol(own, material.language)
        lines.append(material.say("evaluation.protocol_line", metric=material.language.metric(metric), entries=entries or "–"))
    yield Bullets(tuple(lines), tone="small")


def common_protocol(protocols: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The entries that all protocols have alike."""
    first = dict(protocols[0]) if protocols else {}
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in protocols)}


TRANSFORM_COLUMNS = (
    *("kid", "kernel_efficientnet_lite0", *DISTANCES, "is", "inception_score_efficientnet_lite0"),
    *(
        EDITED,
        UNEDITED,
        "lpips_edit",
        "identity",
        "edit_change",
        "change_inside",
        "change_outside",
        "drift",
        "dirt",
        "lpips_reconstruction",
        "reconstruction_l1",
    ),
)
"""Order of the columns; metrics that were not measured have no column, unknown ones follow."""


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
    return Cell(
        cell.text, "; ".join(text for text in (cell.small, material.say("evaluation.judge", share=as_percent(judge))) if text)
    )


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


def evaluation(material: Material) -> Section:
    """Metrics with protocols, curves with their table, scores per transform, and how good the judge of attributes is."""
    say = material.say
    card = material.files.card
    cards = [*scorecard_blocks(material, card, material.gallery.worst)] if card else []
    return material.section(
        "evaluation",
        [
            Part(tuple(metric_table(material)), "4.1", say("evaluation.metrics")),
            Part(tuple(curves(material)), "4.2", say("evaluation.curves")),
            Part(tuple(transform_scores(material)), "4.3", say("evaluation.transforms")),
            *([Part(tuple(cards), "4.4", say("card.title"))] if cards else []),
        ],
    )
