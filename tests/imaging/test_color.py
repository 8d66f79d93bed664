"""Lab of colours whose values are published."""

import numpy as np
import pytest

from lianpu.imaging.color import lab_of


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (100, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (53.24, 80.09, 67.20)),
        ((0, 255, 0), (87.73, -86.18, 83.18)),
        ((0, 0, 255), (32.30, 79.19, -107.86)),
        ((128, 128, 128), (53.59, 0, 0)),
        ((5, 5, 5), (1.37, 0, 0)),
    ],
)
def test_published_values(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert lab_of(np.array([rgb], dtype=np.uint8))[0] == pytest.approx(lab, abs=0.02)


def test_any_shape_of_pixels_is_taken() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 3), dtype=np.uint8)
    assert lab_of(pixels).shape == (3, 4, 3)
    assert np.allclose(lab_of(pixels)[2, 1], lab_of(pixels[2, 1]))
