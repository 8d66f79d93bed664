"""The guided filter against its definition, computed window by window in float64."""

import numpy as np
import pytest

from lianpu.imaging.masks import apply_coefficients, fit_windows, guided_filter_coefficients, window_mean


def _windows(values: np.ndarray, radius: int) -> np.ndarray:
    """(h, w, n, C): the values in the window around each pixel; beyond the border mirrored, the border pixel itself counted again."""
    height, width = values.shape[:2]
    padded = np.pad(values.astype(np.float64), ((radius, radius), (radius, radius), (0, 0)), mode="symmetric")
    side = 2 * radius + 1
    return np.array([[padded[y : y + side, x : x + side].reshape(side * side, -1) for x in range(width)] for y in range(height)])


def _defined(mask: np.ndarray, guide: np.ndarray, radius: int, smoothness: float) -> np.ndarray:
    """He, Sun & Tang 2013, equations 14, 15 and 16 (a grey guide: 5, 6 and 8), with plain loops."""
    height, width, channels = guide.shape
    guides, masks = _windows(guide, radius), _windows(mask[..., None], radius)[..., 0]
    slopes, offsets = np.zeros((height, width, channels)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            inside, p = guides[y, x], masks[y, x]
            mean = inside.mean(axis=0)
            covariance = (inside - mean).T @ (inside - mean) / len(inside)
            together = (inside - mean).T @ (p - p.mean()) / len(inside)
            slopes[y, x] = np.linalg.solve(covariance + smoothness * np.eye(channels), together)
            offsets[y, x] = p.mean() - slopes[y, x] @ mean
    mean_slopes = _windows(slopes, radius).mean(axis=2)
    mean_offsets = _windows(offsets[..., None], radius).mean(axis=2)[..., 0]
    return (mean_slopes * guide).sum(axis=2) + mean_offsets


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("radius", "smoothness"), [(1, 1e-2), (2, 1e-3), (4, 0.1)])
def test_it_is_its_definition_also_at_the_borders(channels: int, radius: int, smoothness: float) -> None:
    random = np.random.default_rng(channels)
    guide = random.random((11, 13, channels), dtype=np.float32)
    mask = (random.random((11, 13)) > 0.5).astype(np.float32)
    got = apply_coefficients(guided_filter_coefficients(mask, guide, radius, smoothness), guide)
    assert got == pytest.approx(_defined(mask, guide, radius, smoothness), abs=2e-3)


def test_several_targets_at_once_are_as_each_alone() -> None:
    random = np.random.default_rng(0)
    guide, targets = random.random((9, 10, 3), dtype=np.float32), random.random((9, 10, 2), dtype=np.float32)
    mean = window_mean(2)
    together = fit_windows(targets, guide, mean, 1e-2)[0]
    for one in range(2):
        alone = fit_windows(targets[..., one : one + 1], guide, mean, 1e-2)[0]
        assert together[:, :, one] == pytest.approx(alone[:, :, 0], abs=1e-3)


def test_weighted_means_count_what_weighs_and_fall_back_to_what_is_far() -> None:
    random = np.random.default_rng(0)
    values, weight = random.random((8, 9, 2), dtype=np.float32), random.random((8, 9), dtype=np.float32)
    weighted = _windows(values * weight[..., None], 1).sum(axis=2) / _windows(weight[..., None], 1).sum(axis=2)
    assert window_mean(1, weight)(values) == pytest.approx(weighted, abs=1e-5)
    weight[:, :5] = 0
    mean = window_mean(1, weight, far=0.02)(values)
    all_over = (values * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
    assert mean[4, 1] == pytest.approx(all_over, abs=1e-3)
    assert (window_mean(1, weight, least=1e-4)(values)[:, :4] == 0).all()


def test_a_mask_that_is_a_function_of_the_guide_stays_as_it_is() -> None:
    guide = np.random.default_rng(1).random((20, 20, 3), dtype=np.float32)
    mask = (guide @ np.array([0.2, 0.5, -0.3], np.float32) + np.float32(0.3)).astype(np.float32)
    assert apply_coefficients(guided_filter_coefficients(mask, guide, 3, 1e-6), guide) == pytest.approx(mask, abs=2e-3)
