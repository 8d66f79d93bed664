"""Made runs, and the report files of one, written once for all tests that only read them."""

from __future__ import annotations

import pytest

from lianpu.report.page import write_report
from lianpu.runs import Run
from tests.support import made_run as made


@pytest.fixture(scope="session")
def whole_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with its report in both languages. Do not change it."""
    run = made.make_run(tmp_path_factory.mktemp("runs") / "portraits")
    write_report(run)
    write_report(run, "zh")
    return run
