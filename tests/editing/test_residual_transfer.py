"""Spots of light and colour in an edit of a face."""

import numpy as np

from lianpu.editing.residual_transfer import suppress_blotches


def _face(size: int = 128) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return ((x - size / 2) ** 2 + (y - size / 2) ** 2 < (0.35 * size) ** 2).astype(np.float32)


def test_a_dark_patch_on_a_cheek_is_held_small_and_a_line_stays() -> None:
    face = _face()
    change = np.zeros((128, 128, 3), dtype=np.float32)
    change[70:95, 35:60] = -50
    change[40:42, 45:80] = -12
    after = suppress_blotches(change, face, face)
    assert np.abs(after[78:88, 42:52]).max() < 30  # of 50
    assert after[40:42, 50:75].mean() < -7


def test_colour_of_a_spot_is_held_and_of_the_lips_stays() -> None:
    face = _face()
    lips = np.zeros_like(face)
    lips[85:92, 52:76] = 1
    change = np.zeros((128, 128, 3), dtype=np.float32)
    change[60:72, 40:52] = (-10, 0, 30)
    change[85:92, 52:76] = (40, -10, -10)
    after = suppress_blotches(change, face * (1 - lips), face * (1 - lips))
    spot = after[62:70, 42:50].mean(axis=(0, 1))
    assert spot[2] - spot[0] < 25  # of 40
    assert np.allclose(after[85:92, 52:76], change[85:92, 52:76])


def test_what_is_no_face_keeps_its_change_and_no_skin_changes_nothing() -> None:
    chance = np.random.default_rng(0)
    change = chance.normal(0, 20, (64, 64, 3)).astype(np.float32)
    face = _face(64)
    after = suppress_blotches(change, face, face)
    assert np.array_equal(after[face == 0], change[face == 0])
    assert suppress_blotches(change, np.zeros_like(face), face) is change
