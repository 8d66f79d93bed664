"""`lianpu parser export RUN DATA`: a trained parser as one ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from lianpu.parser.export import ExportedParser

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


def main(arguments: list[str]) -> None:
    """Parse the command line, export, and say what was written."""
    parsed = tyro.cli(ParserExportArguments, args=arguments, prog="lianpu parser export")
    from lianpu.cli.progress import console

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

    from lianpu.cli.progress import stage
    from lianpu.errors import SettingsError
    from lianpu.image import resize, to_batch
    from lianpu.parser.calibration import calibrated_biases
    from lianpu.parser.export import export_parser
    from lianpu.parser.masks import open_parsing_set
    from lianpu.parser.run_folder import ParserRun
    from lianpu.parser.trained_parser import TrainedParser
    from lianpu.part_names import PARTS

    if parsed.calibrate_on < 0:
        raise SettingsError(f"--calibrate_on is a number of faces, got {parsed.calibrate_on}. Give 0 for no calibration.")
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
