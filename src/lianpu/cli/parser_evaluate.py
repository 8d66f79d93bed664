"""`lianpu parser evaluate MODEL DATA`: how right a face parser is, class by class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.parser.evaluation import ParserScores


@dataclass(frozen=True)
class ParserEvaluateArguments:
    """Score a face parser on faces with masks: IoU, F1 and contour F1 of each class.

    IoU and F1 are counted over all pixels of all faces together; the means are over the classes that the faces have.
    """

    model: Annotated[str, tyro.conf.Positional]
    """small (the one in the package), bisenet, the path of an .onnx or .pth file, or the folder of a parser's training."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    split: Literal["train", "val", "test"] = "val"
    """Which faces."""
    size: int = 512
    """Side in pixels at which truth and answer are compared."""
    merge_sides: bool = False
    """Count left and right eyes, brows and ears as one class each."""
    json: Path | None = None
    """A file for all numbers with what they were measured on."""
    threads: int | None = None
    """Threads of ONNX Runtime; as many as there are cores unless given."""


def main(arguments: list[str]) -> None:
    """Parse the command line, score, print a table."""
    evaluate(tyro.cli(ParserEvaluateArguments, args=arguments, prog="lianpu parser evaluate"))


def evaluate(parsed: ParserEvaluateArguments) -> ParserScores:
    """Score a parser, print its table, write its file, and give the scores."""
    from lianpu.cli.progress import console, stage
    from lianpu.errors import SettingsError
    from lianpu.files import write_json
    from lianpu.parser.evaluation import evaluate_parser
    from lianpu.parser.masks import open_parsing_set
    from lianpu.perception.parsing import load_parser

    if not 16 <= parsed.size <= 4096:
        raise SettingsError(f"--size is 16 to 4096 pixels, got {parsed.size}. Give the side at which masks are compared, as 512.")
    data = open_parsing_set(parsed.data)
    faces = data.faces(parsed.split)
    parser = load_parser(parsed.model, threads=parsed.threads)
    with stage("Scoring") as on_progress:
        scores = evaluate_parser(parser, faces, parsed.size, on_progress, merge_sides=parsed.merge_sides)
    console.print(score_table(scores))
    console.print(
        f"{len(faces):,} {parsed.split} faces of {parsed.data} (split from {data.split_from}), compared at {parsed.size} px. "
        f"{scores.ms_per_face:.0f} ms a face (threads: {parsed.threads or 'as many as cores'}). Parser: {parser.file}. Licence: {parser.licence}.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if parsed.json is not None:
        write_json(parsed.json, scores.to_json() | {"data": str(parsed.data), "fingerprint": data.fingerprint})
        console.print(f"All numbers: {parsed.json}", markup=False, highlight=False, soft_wrap=True)
    return scores


def score_table(scores: ParserScores) -> Table:
    """A row per class, background first, then the means without and with it."""
    from rich.table import Table

    table = Table(title=f"{scores.parser}: {scores.accuracy:.2%} of pixels right")
    table.add_column("part", no_wrap=True)
    for heading in ("faces", "pixels %", "IoU ↑", "F1 ↑", "F1 per face ↑", "contour F1 ↑"):
        table.add_column(heading, justify="right")
    for part in scores.parts:
        numbers = (part.iou, part.f1, part.face_f1, part.boundary_f1)
        table.add_row(part.name, f"{part.faces:,}", f"{part.share:.2%}".rstrip("%"), *map(_cell, numbers))
    table.add_section()
    present = sum(part.faces > 0 for part in scores.parts)
    for title, with_background in ((f"mean of the {present - 1} parts present", False), ("mean with background", True)):
        means = (scores.mean(what, with_background) for what in ("iou", "f1", "face_f1", "boundary_f1"))
        table.add_row(title, "", "", *map(_cell, means), style="bold" if not with_background else "")
    return table


def _cell(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"
