"""Lab of colours whose values are published."""

import numpy as np
import pytest

from lianpu.imaging.color import lab_of_color, rgb_to_lab, to_rgb


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
    assert lab_of_color("#{:02x}{:02x}{:02x}".format(*rgb)) == pytest.approx(lab, abs=0.05)


def test_lab_is_that_of_the_formulas() -> None:
    """IEC 61966-2-1 (sRGB) and CIE 15 (Lab) with white point D65, in float64."""
    pixels = np.random.default_rng(0).random((20, 30, 3), dtype=np.float32)
    linear = np.where(pixels <= 0.04045, pixels / 12.92, ((pixels + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])
    ratio = linear @ to_xyz.T / to_xyz.sum(axis=1)
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    expected = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    assert rgb_to_lab(pixels) == pytest.approx(expected, abs=0.35)
    assert to_rgb(rgb_to_lab(pixels)) == pytest.approx(pixels, abs=0.01)
