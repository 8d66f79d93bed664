"""The geometry of drawn heads, in numbers worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from lianpu.drawing.attributes import chance, sample_attributes
from lianpu.drawing.head import Head, Outline, Places, face_outline, sample_head, to_picture


def _head(**changes: float) -> Head:
    return replace(sample_head(chance(1, 1, "head"), sample_attributes(1, 1)), **changes)  # type: ignore[arg-type]


def test_a_head_without_pose_is_seen_where_it_is() -> None:
    assert _head(yaw=0, pitch=0).project(0.1, 0.5, 0.3) == pytest.approx((0.1, 0.5))


def test_turning_to_the_right_moves_what_is_near_to_the_right() -> None:
    near, far = (_head(yaw=20, pitch=0).project(0, 0.5, z)[0] for z in (0.3, 0.0))
    assert near == pytest.approx(0.3 * np.sin(np.radians(20))) and far == pytest.approx(0)


def test_turning_narrows_the_side_that_turns_away() -> None:
    head = _head(yaw=15)
    assert head.narrowing(1) < 1 < head.narrowing(-1)


@pytest.mark.parametrize("tilt", [0.0, 12.0, -9.0])
def test_places_and_to_picture_undo_each_other(tilt: float) -> None:
    head = _head(tilt=tilt)
    places = Places.of(head, 50)
    for row, column in ((3, 40), (25, 25), (49, 0)):
        x, y = to_picture(head, float(places.u[row, column]), float(places.v[row, column]))
        assert (x * 50, y * 50) == pytest.approx((column + 0.5, row + 0.5), abs=1e-3)


def test_the_distance_inside_an_outline_is_right_near_its_edge() -> None:
    circle = [(0.5 - 0.3 * np.cos(turn), 0.3 * np.sin(turn)) for turn in np.linspace(0, np.pi, 60).tolist()]
    outline = Outline.of(circle, [(0.0, 0.1), (1.0, 0.1)], smooth=0.002)
    u = np.array([0.1, 0.42, 0.38, 0.1, 0.1], np.float32)
    v = np.array([0.5, 0.5, 0.5, 0.81, 0.78], np.float32)
    np.testing.assert_allclose(outline.distance(u, v)[1:], [-0.02, 0.02, -0.01, 0.02], atol=0.003)
    assert outline.distance(u, v)[0] > 0.1
    assert outline.edge(0.5, -1) == pytest.approx(-0.2, abs=0.003) and outline.edge(0.5, 1) == pytest.approx(0.4, abs=0.003)


def test_the_outline_of_a_face_ends_at_the_chin() -> None:
    head = _head(yaw=0, pitch=0)
    outline, middle = face_outline(head), np.zeros(2, np.float32)
    below, above = outline.distance(middle, np.array([head.chin_v + 0.02, head.chin_v - 0.03], np.float32))
    assert below < 0 < above


def test_sex_and_age_change_the_shape_of_the_same_head() -> None:
    values = sample_attributes(1, 1, {"Male": False, "Young": True})
    woman = sample_head(chance(1, 1, "head"), values)
    man = sample_head(chance(1, 1, "head"), {**values, "Male": True})
    assert man.jaw > woman.jaw and man.brow_thickness > woman.brow_thickness and man.lip_lower < woman.lip_lower
    assert (man.yaw, man.tilt, man.scale, man.light) == (woman.yaw, woman.tilt, woman.scale, woman.light)
