"""Commands by name: each in its own file, imported when the command runs."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lianpu.errors import SettingsError, nearest_name
from lianpu.extras import check_extras

HELP = ("-h", "--help")


class Command(NamedTuple):
    """Where a command is, and what is known of it before it is imported.

    Args:
        target: the module whose `main` runs it, or `module:function`.
        summary: what it does, in a line.
        arguments: the name, in that module, of the class of its options; empty if it only has subcommands.
        extras: the extras (`lianpu.extras`) that it needs.
        subcommands: the name, in that module, of the table of its subcommands.
    """

    target: str
    summary: str
    arguments: str = ""
    extras: tuple[str, ...] = ()
    subcommands: str = ""

    @property
    def module(self) -> str:
        return self.target.partition(":")[0]


def run_command(program: str, command: Command, arguments: Sequence[str]) -> None:
    """Import a command and run it with `arguments`. Raises LianpuError when an extra that it needs is not installed.

    Help needs no extra.
    """
    if not any(word in HELP for word in arguments):
        check_extras(program, command.extras)
    function = command.target.partition(":")[2] or "main"
    getattr(importlib.import_module(command.module), function)(list(arguments))


def run_subcommand(program: str, commands: Mapping[str, Command], arguments: Sequence[str]) -> None:
    """Run the subcommand that the first word names, or print the list of them.

    Args:
        program: the words before (`lianpu bench`).
        commands: the commands by name.
        arguments: the words after `program`.

    Raises:
        SettingsError: the word names no command; the nearest is suggested.
    """
    if not arguments or arguments[0] in HELP:
        width = max(map(len, commands))
        lines = [f"{program} {name:<{width}} ...   {command.summary}" for name, command in commands.items()]
        print("usage: " + "\n       ".join(lines))
        return
    if arguments[0] not in commands:
        raise SettingsError(
            f"'{arguments[0]}' is not a command of {program}{nearest_name(arguments[0], commands)}. Known: {', '.join(commands)}."
        )
    run_command(f"{program} {arguments[0]}", commands[arguments[0]], arguments[1:])
