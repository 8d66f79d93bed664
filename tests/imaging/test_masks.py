"""Soft masks, by values that can be worked out by hand."""

import numpy as np
import pytest

from lianpu.imaging.compositing import View
from lianpu.imaging.masks import dilate, feather, largest_component, smoothstep, wide_blur


def _view(height: int, width: int, scale: float = 1.0) -> View:
    window = (slice(0, round(height / scale)), slice(0, round(width / scale)))
    return View(window, np.zeros((height, width, 3), np.float32))


def test_smoothstep_is_its_polynomial() -> None:
    """3 t^2 - 2 t^3 of t = (x - 2) / 4, 0 below 2 and 1 above 6."""
    got = smoothstep(np.array([-9, 2, 3, 4, 5, 6, 99]), 2, 6)
    assert got.tolist() == pytest.approx([0, 0, 0.15625, 0.5, 0.84375, 1, 1])


def test_dilating_adds_pixels_of_the_photo_and_eroding_takes_them() -> None:
    mask = np.zeros((21, 21), np.float32)
    mask[10, 10] = 1
    view = _view(21, 21, 0.5)
    larger = dilate(mask, view, 6)  # 3 pixels of the view
    assert larger[10, 7:14].all() and not larger[10, 6] and larger[7, 10] == 1 and larger[7, 7] == 0
    assert (dilate(larger, view, -6) == mask).all()
    assert dilate(mask, view, 0.4) is mask


def test_small_components_are_left_out() -> None:
    mask = np.zeros((12, 20), np.float32)
    mask[1:9, 1:9] = 1  # 64 pixels
    mask[3:7, 12:17] = 0.9  # 20 pixels, more than a quarter
    mask[10, 18] = 1
    kept = largest_component(mask)
    assert kept[10, 18] == 0 and (kept[:9] == mask[:9]).all()
    assert largest_component(mask, 0.5)[3:7, 12:17].max() == 0


def test_feathering_and_blurring_keep_what_is_even() -> None:
    even = np.full((30, 40), 0.7, np.float32)
    assert feather(even, _view(30, 40), 3) == pytest.approx(even)
    assert wide_blur(even, 20) == pytest.approx(even)


def test_a_feathered_edge_is_half_at_the_edge_and_ends_after_its_reach() -> None:
    mask = np.zeros((9, 60), np.float32)
    mask[:, 30:] = 1
    soft = feather(mask, _view(9, 60), 4)
    assert soft[4, 29] + soft[4, 30] == pytest.approx(1, abs=1e-5)
    assert soft[4, 30 - 11] == 0 and soft[4, 30 + 11] == 1
