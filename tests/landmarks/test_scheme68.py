"""The order of the 68 points: regions, mirror pairs and eye distances."""

import csv
from pathlib import Path

import numpy as np

from lianpu.landmarks.scheme68 import COUNT, MIRROR_ORDER, REGIONS, inter_ocular, inter_pupil, mirrored


def test_every_point_lies_in_one_region() -> None:
    assert sorted(point for region in REGIONS.values() for point in region) == list(range(COUNT))


def test_mirroring_twice_changes_nothing(points: np.ndarray) -> None:
    assert [MIRROR_ORDER[other] for other in MIRROR_ORDER] == list(range(COUNT))
    np.testing.assert_array_equal(mirrored(mirrored(points, 300), 300), points)


def test_only_the_middle_of_the_face_is_its_own_mirror_image() -> None:
    assert [point for point in range(COUNT) if MIRROR_ORDER[point] == point] == [8, 27, 28, 29, 30, 33, 51, 57, 62, 66]


def test_points_stay_in_their_region_when_mirrored() -> None:
    for region in REGIONS.values():
        assert {MIRROR_ORDER[point] for point in region} == set(region)


def test_a_mirrored_point_lies_as_far_from_the_other_border() -> None:
    points = np.zeros((COUNT, 2), dtype=np.float32)
    points[36] = (4, 7)
    np.testing.assert_array_equal(mirrored(points, 100)[45], (95, 7))


def test_the_mean_of_real_faces_is_nearly_its_own_mirror_image(real_faces: Path) -> None:
    with (real_faces / "landmarks68.csv").open(newline="") as stream:
        rows = [row[1:] for row in list(csv.reader(stream))[1:] if row[1]]
    mean = np.array(rows, dtype=np.float64).reshape(-1, COUNT, 2).mean(axis=0)
    difference = mirrored(mean, 512) - mean
    # a wrong pair would be tens of pixels off; the faces look about 1 px to one side
    assert np.abs(difference - difference.mean(axis=0)).max() < 6


def test_eye_distances_are_those_of_300w() -> None:
    points = np.zeros((2, COUNT, 2))
    points[:, 36], points[:, 45] = (0, 0), (30, 40)
    np.testing.assert_allclose(inter_ocular(points), [50, 50])
    points[:, 36:42], points[:, 42:48] = (10, 10), (10, 34)
    np.testing.assert_allclose(inter_pupil(points), [24, 24])
