"""`lianpu data`: check a folder of labelled faces before training, or draw labelled faces."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.dataset.check import DataReport


@dataclass(frozen=True)
class CheckArguments:
    """Check every label and picture for what would stop training, or silently harm it.

    The exit code is 1 when something would stop training.
    """

    dataset: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
    """CelebA, CelebAMask-HQ, folder, csv or huggingface."""
    data_dir: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATA_DIR")]
    """The data folder; with huggingface also a Parquet file, or the name of a data set on the Hugging Face Hub (user/name)."""
    selected_attrs: tuple[str, ...] = ()
    """Attributes to train. Default: all labelled ones."""
    image_size: int = 256
    """Side in pixels of the training faces."""
    show: int = 3
    """How many problems of each kind to list."""
    csv: Path | None = None
    """A CSV file to write, with all problems, one per row."""


@dataclass(frozen=True)
class DrawArguments:
    """Draw labelled faces: a folder like CelebAMask-HQ with pictures, masks, labels, landmarks and a split."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """The folder to write."""
    count: int = 1000
    """How many faces."""
    size: int = 128
    """Side of the pictures in pixels."""
    seed: int = 0
    """The same seed draws the same faces."""
    held_out: float = 0.1
    """Share of held-out faces (val.txt)."""


Arguments = (
    Annotated[CheckArguments, tyro.conf.subcommand("check", prefix_name=False)]
    | Annotated[DrawArguments, tyro.conf.subcommand("draw", prefix_name=False)]
)


def main(arguments: list[str]) -> None:
    """Parse the command line, then check or draw."""
    parsed = tyro.cli(Arguments, args=arguments, prog="lianpu data", description=__doc__)
    if isinstance(parsed, CheckArguments):
        check(parsed)
    else:
        draw(parsed)


def check(parsed: CheckArguments) -> DataReport:
    """Check a data folder, print the result, and return it.

    Raises:
        DataError: something would stop training; raised after everything was printed.
    """
    from lianpu.dataset.check import check_data
    from lianpu.dataset.selection import select_attributes
    from lianpu.dataset.sources import read_table
    from lianpu.errors import DataError
    from lianpu.files import write_text
    from lianpu.terminal import console, stage

    with stage("Unpacking") as on_progress:
        table = read_table(parsed.dataset, parsed.data_dir, on_progress)
    everything = table.one_class and not parsed.selected_attrs  # what training takes, too
    selected = select_attributes(table, parsed.selected_attrs or None) if parsed.selected_attrs or everything else None
    with stage("Checking") as on_progress:
        report = check_data(table, parsed.image_size, selected, on_progress)
    faces = ", ".join(f"{count:,} {split}" for split, count in report.counts.items())
    console.print(
        f"{table.source} in {parsed.data_dir}: {faces}. Licence: {table.licence}.", markup=False, highlight=False, soft_wrap=True
    )
    console.print(balance_table(report))
    for line in problem_lines(report, parsed.show):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if parsed.csv is not None:
        write_text(parsed.csv, problems_as_csv(report))
        console.print(f"All {len(report.problems)} problems: {parsed.csv}", markup=False, highlight=False, soft_wrap=True)
    if report.stopping:
        counted = Counter(problem.kind for problem in report.stopping)
        kinds = ", ".join(f"{count} {kind}" for kind, count in counted.items())
        raise DataError(f"{parsed.data_dir}: training would stop ({kinds}). Fix what is listed above, then check again.")
    console.print("Nothing here would stop training.")
    return report


def draw(parsed: DrawArguments) -> Path:
    """Draw a folder of faces, and return it."""
    from lianpu.dataset.drawn import draw_dataset
    from lianpu.errors import SettingsError
    from lianpu.terminal import console, stage

    try:
        with stage("Drawing") as on_progress:
            folder = draw_dataset(parsed.folder, parsed.count, parsed.size, parsed.seed, parsed.held_out, on_progress)
    except ValueError as problem:
        raise SettingsError(f"These faces cannot be drawn: {problem}.") from None
    console.print(
        f"Drawn: {folder}. Next: lianpu data check CelebAMask-HQ {folder}", markup=False, highlight=False, soft_wrap=True
    )
    return folder


def balance_table(report: DataReport) -> Table:
    """How often each attribute is true among training and held-out faces."""
    from rich.table import Table

    without = report.without_hair_color
    table = Table(
        title="Faces that have the attribute", caption=None if without is None else f"{without:,} faces have no hair colour"
    )
    table.add_column("attribute")
    some_unlabelled = any(row.unlabelled for row in report.balance)
    for heading in ("train", "%", "held out", "%", *(["unlabelled"] if some_unlabelled else [])):
        table.add_column(heading, justify="right")
    for row in report.balance:
        train, test = (row.train_positives, row.train_count), (row.test_positives, row.test_count)
        style = "red" if row.is_constant else "yellow" if row.warning else ""
        cells = [
            cell for part, whole in (train, test) for cell in (f"{part:,}", f"{part / whole:.1%}".rstrip("%") if whole else "-")
        ]
        table.add_row(row.name, *cells, *([f"{row.unlabelled:,}"] if some_unlabelled else []), style=style)
    return table


def problem_lines(report: DataReport, show: int) -> list[str]:
    """For each kind of problem a line with its count and meaning, then the first `show` of them, one line each."""
    from lianpu.dataset.check import MEANINGS

    lines: list[str] = []
    for kind, problems in report.by_kind().items():
        stops = " STOPS TRAINING" if any(problem.stops for problem in problems) else ""
        lines.append(f"{len(problems):,} {kind} ({MEANINGS[kind]}){stops}")
        lines += [f"  {problem.subject}: {problem.detail}" for problem in problems[:show]]
        lines += [f"  and {len(problems) - show:,} more"] if len(problems) > show else []
    return lines


def problems_as_csv(report: DataReport) -> str:
    """All problems as CSV: a header, then one row each."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["kind", "subject", "detail", "stops_training"])
    writer.writerows([problem.kind, problem.subject, problem.detail, int(problem.stops)] for problem in report.problems)
    return text.getvalue()
