"""Commands of two words, each second word in a file of its own that is imported when it is asked for."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from lianpu.errors import SettingsError, nearest_name


def run_subcommand(program: str, commands: Mapping[str, tuple[str, str]], arguments: list[str]) -> None:
    """Run the command that the first word names, or say which there are.

    Args:
        program: the first word (`bench`).
        commands: by name, the module whose `main` runs it (or `module:function`), and what it does in a line.
        arguments: what stands behind the first word.

    Raises:
        SettingsError: the word names no command; the nearest is said.
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        width = max(map(len, commands))
        lines = [f"lianpu {program} {name:<{width}} ...   {summary}" for name, (_, summary) in commands.items()]
        print("usage: " + "\n       ".join(lines))
        return
    if arguments[0] not in commands:
        raise SettingsError(
            f"'{arguments[0]}' is no {program} command{nearest_name(arguments[0], commands)}. Known: {', '.join(commands)}."
        )
    module, _, function = commands[arguments[0]][0].partition(":")
    getattr(importlib.import_module(module), function or "main")(arguments[1:])
