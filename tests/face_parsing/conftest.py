"""The real faces with masks that lie beside the repository."""

from pathlib import Path

import pytest

from tests.support import shared


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """A folder of 900 real faces with masks; tests that need it are skipped where it is not."""
    return shared.real_faces()
