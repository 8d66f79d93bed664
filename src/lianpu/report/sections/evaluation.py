"""Section 4: what each metric says, the curves, and the scores per transform, each with its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lianpu.report.document import Block, Bullets, Cell, Column, Figure, Figures, Paragraph, Part, Section, Table
from lianpu.report.gallery import comparable_checkpoints
from lianpu.report.language import as_percent, digits_for
from lianpu.report.run_files import DISTANCES, Reason, RunFiles, Score, Scored
from lianpu.report.sections.material import Material, compact_protocol
from lianpu.report.sections.success import EDITED, UNEDITED

EXPLAINED = ("fid", "kid", "is", "lpips_edit", "lpips_reconstruction", "attribute_success", "edit_change")
"""Metrics that the first table always names, measured or not."""

TRANSFORM_COLUMNS = (
    *("fid", "frechet_efficientnet_lite0", "is", "inception_score_efficientnet_lite0", "kid", "kernel_efficientnet_lite0"),
    *(EDITED, UNEDITED, "lpips_edit", "edit_change", "lpips_reconstruction", "reconstruction_l1"),
)
"""Order of the columns of the table per transform; metrics that nobody measured have none, others follow."""

SHARES = (EDITED, UNEDITED)
LOSS_WINDOW = 50
CURVE_ROWS = 4


def evaluation(material: Material) -> Section:
    """Metrics with protocols, curves with their table, scores per transform, and how good the judge of attributes is."""
    say = material.say
    return material.section(
        "evaluation",
        [
            Part(tuple(_metrics(material)), "4.1", say("evaluation.metrics")),
            Part(tuple(_curves(material)), "4.2", say("evaluation.curves")),
            Part(tuple(_transforms(material)), "4.3", say("evaluation.transforms")),
        ],
    )


def score_cell(material: Material, metric: str, score: Score | None, digits: int | None = None) -> Cell:
    """A score as its metric is written, with its deviation where it has one."""
    if score is None or score.value is None:
        return material.language.cell(None)
    if metric in SHARES:
        return material.language.percent(score.value)
    small = (
        ""
        if score.deviation is None
        else f"± {material.language.number(score.deviation, digits or digits_for([score.value])).text}"
    )
    return material.language.number(score.value, digits, small)


def _metrics(material: Material) -> Iterator[Block]:
    main, say = material.files.main, material.say
    measured = main.metrics() if main else ()
    names = [*EXPLAINED, *(name for name in measured if name not in EXPLAINED)]
    columns = (
        Column(say("evaluation.metric")),
        Column(say("evaluation.meaning")),
        Column(say("evaluation.better")),
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
    if "fid" not in measured:
        yield material.missing(say("evaluation.inception_metrics"), material.command("evaluate", "--metrics fid kid is"))
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


def _curves(material: Material) -> Iterator[Block]:
    files, gallery, say = material.files, material.gallery, material.say
    if not files.steps:
        yield material.missing(say("evaluation.losses"), files.config.text("command") or "lianpu train")
        return
    figures = tuple(
        Figure(file, say(f"evaluation.{key}_alt"), say(f"evaluation.{key}_caption")) for key, file in gallery.curves.items()
    )
    if figures:
        sources = (files.steps[-1].source.split(",")[0], *(("scores/*.json",) if "distance" in gallery.curves else ()))
        yield Figures(figures, layout="pair", sources=sources)
    yield _curve_table(material)
    yield Paragraph(say("evaluation.curve_note", count=LOSS_WINDOW), tone="small")
    left_out = len([one for one in files.checkpoints if one.distance()]) - len(comparable_checkpoints(files))
    if left_out:
        yield Paragraph(say("evaluation.other_protocol", count=left_out), tone="warning")
    if len(files.checkpoints) < 2:
        yield material.missing(say("evaluation.distance_curve"), material.command("evaluate", "--every-checkpoint"))


def _curve_table(material: Material) -> Table:
    files, language, say = material.files, material.language, material.say
    comparable = {one.step: one for one in comparable_checkpoints(files)}
    newest = files.checkpoints[-1].distance() if files.checkpoints else None
    metric = newest.metric if newest else DISTANCES[0]
    columns = tuple(
        Column(title, numeric=True)
        for title in (say("evaluation.epoch"), say("evaluation.step"), "D_loss", "G_loss", language.metric_column(metric))
    )
    rows = []
    for step in curve_steps(files):
        scored = comparable.get(step)
        rows.append(
            (
                language.number(_epoch_at(files, step), 1),
                Cell(f"{step:,}"),
                language.number(mean_before(files, "d_loss", step), 3),
                language.number(mean_before(files, "g_loss", step), 3),
                score_cell(material, metric, scored.find(metric) if scored else None),
            )
        )
    sources = ("steps.jsonl", *(("scores/step-*.json",) if comparable else ()))
    return Table(columns, tuple(rows), sources)


def curve_steps(files: RunFiles) -> list[int]:
    """The steps of the curve table: all scored checkpoints, filled up with quarters of the run when they are fewer than four."""
    scored = {one.step for one in files.checkpoints if one.step is not None}
    logged = [line.integer("step") or 0 for line in files.steps]
    if len(scored) >= CURVE_ROWS or not logged:
        return sorted(scored)
    quarters = {logged[max(round(len(logged) * quarter / CURVE_ROWS) - 1, 0)] for quarter in range(1, CURVE_ROWS + 1)}
    return sorted(scored | quarters)


def mean_before(files: RunFiles, name: str, step: int) -> float | None:
    """The mean of the last LOSS_WINDOW logged values of that name up to a step, None when there is none."""
    values = [value for line in files.steps if (line.integer("step") or 0) <= step and (value := line.number(name)) is not None]
    window = values[-LOSS_WINDOW:]
    return sum(window) / len(window) if window else None


def _epoch_at(files: RunFiles, step: int) -> float | None:
    epochs = [
        value for line in files.steps if (line.integer("step") or 0) <= step and (value := line.number("epoch")) is not None
    ]
    return epochs[-1] if epochs else None


def _transforms(material: Material) -> Iterator[Block]:
    main, say = material.files.main, material.say
    if main is None or not main.transforms():
        yield material.missing(say("evaluation.transform_scores"), material.command("evaluate"))
        return
    yield _transform_table(material, main)
    yield Paragraph(say("evaluation.transform_notes"), tone="small")
    yield from _classifier(material, main)
    yield from _other_files(material)


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


def _classifier(material: Material, main: Scored) -> Iterator[Block]:
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


def _other_files(material: Material) -> Iterator[Block]:
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
