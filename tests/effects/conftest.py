"""Photos with drawn faces for all tests of effects."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lianpu.effects.studio import Studio, open_studio


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """The module `drawn_photos.py` beside this file."""
    spec = importlib.util.spec_from_file_location("drawn_photos", Path(__file__).with_name("drawn_photos.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def studio() -> Studio:
    """The studio of the package, opened once for all tests: its models take seconds to read."""
    return open_studio("dlib", threads=1)
