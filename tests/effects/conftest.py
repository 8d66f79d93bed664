"""Photos with drawn faces for all tests of effects."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from lianpu.faces.analyzer import AnalyzerSettings, FaceAnalyzer, open_analyzer


@pytest.fixture(scope="session")
def drawn() -> ModuleType:
    """The module `drawn_photos.py` beside this file."""
    spec = importlib.util.spec_from_file_location("drawn_photos", Path(__file__).with_name("drawn_photos.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def analyzer() -> FaceAnalyzer:
    """The studio of the package, opened once for all tests: its models take seconds to read."""
    return open_analyzer(AnalyzerSettings("dlib"), threads=1)
