"""`lianpu parser train | evaluate | export`: a face parser of one's own, how right it is, and its one ONNX file."""

from __future__ import annotations

from lianpu.cli.subcommands import run_subcommand

PARSER_COMMANDS = {
    "train": ("lianpu.cli.parser_train", "train a face parser on faces with masks"),
    "evaluate": ("lianpu.cli.parser_evaluate", "IoU, F1 and contour F1 of a parser, class by class"),
    "export": ("lianpu.cli.parser_export", "write one ONNX file and prove that it agrees with PyTorch"),
}


def main(arguments: list[str]) -> None:
    """Run the command that the first word names."""
    run_subcommand("parser", PARSER_COMMANDS, arguments)
