"""`lianpu web build`: write the page that edits faces in the browser as a static folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lianpu.cli.subcommands import Command, run_subcommand

WEB_COMMANDS: dict[str, Command] = {
    "build": Command("lianpu.cli.web:build", "write a static folder: page, runtime and networks", "BuildArguments"),
    "try": Command("lianpu.cli.web:try_site", "serve such a folder on this machine, to look at it", "TryArguments"),
}
"""The subcommands."""


@dataclass(frozen=True)
class BuildArguments:
    """Write a folder that any web server or static hosting serves: visitors edit photos and their camera's picture, and nothing leaves
    their machine. With --commercial-safe the face parser stays out, and with it hair colours."""

    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The folder to write; one that this command wrote before is replaced."""
    runtime: str = "npm"
    """Where ONNX Runtime Web comes from: npm (your own npm, checked by its hash), a folder with the files of the package's dist, or
    an https:// address from which browsers load it."""
    model: str = "lite"
    """The editor of age, sex and other attributes: lite (the bundled one), an .onnx file whose network gives fields, or none."""


@dataclass(frozen=True)
class TryArguments:
    """Serve a built folder on this machine, with the headers (COOP, COEP) that allow several threads."""

    folder: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """A folder that `lianpu web build` wrote."""
    port: int = 8080
    """The port; 0 takes a free one."""


def main(arguments: list[str]) -> None:
    """Run the subcommand that the first word names."""
    run_subcommand("lianpu web", WEB_COMMANDS, arguments)


def build(arguments: list[str]) -> None:
    """Parse the command line, write the folder, and say what is in it."""
    parsed = tyro.cli(BuildArguments, args=arguments, prog="lianpu web build")
    build_with_words(parsed.out, parsed.runtime, parsed.model)


def build_with_words(out: Path, runtime: str, model: str) -> None:
    """Write the folder, and say what is in it."""
    from lianpu.terminal import console
    from lianpu.web.build import build_site

    site = build_site(out, runtime, model, lambda line: console.print(line, style="dim", highlight=False, soft_wrap=True))
    console.print(f"{site.folder}: {site.bytes / 1e6:.1f} MB", highlight=False, soft_wrap=True)
    for name, why in site.left_out.items():
        console.print(f"Left out: {name} ({why}).", highlight=False, soft_wrap=True)
    console.print(f"Look at it: lianpu web try {site.folder}", highlight=False, soft_wrap=True)


def try_site(arguments: list[str]) -> None:
    """Parse the command line and serve until Ctrl-C."""
    parsed = tyro.cli(TryArguments, args=arguments, prog="lianpu web try")
    from lianpu.terminal import console
    from lianpu.web.trial import trial_server

    server = trial_server(parsed.folder, parsed.port)
    console.print(f"The page is at http://127.0.0.1:{server.server_port}/ (this machine only). Ctrl-C stops it.", highlight=False)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
