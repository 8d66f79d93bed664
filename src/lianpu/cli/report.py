"""`lianpu report RUN`: the report of a run, as HTML and Markdown, or PDF; `--check FILE`: what does not hold in a report of anyone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro


@dataclass(frozen=True)
class ReportArguments:
    """Write the report of a run: one self-contained HTML page and one Markdown file. Or check a report that is there."""

    run: Annotated[Path | None, tyro.conf.Positional] = None
    """The run folder."""
    language: str = "en"
    """Language of the report: en or zh."""
    pdf: bool = False
    """Also write the report as PDF, by weasyprint or Chromium."""
    check: Path | None = None
    """Check a report (Markdown or HTML, Lianpu's or anyone's) instead: stale figures, contradictions, impossible claims. Exit code 1 if any."""


def main(arguments: list[str]) -> None:
    """Parse the command line; write the report and print the paths of its files, or check one and print what does not hold."""
    parsed = tyro.cli(ReportArguments, args=arguments, prog="lianpu report")
    from lianpu.errors import SettingsError

    if (parsed.run is None) == (parsed.check is None):
        raise SettingsError("Give a run folder (lianpu report RUN), or a report to check (lianpu report --check FILE).")
    if parsed.check is not None:
        _check(parsed.check)
    elif parsed.run is not None:
        _write(parsed.run, parsed.language, parsed.pdf)


def _write(folder: Path, language: str, pdf: bool) -> None:
    from lianpu.report.page import write_pdf, write_report
    from lianpu.runs import open_run

    page = write_report(open_run(folder), language)
    print(page)
    print(page.with_suffix(".md"))
    if pdf:
        print(write_pdf(page))


def _check(file: Path) -> None:
    from lianpu.report.check import check_report
    from lianpu.terminal import console

    findings = check_report(file)
    for one in findings:
        place = f"{file}:{one.line}" if one.line else str(file)
        console.print(f"{place}: {one.kind}: {one.where}: {one.text}", soft_wrap=True, markup=False, highlight=False)
    if findings:
        count = len(findings)
        console.print(f"{count} {'thing does' if count == 1 else 'things do'} not hold.", markup=False, highlight=False)
        raise SystemExit(1)
    console.print(f"{file}: nothing was found that does not hold.", soft_wrap=True, markup=False, highlight=False)
