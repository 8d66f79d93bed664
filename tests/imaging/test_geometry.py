"""Points, boxes and matrices between pictures of different sizes: half-pixel centres everywhere."""

import cv2
import numpy as np
import pytest

from lianpu.imaging.geometry import (
    compose,
    inverse,
    map_points,
    quick_shrink,
    quick_warp,
    scale_between,
    scale_box,
    scale_points,
    scaled_size,
    scaling,
    shrink,
    similarity,
    warp,
)

RANDOM_FACTORS = [(float(x), float(y)) for x, y in np.random.default_rng(0).uniform(0.05, 20, (20, 2))]


@pytest.mark.parametrize("by", RANDOM_FACTORS)
def test_corners_stay_corners(by: tuple[float, float]) -> None:
    """A picture of 30 x 20 pixels spans -0.5 to 29.5 and -0.5 to 19.5; its copy `by` times as large spans -0.5 to 30 by - 0.5."""
    corners = scale_points(np.array([(-0.5, -0.5), (29.5, 19.5)]), by)
    assert corners[0].tolist() == [-0.5, -0.5]
    assert corners[1] == pytest.approx((30 * by[0] - 0.5, 20 * by[1] - 0.5))
    assert scale_box((-0.5, -0.5, 29.5, 19.5), by) == pytest.approx(tuple(corners.ravel()))


@pytest.mark.parametrize("by", RANDOM_FACTORS)
def test_there_and_back_is_the_identity(by: tuple[float, float]) -> None:
    points = np.random.default_rng(1).uniform(-50, 500, (40, 2))
    back = scale_points(scale_points(points, by), (1 / by[0], 1 / by[1]))
    assert back == pytest.approx(points)
    assert map_points(scaling(by), points) == pytest.approx(scale_points(points, by), rel=1e-5)
    assert compose(inverse(scaling(by)), scaling(by)) == pytest.approx(np.eye(3)[:2])


def test_points_scale_as_pixels_do() -> None:
    """Four pixels become one: its centre lies between theirs, at 0.5."""
    assert scale_points(np.array([(0.5, 0.5)]), 0.5).tolist() == [[0.0, 0.0]]
    assert scale_points(0, 2) == 0.5 and scale_points(0.5, 0.5) == 0.0


@pytest.mark.parametrize("size", np.random.default_rng(2).integers(5, 300, (20, 2)).tolist())
def test_a_shrunk_spot_lies_where_the_scaled_point_says(size: tuple[int, int]) -> None:
    """The centre of gravity of a soft spot, found in the copy, is the scaled one of the picture."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    middle = np.array([0.4 * width, 0.6 * height])
    reach = 0.15 * min(size) + 0.5
    spot = np.exp(-(((x - middle[0]) / reach) ** 2) - ((y - middle[1]) / reach) ** 2).astype(np.float32)
    small = shrink(spot, max(1, max(size) // 3))
    by = scale_between(spot, small)

    def gravity(picture: np.ndarray) -> np.ndarray:
        rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]]
        return np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()

    assert gravity(small) == pytest.approx(scale_points(gravity(spot), by), abs=2e-3 * max(size))


def test_shrinking_keeps_what_is_small_enough() -> None:
    picture = np.zeros((20, 30, 3), dtype=np.uint8)
    assert shrink(picture, 30) is picture and shrink(picture, 15).shape == (10, 15, 3)
    assert scaled_size(picture, 0.001) == (1, 1)


def test_warping_by_a_scaling_is_resizing() -> None:
    picture = np.asarray(
        cv2.GaussianBlur(np.random.default_rng(3).integers(0, 256, (40, 60, 3), dtype=np.uint8), (0, 0), 3), dtype=np.uint8
    )
    larger = cv2.resize(picture, (150, 80), interpolation=cv2.INTER_CUBIC)
    assert np.abs(warp(picture, scaling((2.5, 2.0)), (150, 80)).astype(int) - larger).max() <= 2


def _smooth_picture() -> np.ndarray:
    noise = np.random.default_rng(3).integers(0, 256, (12, 18, 3), dtype=np.uint8)
    return cv2.resize(noise, (718, 483), interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("scale", [0.9, 0.4, 0.12])
def test_a_quick_warp_shows_what_a_careful_one_shows(scale: float) -> None:
    picture = _smooth_picture()
    matrix = np.array([[0.97 * scale, -0.24 * scale, 14.0], [0.24 * scale, 0.97 * scale, -20.0]])
    quick, careful = (one(picture, matrix, (96, 80)).astype(int) for one in (quick_warp, warp))
    assert np.abs(quick - careful)[4:-4, 4:-4].mean() < 2.5


@pytest.mark.parametrize("longest", [320, 200, 90, 1000])
def test_a_quickly_shrunk_picture_has_the_size_of_a_careful_one(longest: int) -> None:
    picture = _smooth_picture()
    quick, careful = quick_shrink(picture, longest), shrink(picture, longest)
    assert max(quick.shape) == max(careful.shape) and abs(quick.shape[0] - careful.shape[0]) <= 1
    if longest == 1000:
        assert quick is picture
    same = cv2.resize(quick, careful.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(int)
    assert np.abs(same - careful).mean() < 4


def test_a_similarity_is_the_best_of_all() -> None:
    chance = np.random.default_rng(5)
    source, target = chance.normal(size=(2, 30, 2)) * 20
    found = similarity(source, target)
    assert found[0, 0] == found[1, 1] and found[0, 1] == -found[1, 0]

    def error(matrix: np.ndarray) -> float:
        return float(((source @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum())

    for change in np.eye(4):
        a, b, x, y = 1e-3 * change
        for sign in (-1, 1):
            assert error(found) <= error(found + sign * np.array([[a, -b, x], [b, a, y]]))
