"""Made runs, and the report files of one, written once for all tests that only read them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lianpu.report.page import write_report
from lianpu.runs import Run


@pytest.fixture(scope="session")
def made() -> ModuleType:
    """The module `made_run.py` beside this file."""
    spec = importlib.util.spec_from_file_location("made_run", Path(__file__).with_name("made_run.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def whole_run(made: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished run with its report in both languages. Do not change it."""
    run: Run = made.make_run(tmp_path_factory.mktemp("runs") / "portraits")
    write_report(run)
    write_report(run, "zh")
    return run
