"""`lianpu parser train | evaluate`: a face parser of one's own, and how right a parser is."""

from __future__ import annotations

import importlib

from lianpu.errors import SettingsError, nearest_name

PARSER_COMMANDS = {"train": "lianpu.cli.parser_train", "evaluate": "lianpu.cli.parser_evaluate"}


def main(arguments: list[str]) -> None:
    """Run the command that the first word names."""
    if not arguments or arguments[0] in ("-h", "--help"):
        print("usage: lianpu parser train ...      train a face parser on faces with masks")
        print("       lianpu parser evaluate ...   IoU, F1 and contour F1 of a parser, class by class")
        return
    if arguments[0] not in PARSER_COMMANDS:
        raise SettingsError(
            f"'{arguments[0]}' is no parser command{nearest_name(arguments[0], PARSER_COMMANDS)}. Known: {', '.join(PARSER_COMMANDS)}."
        )
    importlib.import_module(PARSER_COMMANDS[arguments[0]]).main(arguments[1:])
