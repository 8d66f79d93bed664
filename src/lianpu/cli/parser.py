"""`lianpu parser train | evaluate | export`: train a face parser, score it, and export it to ONNX."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lianpu.cli.settings_form import fill_form, form_type
from lianpu.cli.subcommands import Command, run_subcommand
from lianpu.face_parsing.config import PRESETS, ParserConfig, parser_config

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.face_parsing.config import ParserRun
    from lianpu.face_parsing.evaluation import ParserScores
    from lianpu.face_parsing.export import ExportedParser


PARSER_COMMANDS = {
    "train": Command(
        "lianpu.cli.parser:train_main", "train a face parser on faces with masks", "ParserTrainArguments", ("train",)
    ),
    "evaluate": Command(
        "lianpu.cli.parser:evaluate_main", "IoU, F1 and contour F1 of a parser, class by class", "ParserEvaluateArguments"
    ),
    "export": Command(
        "lianpu.cli.parser:export_main",
        "write one ONNX file and check it against PyTorch",
        "ParserExportArguments",
        ("train",),
    ),
}


def main(arguments: list[str]) -> None:
    """Run the command that the first word names."""
    run_subcommand("lianpu parser", PARSER_COMMANDS, arguments)


_Form = form_type(ParserConfig)


@dataclass(frozen=True)
class PresetChoice:
    """The preset that the options start from."""

    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


@dataclass(frozen=True)
class ParserTrainArguments:
    """Train a face parser on faces with masks. Repeat the command to resume a stopped run.

    Options override the preset.
    """

    settings: tyro.conf.OmitArgPrefixes[_Form]  # type: ignore[valid-type]
    """The settings of the training."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


def train_main(arguments: list[str]) -> None:
    """Parse the command line, train, and print the next command."""
    parsed, config = parse_arguments(arguments)
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.terminal import console

    data = open_parsing_set(parsed.data)
    console.print(
        f"{len(data.train):,} faces to train on, {len(data.val):,} held out. Licence of the data: {data.licence}.",
        markup=False,
        soft_wrap=True,
    )
    run = train_with_progress(data, config, parsed, shlex.join(["lianpu", "parser", "train", *arguments]))
    console.print(f"Trained: {run.folder}. Next: lianpu parser evaluate {run.folder} {parsed.data}", markup=False, soft_wrap=True)


def parse_arguments(arguments: list[str]) -> tuple[ParserTrainArguments, ParserConfig]:
    """The command line, and the preset's settings overridden by its options. Raises SettingsError that names every wrong value."""
    choice, _ = tyro.cli(PresetChoice, args=arguments, return_unknown_args=True, add_help=False)
    default = ParserTrainArguments(
        settings=fill_form(_Form, PRESETS[choice.preset]), data=tyro.MISSING, run=tyro.MISSING, preset=choice.preset
    )
    parsed = tyro.cli(ParserTrainArguments, args=arguments, default=default, prog="lianpu parser train")
    return parsed, parser_config(parsed.preset, asdict(parsed.settings))


def train_with_progress(data: Any, config: ParserConfig, parsed: ParserTrainArguments, command: str) -> ParserRun:
    """Train with a progress bar; Ctrl-C saves first."""
    from lianpu.face_parsing.training import Callbacks, train_parser
    from lianpu.terminal import stages
    from lianpu.training.interrupt import stop_signal

    with stop_signal() as should_stop, stages() as begin:
        callbacks = Callbacks(on_read=begin("Counting parts"), on_step=begin("Training"), should_stop=should_stop)
        return train_parser(data, config, parsed.run, preset=parsed.preset, command=command, callbacks=callbacks)


