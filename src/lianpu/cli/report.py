"""`lianpu report RUN`: the report of a run, as HTML and Markdown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro


def main(arguments: list[str]) -> None:
    """Write the report and say where it is."""
    from lianpu.report.page import write_report
    from lianpu.runs import open_run

    def report(run: Annotated[Path, tyro.conf.Positional], language: str = "en") -> None:
        """Write the report of a run: one self-contained HTML page and one Markdown file.

        Args:
            run: the folder that --run_dir named.
            language: en or zh.
        """
        page = write_report(open_run(run), language)
        print(page)
        print(page.with_suffix(".md"))

    tyro.cli(report, args=arguments, prog="lianpu report")
