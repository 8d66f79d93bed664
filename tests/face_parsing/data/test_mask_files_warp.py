"""Masks in another size and place: smooth where they grow, whole where they shrink."""

import numpy as np
import pytest
from scipy import ndimage

from lianpu.dataset.drawn import draw_face
from lianpu.face_parsing.data.mask_files import resized_mask, warped_mask
from lianpu.face_parsing.scores import contour


def _disc(side: int, radius: float) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return (np.hypot(x, y) <= radius).astype(np.uint8) * 13


def _roughness(mask: np.ndarray) -> float:
    """Standard deviation of the distance of a disc's contour from its middle, in pixels."""
    y, x = np.nonzero(contour(mask == 13))
    return float(np.hypot(x - (mask.shape[1] - 1) / 2, y - (mask.shape[0] - 1) / 2).std())


def test_an_enlarged_disc_has_no_stairs() -> None:
    disc = _disc(40, 12.0)
    smooth, stairs = resized_mask(disc, 320), np.kron(disc, np.ones((8, 8), np.uint8))
    assert _roughness(smooth) < 0.6 * _roughness(stairs)
    ideal = _disc(320, 12.0 * 8)
    assert (smooth != ideal).mean() < 0.01


def test_the_same_size_changes_nothing_and_shrinking_keeps_the_shares() -> None:
    mask = draw_face(0, 0, 256).mask
    assert resized_mask(mask, 256) is mask
    small = resized_mask(mask, 64)
    for index in np.unique(mask):
        share = float((mask == index).mean())
        assert float((small == index).mean()) == pytest.approx(share, rel=0.2, abs=0.003), index


def test_a_shift_by_whole_pixels_moves_the_mask_and_leaves_background_behind() -> None:
    mask = draw_face(0, 1, 64).mask
    moved = warped_mask(mask, np.array([[1.0, 0, 10], [0, 1.0, -5]]), (80, 64))
    expected = np.zeros((64, 80), dtype=np.uint8)
    expected[:59, 10:74] = mask[5:]
    assert (moved != expected).mean() < 0.002


def test_a_quarter_turn_agrees_with_numpy_s() -> None:
    mask = draw_face(0, 2, 96).mask
    turned = warped_mask(mask, np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 95.0]]), (96, 96))
    assert (turned != np.rot90(mask)).mean() < 0.002


def test_a_mask_that_lies_outside_gives_background() -> None:
    assert not warped_mask(_disc(8, 3), np.array([[1.0, 0, 100], [0, 1.0, 0]]), (20, 20)).any()


def test_thin_parts_survive_enlargement() -> None:
    mask = np.zeros((32, 32), dtype=np.uint8)
    mask[10:12, 4:28] = 6  # a brow of two pixels
    large = resized_mask(mask, 128) == 6
    assert ndimage.label(large)[1] == 1 and large.mean() == pytest.approx((mask == 6).mean(), rel=0.15)
