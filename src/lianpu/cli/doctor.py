"""`lianpu doctor`: show what this machine has, what is missing, and how to get it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from lianpu.cli.doctor_checks import ModelFinding
    from lianpu.cli.doctor_runtimes import Finding

_COLOURS = {"ok": "green", "note": "yellow", "absent": "cyan", "broken": "bold red", "damaged": "bold red"}


@dataclass(frozen=True)
class DoctorOptions:
    """Show what this machine has, what is missing, and how to get it. The exit code is 1 only when something necessary is broken."""

    hash: bool = False
    """Check the SHA-256 of model files, too, not only their sizes."""
    device: str = "auto"
    """The device to test: auto, cpu, cuda, cuda:1, mps."""


def main(arguments: list[str]) -> None:
    """Check, print, and raise LianpuError when something necessary is broken."""
    import tyro
    from rich.console import Console

    from lianpu.cli.doctor_checks import check_machine, check_models, first_broken

    options = tyro.cli(DoctorOptions, args=arguments, prog="lianpu doctor")
    findings = check_machine(options.device)
    models = check_models(by_hash=options.hash)
    show(findings, models, Console(highlight=False), by_hash=options.hash)
    if problem := first_broken(findings):
        raise problem


def show(findings: Sequence[Finding], models: Sequence[ModelFinding], console: Console, *, by_hash: bool) -> None:
    """Print two tables, then one line per problem with its fix; these lines are not wrapped, so that they can be copied."""
    from lianpu.cli.doctor_checks import ways_to_get

    console.print(_machine_table(findings))
    console.print(_models_table(models, by_hash=by_hash))
    fixes = [f"{finding.subject}: {finding.fix}" for finding in findings if finding.fix]
    fixes += [model.problem for model in models if model.problem]
    ways = ways_to_get([model.entry for model in models if model.file is None])
    _print_list(console, "What to do", fixes)
    _print_list(console, "Model files that are not here (optional)", ways)
    console.print(
        "\nWhat each model file may be used for: docs/weights-and-licences.md. To check training data: lianpu data check --help"
    )


def _machine_table(findings: Sequence[Finding]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("", "", "found", title="This machine", title_justify="left", box=None)
    for finding in findings:
        table.add_row(finding.subject, Text(finding.state, _COLOURS[finding.state]), Text(finding.what))
    return table


def _models_table(models: Sequence[ModelFinding], *, by_hash: bool) -> Table:
    from rich.table import Table
    from rich.text import Text

    checked = "size and SHA-256 compared" if by_hash else "size compared"
    table = Table(
        "file",
        "",
        "MB",
        "used for",
        "licence",
        title=f"\nPretrained model files ({checked})",
        title_justify="left",
        box=None,
    )
    table.columns[0].overflow = "fold"  # a name that ends in dots cannot be looked for
    table.columns[2].justify = "right"
    for model in models:
        state = "damaged" if model.problem else "ok" if model.file else "absent"
        entry = model.entry
        table.add_row(
            Text(entry.file),
            Text(state, _COLOURS[state]),
            f"{max(entry.size_bytes / 1e6, 0.1):.1f}",
            Text(entry.used_for),
            Text(entry.licence, "" if entry.commercial_use else "yellow"),
        )
    return table


def _print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    from rich.text import Text

    if lines:
        console.print(f"\n{title}:")
        for line in lines:
            console.print(Text(f"  {line}"), soft_wrap=True)
