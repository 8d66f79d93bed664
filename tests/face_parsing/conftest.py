"""The real faces with masks that lie beside the repository."""

from pathlib import Path

import pytest

from tests.support.shared import REAL_FACES


@pytest.fixture(scope="session")
def real_faces() -> Path:
    """A folder of 900 real faces with masks; tests that need it are skipped where it is not."""
    if not REAL_FACES.is_dir():
        pytest.skip(f"{REAL_FACES} is not here")
    return REAL_FACES
