"""Section 4.2: how losses, edits and the distance went, as pictures and as a table."""

from __future__ import annotations

from collections.abc import Iterator

from lianpu.report.document import Block, Cell, Column, Figure, Figures, Paragraph, Table
from lianpu.report.gallery import comparable_checkpoints
from lianpu.report.run_files import RunFiles
from lianpu.report.scored import DISTANCES
from lianpu.report.sections.material import Material
from lianpu.report.sections.score_cell import score_cell

LOSS_WINDOW = 50
"""Logged values that a loss in the table is the mean of, at most; a twentieth of a short log."""

CURVE_ROWS = 4
"""Rows of the table while fewer than two checkpoints are scored, as in the document that the report follows."""


def curves(material: Material) -> Iterator[Block]:
    """Curves as pictures, and their figures at the scored checkpoints."""
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
    yield Paragraph(say("evaluation.curve_note", count=loss_window(files)), tone="small")
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
    """The steps of the curve table: all scored checkpoints, with the quarters of the run when they are fewer than two."""
    scored = {one.step for one in files.checkpoints if one.step is not None}
    logged = [line.integer("step") or 0 for line in files.steps]
    if len(scored) > 1 or not logged:
        return sorted(scored)
    quarters = {logged[max(round(len(logged) * quarter / CURVE_ROWS) - 1, 0)] for quarter in range(1, CURVE_ROWS + 1)}
    return sorted(scored | quarters)


def loss_window(files: RunFiles) -> int:
    """How many logged values a loss in the table is the mean of."""
    return min(LOSS_WINDOW, max(1, len(files.steps) // 20))


def mean_before(files: RunFiles, name: str, step: int) -> float | None:
    """The mean of the last logged values of that name up to a step (`loss_window` of them), None when there is none."""
    values = [value for line in files.steps if (line.integer("step") or 0) <= step and (value := line.number(name)) is not None]
    window = values[-loss_window(files) :]
    return sum(window) / len(window) if window else None


def _epoch_at(files: RunFiles, step: int) -> float | None:
    epochs = [
        value for line in files.steps if (line.integer("step") or 0) <= step and (value := line.number("epoch")) is not None
    ]
    return epochs[-1] if epochs else None
