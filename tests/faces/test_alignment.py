"""Alignment: similarities worked out by hand, crops of drawn and real faces, and the way back into the photo."""

import csv

import numpy as np
import pytest

from lianpu.faces.alignment import TEMPLATES, align, alignment_matrix
from lianpu.faces.results import Face
from lianpu.imaging.geometry import inverse, map_points, scale_of, similarity, warp
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image
from tests.support.shared import REAL_FACES, needs

SQUARE = np.array([(0, 0), (2, 0), (2, 2), (0, 2)], dtype=np.float64)


def a_face(points: np.ndarray) -> Face:
    low, high = points.min(axis=0), points.max(axis=0)
    return Face((low[0] - 9, low[1] - 9, high[0] + 9, high[1] + 9), 0.9, points, "made")


def smooth_picture(width: int, height: int) -> Picture:
    """Two slow waves and a slope: cubic resampling keeps them within a grey level or two."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    layers = [127 + 100 * np.sin(x / 17), 127 + 100 * np.cos(y / 23), (x + y) / (width + height) * 255]
    return np.stack(layers, axis=2).astype(np.uint8)


def test_a_quarter_turn_is_found() -> None:
    turned = np.array([(0, 0), (0, 2), (-2, 2), (-2, 0)], dtype=np.float64)  # (x, y) becomes (-y, x)
    np.testing.assert_allclose(similarity(SQUARE, turned), [[0, -1, 0], [1, 0, 0]], atol=1e-12)


def test_a_scale_and_a_shift_are_found() -> None:
    np.testing.assert_allclose(similarity(SQUARE, SQUARE * 3 + (5, -4)), [[3, 0, 5], [0, 3, -4]], atol=1e-12)


def test_two_points_are_enough() -> None:
    matrix = similarity(np.array([(0, 0), (1, 0)]), np.array([(10, 10), (10, 12)]))
    np.testing.assert_allclose(matrix, [[0, -2, 10], [2, 0, 10]], atol=1e-12)


def test_it_never_mirrors_even_when_the_target_is_mirrored() -> None:
    lopsided = np.array([(0, 0), (4, 0), (4, 1), (0, 3)], dtype=np.float64)
    matrix = similarity(lopsided, lopsided * (-1, 1))
    assert np.linalg.det(matrix[:, :2]) > 0
    np.testing.assert_allclose(matrix[:, :2] @ matrix[:, :2].T, np.eye(2) * scale_of(matrix) ** 2, atol=1e-12)


def test_it_is_the_least_squares_similarity_of_noisy_points() -> None:
    random = np.random.default_rng(3)
    source = random.normal(size=(5, 2)) * 40
    target = source @ np.array([[0.6, -0.8], [0.8, 0.6]]) * 1.7 + random.normal(size=(5, 2))
    matrix = similarity(source, target)
    # a similarity is linear in (a, b, tx, ty): solve for these without Umeyama
    rows = np.zeros((10, 4))
    rows[0::2] = np.column_stack([source[:, 0], -source[:, 1], np.ones(5), np.zeros(5)])
    rows[1::2] = np.column_stack([source[:, 1], source[:, 0], np.zeros(5), np.ones(5)])
    a, b, shift_x, shift_y = np.linalg.lstsq(rows, target.ravel(), rcond=None)[0]
    np.testing.assert_allclose(matrix, [[a, -b, shift_x], [b, a, shift_y]], atol=1e-9)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (np.ones((5, 2)), np.ones((5, 2)), r"one place \(1.0, 1.0\)"),
        (np.ones((1, 2)), np.ones((1, 2)), "two or more points"),
        (SQUARE, SQUARE[:3], r"\(4, 2\) and \(3, 2\)"),
        (SQUARE, SQUARE * np.nan, "finite"),
    ],
)
def test_points_without_a_similarity_are_refused(source: np.ndarray, target: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        similarity(source, target)


def test_the_inverse_takes_points_back() -> None:
    matrix = np.array([[0.3, -0.4, 7.0], [0.4, 0.3, -2.0]])
    points = np.array([(0, 0), (100, 3), (-5, 40)], dtype=np.float32)
    np.testing.assert_allclose(map_points(inverse(matrix), map_points(matrix, points)), points, atol=1e-4)
    assert scale_of(matrix) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="flattens"):
        inverse(np.zeros((2, 3)))


def test_the_identity_leaves_a_picture_as_it_is() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    assert np.array_equal(warp(picture, np.array([[1.0, 0, 0], [0, 1.0, 0]]), (50, 40)), picture)


def test_a_shift_moves_whole_pixels_and_repeats_the_border() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    moved = warp(picture, np.array([[1.0, 0, 10], [0, 1.0, 5]]), (50, 40))
    assert np.array_equal(moved[5:, 10:], picture[:-5, :-10])
    assert np.array_equal(moved[5:, 0], picture[:-5, 0])
    assert np.array_equal(moved[0, 10:], picture[0, :-10])


def test_a_crop_that_lies_outside_of_the_picture_is_its_nearest_corner() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    far = warp(picture, np.array([[1.0, 0, -5000], [0, 1.0, -5000]]), (8, 8))
    assert (far == picture[-1, -1]).all()


def test_fine_stripes_of_a_large_face_become_grey_in_a_small_crop_not_coarse_stripes() -> None:
    picture = np.zeros((2000, 2000, 3), dtype=np.uint8)
    picture[:, ::2] = 255
    turn = np.deg2rad(20)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 300], [np.sin(turn), np.cos(turn), -300]]) * (128 / 2000)
    crop = warp(picture, matrix, (128, 128))[16:112, 16:112]
    assert crop.std() < 6 and crop.mean() == pytest.approx(127.5, abs=2)


def test_shrinking_keeps_places_to_a_fraction_of_a_pixel() -> None:
    picture = np.zeros((1200, 1600, 3), dtype=np.uint8)
    y, x = np.mgrid[0:1200, 0:1600]
    picture[((x - 901.3) ** 2 + (y - 444.8) ** 2) < 60**2] = 255
    matrix = np.array([[0.08, -0.06, 30.4], [0.06, 0.08, -11.7]])
    crop = warp(picture, matrix, (128, 128)).astype(np.float64)[..., 0]
    rows, columns = np.mgrid[0:128, 0:128]
    centre = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
    np.testing.assert_allclose(centre, map_points(matrix, np.array([(901.3, 444.8)]))[0], atol=0.05)


@pytest.mark.parametrize("scale", [0.8, 1.0, 1.6])
def test_a_crop_pasted_back_by_the_inverse_lies_where_it_was(scale: float) -> None:
    picture = smooth_picture(300, 260)
    turn = np.deg2rad(-31)
    matrix = np.array([[np.cos(turn), -np.sin(turn), 30], [np.sin(turn), np.cos(turn), 60]]) * scale
    crop = warp(picture, matrix, (256, 256))
    back = warp(crop, inverse(matrix), (300, 260)).astype(np.int64)
    y, x = np.mgrid[0:260, 0:300]
    there = map_points(matrix, np.column_stack([x.ravel(), y.ravel()])).reshape(260, 300, 2)
    inside = ((there > 4) & (there < 251)).all(axis=2)
    assert inside.mean() > 0.15
    difference = np.abs(back - picture.astype(np.int64))[inside]
    # half a pixel of shift would change the steepest wave by 3 grey levels
    assert difference.mean() < 0.8 and np.percentile(difference, 99) <= 2


@pytest.mark.parametrize("name", TEMPLATES)
def test_points_on_the_template_are_not_moved(name: str) -> None:
    template = TEMPLATES[name]
    side = min(template.width, template.height)
    top = (template.height - side) // 2
    matrix = alignment_matrix(template.points, template, side)
    np.testing.assert_allclose(matrix, [[1, 0, 0], [0, 1, -top]], atol=1e-9)


def test_another_size_scales_the_template_about_the_corner_of_the_first_pixel() -> None:
    template = TEMPLATES["arcface"]
    np.testing.assert_allclose(template.scaled(224), template.points * 2 + 0.5)


def test_the_celeba_template_agrees_with_celebas_own_aligned_points() -> None:
    # Rows 1, 2, 9 and 28 of list_landmarks_align_celeba: a face that was aligned by the same rule moves less than it was rounded.
    rows = [
        [(69, 109), (106, 113), (77, 142), (73, 152), (108, 154)],
        [(69, 110), (107, 112), (81, 135), (70, 151), (108, 153)],
        [(68, 113), (110, 111), (97, 139), (66, 152), (109, 150)],
        [(68, 112), (110, 112), (89, 145), (67, 150), (109, 151)],
    ]
    for row in rows:
        matrix = alignment_matrix(np.array(row), TEMPLATES["celeba"], 178)
        moved = map_points(matrix, np.array(row)) + np.array([0, 20]) - row
        assert np.abs(moved).max() < 1.2, row  # all five points; a fit by the nose, too, moves the first face by 3 px
        assert scale_of(matrix) == pytest.approx(1.0, abs=0.02)


def test_a_turned_face_is_brought_upright() -> None:
    template = TEMPLATES["celebamask-hq"]
    turn = np.array([[-1, 0], [0, -1]])  # upside down
    points = (template.points @ turn + (512, 512)).astype(np.float32)
    picture = smooth_picture(512, 512)
    aligned = align(picture, a_face(points), template, 256)
    assert aligned.picture.shape == (256, 256, 3) and aligned.template is template
    np.testing.assert_allclose(map_points(aligned.matrix, points), template.scaled(256), atol=1e-3)
    upright = align(np.ascontiguousarray(picture[::-1, ::-1]), a_face(template.points - 1), template, 256)
    assert np.abs(aligned.picture.astype(int) - upright.picture.astype(int)).mean() < 1


def test_a_size_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="positive size, got 0 x 0"):
        warp(smooth_picture(9, 9), np.array([[1.0, 0, 0], [0, 1.0, 0]]), (0, 0))


@needs(REAL_FACES)
def test_a_real_face_aligned_to_its_own_template_moves_little() -> None:
    with (REAL_FACES / "landmarks68.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))[1:201]
    template = TEMPLATES["celebamask-hq"]
    turns, scales, shifts = [], [], []
    for row in rows:
        if not row[1]:
            continue
        all_points = np.array(row[1:], dtype=np.float64).reshape(68, 2)
        points = np.array([all_points[36:42].mean(0), all_points[42:48].mean(0), *all_points[[30, 48, 54]]])
        matrix = alignment_matrix(points, template, 512)
        turns.append(abs(np.rad2deg(np.arctan2(matrix[1, 0], matrix[0, 0]))))
        scales.append(scale_of(matrix))
        shifts.append(np.linalg.norm(map_points(matrix, np.array([(256.0, 300.0)])) - (256, 300)))
    assert np.median(turns) < 2 and np.median(shifts) < 8
    assert np.median(scales) == pytest.approx(1, abs=0.03) and min(scales) > 0.8 and max(scales) < 1.15
    picture = read_image(REAL_FACES / "images" / rows[0][0])
    points = np.array(rows[0][1:], dtype=np.float64).reshape(68, 2)
    five = np.array([points[36:42].mean(0), points[42:48].mean(0), *points[[30, 48, 54]]])
    crop = align(picture, a_face(five), template, 512).picture
    assert np.corrcoef(crop.ravel(), picture.ravel())[0, 1] > 0.9
