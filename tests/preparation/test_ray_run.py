"""What is said when Ray cannot start; that it works is tested in test_prepare.py, where Ray is installed."""

from types import SimpleNamespace

import pytest

from lianpu.errors import SettingsError
from lianpu.preparation.ray_run import _start


def test_a_cluster_that_cannot_be_reached_is_one_line() -> None:
    def init(**_: object) -> None:
        raise Exception("cannot connect to\n  127.0.0.1:1")

    with pytest.raises(SettingsError, match=r"cannot connect to 127\.0\.0\.1:1\)\. Check RAY_ADDRESS, or leave --ray out"):
        _start(SimpleNamespace(init=init))
