"""Overlap and contours, on masks that can be worked out by hand."""

import numpy as np
import pytest

from lianpu.face_parsing.scores import accuracy, boundary_f1, contour, count_pixels, f1, iou, merged_sides, near
from lianpu.part_names import PARTS


def _mask(*rows: str) -> np.ndarray:
    return np.array([[int(digit) if digit != "x" else 255 for digit in row] for row in rows], dtype=np.uint8)


def test_pixels_are_counted_by_truth_and_answer() -> None:
    truth, answer = _mask("0011", "0011"), _mask("0111", "0012")
    expected = [[3, 1, 0], [0, 3, 1], [0, 0, 0]]
    assert count_pixels(truth, answer, classes=3).tolist() == expected


def test_iou_and_f1_are_those_worked_out_by_hand() -> None:
    counts = count_pixels(_mask("0011", "0011"), _mask("0111", "0012"), classes=4)
    np.testing.assert_allclose(iou(counts)[:3], [3 / 4, 3 / 5, 0 / 1])
    np.testing.assert_allclose(f1(counts)[:3], [6 / 7, 6 / 8, 0 / 1])
    assert np.isnan(iou(counts)[3]) and np.isnan(f1(counts)[3])
    assert accuracy(counts) == 6 / 8


def test_a_mask_against_itself_has_the_highest_scores() -> None:
    mask = np.random.default_rng(0).integers(0, 19, (24, 24)).astype(np.uint8)
    counts = count_pixels(mask, mask)
    assert (iou(counts) == 1).all() and (f1(counts) == 1).all() and accuracy(counts) == 1
    assert (boundary_f1(mask, mask) == 1).all()


def test_pixels_that_nobody_knows_do_not_count() -> None:
    counts = count_pixels(_mask("01xx"), _mask("0101"), classes=2)
    assert counts.tolist() == [[1, 0], [0, 1]]


def test_masks_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match=r"truth is \(1, 2\), answer \(1, 3\)"):
        count_pixels(_mask("00"), _mask("000"))
    with pytest.raises(ValueError, match=r"classes are 0 to 1, got 2"):
        count_pixels(_mask("02"), _mask("00"), classes=2)


def test_a_contour_lies_inside_and_the_picture_s_edge_is_none() -> None:
    region = _mask("11100", "11100", "11100", "00000") == 1
    assert contour(region).astype(int).tolist() == [[0, 0, 1, 0, 0], [0, 0, 1, 0, 0], [1, 1, 1, 0, 0], [0, 0, 0, 0, 0]]
    assert not contour(np.ones((3, 3))).any()


def test_near_is_measured_as_the_crow_flies() -> None:
    one = np.zeros((7, 7), dtype=bool)
    one[3, 3] = True
    assert near(one, 1).sum() == 5 and near(one, 1.5).sum() == 9 and near(one, 2).sum() == 13


def test_contours_within_the_tolerance_agree_and_others_do_not() -> None:
    truth, answer = np.zeros((30, 40), dtype=np.uint8), np.zeros((30, 40), dtype=np.uint8)
    truth[:, :20], answer[:, :22] = 1, 1  # the border between the classes is shifted by two pixels; the diagonal is 50
    np.testing.assert_array_equal(boundary_f1(truth, answer, 2, tolerance=2 / 50), [1, 1])
    np.testing.assert_array_equal(boundary_f1(truth, answer, 2, tolerance=1.9 / 50), [0, 0])


def test_precision_and_recall_of_contours_are_weighed_as_f1() -> None:
    truth, answer = np.zeros((10, 20), dtype=np.uint8), np.zeros((10, 20), dtype=np.uint8)
    truth[:, :5] = 1
    answer[:, :5] = 1
    answer[:, 15:] = 1  # a second contour of ten pixels that is not there: precision 1/2, recall 1
    assert boundary_f1(truth, answer, 2, tolerance=0)[1] == pytest.approx(2 / 3)


def test_a_class_that_only_one_mask_has_gets_no_contour_score_and_one_that_neither_has_none() -> None:
    truth = np.zeros((8, 8), dtype=np.uint8)
    answer = truth.copy()
    answer[2:4, 2:4] = 2
    values = boundary_f1(truth, answer, classes=4)
    assert values[2] == 0 and np.isnan(values[1]) and np.isnan(values[3])


def test_merged_sides_have_sixteen_names_and_one_class_for_both() -> None:
    table, names = merged_sides()
    assert names == (
        *("background", "skin", "nose", "eye_g", "eye", "brow", "ear", "mouth"),
        *("u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth"),
    )
    for index, name in enumerate(PARTS):
        single = {"l_eye": "eye", "r_eye": "eye", "l_brow": "brow", "r_brow": "brow", "l_ear": "ear", "r_ear": "ear"}
        assert names[table[index]] == single.get(name, name)
    assert table[255] == 255