@dataclass(frozen=True)
class ParserEvaluateArguments:
    """Score a face parser on faces with masks: IoU, F1 and contour F1 of each class.

    IoU and F1 are computed over all pixels of all faces together; the means are over the classes that are present.
    """

    model: Annotated[str, tyro.conf.Positional]
    """small (the bundled one), bisenet, an .onnx or .pth file, or the run folder of lianpu parser train."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    split: Literal["train", "val", "test"] = "val"
    """The split to score."""
    size: int = 512
    """Side in pixels at which masks are compared."""
    live: bool = False
    """Score the parsing of live pictures: probabilities of crops of 256 px, enlarged."""
    merge_sides: bool = False
    """Count left and right eyes, brows and ears as one class each."""
    json: Path | None = None
    """A JSON file to write, with all scores and what they were measured on."""
    threads: int | None = None
    """Threads of ONNX Runtime. Default: the number of cores."""


def evaluate_main(arguments: list[str]) -> None:
    """Parse the command line, score, and print a table."""
    evaluate(tyro.cli(ParserEvaluateArguments, args=arguments, prog="lianpu parser evaluate"))


def evaluate(parsed: ParserEvaluateArguments) -> ParserScores:
    """Score a parser, print its table, write its file, and return the scores."""
    from lianpu.errors import SettingsError
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.face_parsing.evaluation import evaluate_parser
    from lianpu.face_parsing.shares import SharesParser
    from lianpu.faces.parts import load_parser
    from lianpu.files import write_json
    from lianpu.terminal import console, stage

    if not 16 <= parsed.size <= 4096:
        raise SettingsError(f"--size is from 16 to 4096 pixels, got {parsed.size}. 512 is usual.")
    data = open_parsing_set(parsed.data)
    faces = data.faces(parsed.split)
    parser = load_parser(parsed.model, threads=parsed.threads)
    parser = SharesParser(parser) if parsed.live else parser
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
        console.print(f"All scores: {parsed.json}", markup=False, highlight=False, soft_wrap=True)
    return scores


def score_table(scores: ParserScores) -> Table:
    """A row per class, background first, then the means without and with it."""
    from rich.table import Table

    table = Table(title=f"{scores.parser}: {scores.accuracy:.2%} of pixels correct")
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


_PROVED_ON = 8


@dataclass(frozen=True)
class ParserExportArguments:
    """Write one self-describing ONNX file, if it agrees with PyTorch on held-out faces."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder of a finished `lianpu parser train`."""
    data: Annotated[Path, tyro.conf.Positional]
    """The faces with masks that it was trained on."""
    size: int | None = None
    """Input side of the network in pixels, a multiple of 32. Default: that of the last training stage."""
    calibrate_on: int = 400
    """Training faces for calibration: a bias for each class that gives the highest mean F1; 0 for no calibration."""
    out: Path | None = None
    """The file to write. Default: RUN/parser.onnx."""


def export_main(arguments: list[str]) -> None:
    """Parse the command line, export, and print what was written."""
    parsed = tyro.cli(ParserExportArguments, args=arguments, prog="lianpu parser export")
    from lianpu.terminal import console

    exported = export(parsed)
    console.print(
        f"{exported.file}: {exported.bytes / 1e6:.1f} MB, same class as PyTorch for {exported.agreement:.2%} of the pixels of "
        f"{_PROVED_ON} held-out faces. Next: lianpu parser evaluate {exported.file} {parsed.data}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def export(parsed: ParserExportArguments) -> ExportedParser:
    """The exported file. Raises ModelError when training is not finished, or the file does not agree with PyTorch."""
    import torch

    from lianpu.errors import SettingsError
    from lianpu.face_parsing.calibration import calibrated_biases
    from lianpu.face_parsing.config import ParserRun
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.face_parsing.export import export_parser
    from lianpu.face_parsing.torch_parsers import TrainedParser
    from lianpu.imaging.picture import resize, to_batch
    from lianpu.part_names import PARTS
    from lianpu.terminal import stage

    if parsed.calibrate_on < 0:
        raise SettingsError(f"--calibrate-on is {parsed.calibrate_on}. Give a number of faces, or 0 for no calibration.")
    parser = TrainedParser(parsed.run, parsed.size)
    data = open_parsing_set(parsed.data)
    biases = None
    if parsed.calibrate_on:
        with stage("Calibrating") as on_progress:
            chosen = calibrated_biases(parser.network, data.train, parser.size_px, parsed.calibrate_on, on_progress)
        biases = torch.from_numpy(chosen)
    held_out = data.val
    pictures = [resize(held_out.read(index)[0], parser.size_px) for index in range(min(_PROVED_ON, len(held_out)))]
    facts: dict[str, Any] = {"licence": parser.licence, "trained_on": parsed.data.resolve().name}
    if biases is not None:
        facts["biases"] = dict(zip(PARTS, (round(float(value), 2) for value in biases), strict=True))
    target = parsed.out or ParserRun(parsed.run).onnx_file
    return export_parser(parser.network, target, parser.size_px, facts, to_batch(pictures), biases)
