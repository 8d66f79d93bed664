"""`lianpu parser train | evaluate | export`: train a face parser, score it, and write its ONNX file."""

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
    """Which settings are the starting point."""

    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


@dataclass(frozen=True)
class ParserTrainArguments:
    """Train a face parser on faces with masks. The same command resumes a stopped run.

    Options win over the preset.
    """

    settings: tyro.conf.OmitArgPrefixes[_Form]  # type: ignore[valid-type]
    """Everything that is asked for."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    run: Annotated[Path, tyro.conf.Positional]
    """The run folder: written, and resumed."""
    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


def train_main(arguments: list[str]) -> None:
    """Parse the command line over the preset, train, and say what comes next."""
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
    """The command line laid over the preset that it names. Raises SettingsError that names every wrong value."""
    choice, _ = tyro.cli(PresetChoice, args=arguments, return_unknown_args=True, add_help=False)
    default = ParserTrainArguments(
        settings=fill_form(_Form, PRESETS[choice.preset]), data=tyro.MISSING, run=tyro.MISSING, preset=choice.preset
    )
    parsed = tyro.cli(ParserTrainArguments, args=arguments, default=default, prog="lianpu parser train")
    return parsed, parser_config(parsed.preset, asdict(parsed.settings))


def train_with_progress(data: Any, config: ParserConfig, parsed: ParserTrainArguments, command: str) -> ParserRun:
    """Train with a bar; Ctrl-C saves first."""
    from lianpu.face_parsing.training import Callbacks, train_parser
    from lianpu.terminal import stages
    from lianpu.training.interrupt import stop_signal

    with stop_signal() as told, stages() as begin:
        callbacks = Callbacks(on_read=begin("Counting parts"), on_step=begin("Training"), should_stop=told)
        return train_parser(data, config, parsed.run, preset=parsed.preset, command=command, callbacks=callbacks)


@dataclass(frozen=True)
class ParserEvaluateArguments:
    """Score a face parser on faces with masks: IoU, F1 and contour F1 of each class.

    IoU and F1 are counted over all pixels of all faces together; the means are over the classes that the faces have.
    """

    model: Annotated[str, tyro.conf.Positional]
    """small (the bundled one), bisenet, the path of an .onnx or .pth file, or the folder of a parser's training."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    split: Literal["train", "val", "test"] = "val"
    """Which faces."""
    size: int = 512
    """Side in pixels at which truth and answer are compared."""
    live: bool = False
    """Score what live pictures take: the probabilities of crops of 256 px, enlarged."""
    merge_sides: bool = False
    """Count left and right eyes, brows and ears as one class each."""
    json: Path | None = None
    """A file for all numbers with what they were measured on."""
    threads: int | None = None
    """Threads of ONNX Runtime; as many as there are cores unless given."""


def evaluate_main(arguments: list[str]) -> None:
    """Parse the command line, score, print a table."""
    evaluate(tyro.cli(ParserEvaluateArguments, args=arguments, prog="lianpu parser evaluate"))


def evaluate(parsed: ParserEvaluateArguments) -> ParserScores:
    """Score a parser, print its table, write its file, and give the scores."""
    from lianpu.errors import SettingsError
    from lianpu.face_parsing.data.masks import open_parsing_set
    from lianpu.face_parsing.evaluation import evaluate_parser
    from lianpu.face_parsing.shares import SharesParser
    from lianpu.faces.parts import load_parser
    from lianpu.files import write_json
    from lianpu.terminal import console, stage

    if not 16 <= parsed.size <= 4096:
        raise SettingsError(f"--size is 16 to 4096 pixels, got {parsed.size}. Give the side at which masks are compared, as 512.")
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


_PROVED_ON = 8


@dataclass(frozen=True)
class ParserExportArguments:
    """Write one ONNX file that describes itself, once it agrees with PyTorch on held-out faces."""

    run: Annotated[Path, tyro.conf.Positional]
    """The folder of a finished `lianpu parser train`."""
    data: Annotated[Path, tyro.conf.Positional]
    """The faces with masks that it was trained on."""
    size: int | None = None
    """Side in pixels that the network sees, a multiple of 32; that of the last training stage unless given."""
    calibrate_on: int = 400
    """Training faces on which a bias is chosen for each class, for the highest mean F1; 0 adds none."""
    out: Path | None = None
    """The file; RUN/parser.onnx unless given."""


def export_main(arguments: list[str]) -> None:
    """Parse the command line, export, and say what was written."""
    parsed = tyro.cli(ParserExportArguments, args=arguments, prog="lianpu parser export")
    from lianpu.terminal import console

    exported = export(parsed)
    console.print(
        f"{exported.file}: {exported.bytes / 1e6:.1f} MB, the class of PyTorch for {exported.agreement:.2%} of the pixels of "
        f"{_PROVED_ON} held-out faces. Next: lianpu parser evaluate {exported.file} {parsed.data}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


def export(parsed: ParserExportArguments) -> ExportedParser:
    """The written file. Raises ModelError when the parser is unfinished, or its file would not agree with it."""
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
        raise SettingsError(f"--calibrate-on is a number of faces, got {parsed.calibrate_on}. Give 0 for no calibration.")
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
