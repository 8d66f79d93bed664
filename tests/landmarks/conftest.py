"""Labelled faces for the tests of landmarks: a made one, and the real ones where they are."""

from pathlib import Path

import numpy as np
import pytest

from tests.support import shared


@pytest.fixture
def real_faces() -> Path:
    """The folder of real faces; the test is skipped where it is not."""
    return shared.real_faces()


@pytest.fixture
def points() -> np.ndarray:
    """68 whole numbers that lie apart: point i is (10 + 3 i, 200 - 2 i)."""
    index = np.arange(68)
    return np.stack([10 + 3 * index, 200 - 2 * index], axis=1).astype(np.float32)
