"""What is said when Ray cannot start; that it works is tested in test_prepare.py, where Ray is installed."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lianpu.errors import SettingsError
from lianpu.preparation.settings import PrepareSettings
from lianpu.preparation.workers import analyze_on_ray


def test_a_cluster_that_cannot_be_reached_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(**_: object) -> None:
        raise Exception("cannot connect to\n  127.0.0.1:1")

    ray = SimpleNamespace(init=init, is_initialized=lambda: False, data=SimpleNamespace())
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", ray.data)
    with pytest.raises(SettingsError, match=r"cannot connect to 127\.0\.0\.1:1\)\. Check RAY_ADDRESS, or leave --ray out"):
        next(analyze_on_ray(tmp_path, PrepareSettings(), iter(["a.jpg"]), 1))
