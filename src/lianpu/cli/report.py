"""`lianpu report RUN`: the report of a run, as HTML and Markdown."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class ReportArguments:
    """Write the report of a run: one self-contained HTML page and one Markdown file."""

    run: Annotated[Path, tyro.conf.Positional]
    """The run folder."""
    language: str = "en"
    """Language of the report: en or zh."""


def main(arguments: list[str]) -> None:
    """Parse the command line, write the report, and print the paths of its two files."""
    parsed = tyro.cli(ReportArguments, args=arguments, prog="lianpu report")
    from lianpu.report.page import write_report
    from lianpu.runs import open_run

    page = write_report(open_run(parsed.run), parsed.language)
    print(page)
    print(page.with_suffix(".md"))
