"""`lianpu parser train DATA RUN`: train a face parser, or go on with a training that was stopped."""

from __future__ import annotations

import shlex
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from lianpu.cli.settings_form import fill_form, form_type
from lianpu.parser.config import PRESETS, ParserConfig, parser_config

if TYPE_CHECKING:
    from lianpu.parser.run_folder import ParserRun

_Form = form_type(ParserConfig)


@dataclass(frozen=True)
class PresetChoice:
    """Which settings are the starting point."""

    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


@dataclass(frozen=True)
class ParserTrainArguments:
    """Train a face parser on faces with masks. The same command goes on with a run that was stopped.

    What is on the command line wins over the preset.
    """

    settings: tyro.conf.OmitArgPrefixes[_Form]  # type: ignore[valid-type]
    """Everything that is asked for."""
    data: Annotated[Path, tyro.conf.Positional]
    """CelebAMask-HQ as downloaded, or a folder with images/, masks/, train.txt and val.txt."""
    run: Annotated[Path, tyro.conf.Positional]
    """Where the training is written, and gone on with."""
    preset: Literal["bisenet", "small"] = "small"
    """bisenet: the published recipe, for a GPU; small: 1.6 million parameters, for a CPU."""


def main(arguments: list[str]) -> None:
    """Parse the command line over the preset, train, and say what comes next."""
    parsed, config = parse_arguments(arguments)
    from lianpu.cli.progress import console
    from lianpu.parser.masks import open_parsing_set

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
    from lianpu.cli.progress import stages
    from lianpu.parser.training import Callbacks, train_parser
    from lianpu.training.interrupt import stop_signal

    with stop_signal() as told, stages() as begin:
        callbacks = Callbacks(on_read=begin("Counting parts"), on_step=begin("Training"), should_stop=told)
        return train_parser(data, config, parsed.run, preset=parsed.preset, command=command, callbacks=callbacks)
