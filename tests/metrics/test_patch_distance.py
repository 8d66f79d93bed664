"""The patch distance: 0 for real faces, larger for dirty ones, and its network's patches lie where the mesh says."""

import numpy as np
import pytest

from lianpu.metrics.patch_distance import MIDDLE, ZONES, PatchFeatures, patch_distance


def faces(count: int, seed: int, moved: float = 0.0, zone: str | None = None) -> np.ndarray:
    drawn = np.random.default_rng(seed).normal(size=(count, len(ZONES), 6))
    drawn[:, slice(None) if zone is None else list(ZONES).index(zone)] += moved
    return drawn.astype(np.float32)


def test_real_faces_are_at_zero_and_moved_ones_the_farther_the_more() -> None:
    reference = faces(200, 0)
    real, near, far = (patch_distance(faces(60, 1, moved), reference, 0) for moved in (0.0, 0.3, 0.8))
    assert abs(real.all.value) < 0.02 and real.all.low < 0.02
    assert real.all.value < near.all.low < near.all.value < far.all.low
    assert (near.faces, near.reference) == (60, 200)


def test_a_dirty_zone_is_named() -> None:
    found = patch_distance(faces(60, 1, 1.0, "upper_lip"), faces(200, 0), 0)
    assert max(found.zones, key=lambda zone: found.zones[zone]) == "upper_lip"
    assert found.middle.value == pytest.approx(np.mean([found.zones[zone] for zone in MIDDLE]))
    assert found.middle.value > 3 * found.all.value > 0


def test_it_is_unbiased_at_small_counts() -> None:
    reference = faces(300, 99)
    found = [patch_distance(faces(5, seed), reference, 0).all.value for seed in range(30)]
    assert abs(np.mean(found)) < 0.05 and min(found) < 0


def test_the_same_seed_gives_the_same_interval() -> None:
    edited, reference = faces(20, 1, 0.2), faces(50, 0)
    assert patch_distance(edited, reference, 3) == patch_distance(edited, reference, 3)


def test_one_face_is_no_set() -> None:
    with pytest.raises(ValueError, match="got 1 and 5"):
        patch_distance(faces(1, 0), faces(5, 0), 0)


def test_a_spot_changes_the_patches_that_it_lies_in() -> None:
    crop = np.full((512, 512, 3), 150, np.uint8)
    points = np.full((478, 2), 60.0)
    for number, zone in enumerate(ZONES.values()):
        points[list(zone)] = (100 + 96 * (number % 4), 80 + 88 * (number // 4))
    network = PatchFeatures()
    clean = network.patches(crop, points)
    spotted = crop.copy()
    x, y = points[164].astype(int)
    spotted[y - 4 : y + 4, x - 4 : x + 4] = 30
    change = np.abs(network.patches(spotted, points) - clean).sum(axis=1)
    assert clean.shape == (len(ZONES), 2 * (24 + 40 + 80))
    assert list(ZONES)[int(change.argmax())] == "upper_lip"
