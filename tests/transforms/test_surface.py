"""Geometry of the mesh: placement, smooth maps, and a warp that moves points where it should and never folds."""

import numpy as np
import pytest

from lianpu.faces.mesh import REGIONS
from lianpu.transforms.model import load_transform
from lianpu.transforms.surface import (
    MAP_PX,
    SURFACE,
    ThinPlate,
    at_places,
    backward_flow,
    facing,
    place,
    places_in_frame,
    places_in_picture,
)

MODEL = load_transform()
CANONICAL, CONTROLS = MODEL.canonical, MODEL.template.controls


def _turn(yaw: float, roll: float = 0.0) -> np.ndarray:
    yaw, roll = np.radians(yaw), np.radians(roll)
    sideways = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    return np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]) @ sideways


def test_a_placement_is_found_again_and_takes_points_back_into_the_frame() -> None:
    turn = _turn(30, 12)
    points = 0.7 * CANONICAL @ turn.T + (40, 70, 5)
    found = place(points, CANONICAL)
    assert found.scale == pytest.approx(0.7) and found.yaw == pytest.approx(30, abs=1e-6)
    np.testing.assert_allclose(found.rotation, turn, atol=1e-9)
    np.testing.assert_allclose(found.into_frame(points), CANONICAL, atol=1e-6)
    np.testing.assert_allclose(found.turned(np.eye(3)), 0.7 * turn.T, atol=1e-9)


def test_the_canonical_mesh_is_symmetric_and_its_normals_look_at_us() -> None:
    mirrored = CANONICAL * (-1, 1, 1) + (511, 0, 0)
    assert (MODEL.mirror[MODEL.mirror] == np.arange(SURFACE)).all()
    np.testing.assert_allclose(mirrored[MODEL.mirror], CANONICAL, atol=0.05)
    assert facing(place(CANONICAL, CANONICAL), MODEL.normals).mean() > 0.9


def test_of_a_turned_head_the_far_side_is_not_seen() -> None:
    seen = facing(place(CANONICAL @ _turn(60).T, CANONICAL), MODEL.normals)
    far, near = sorted((seen[CANONICAL[:, 0] < 200].mean(), seen[CANONICAL[:, 0] > 311].mean()))
    assert far < 0.5 < near


def test_a_thin_plate_goes_through_its_values_and_keeps_a_plane_a_plane() -> None:
    chance = np.random.default_rng(0)
    centres = chance.uniform(0, 300, (40, 2))
    bumps = chance.normal(size=(40, 2))
    np.testing.assert_allclose(ThinPlate(centres, bumps)(centres), bumps, atol=1e-3)
    plane = centres @ np.array([[1.0, 0.2], [0.1, 2.0]]) + (3, 4)
    elsewhere = chance.uniform(-100, 400, (30, 2))
    np.testing.assert_allclose(
        ThinPlate(centres, plane)(elsewhere), elsewhere @ np.array([[1.0, 0.2], [0.1, 2.0]]) + (3, 4), atol=0.05
    )


def test_both_maps_between_picture_and_frame_are_each_others_inverse() -> None:
    flat = 0.6 * CANONICAL[:, :2] + (20, 30)
    there = places_in_picture(flat, CANONICAL, CONTROLS)
    back = places_in_frame(flat, CANONICAL, CONTROLS, (360, 350))
    y, x = np.mgrid[30:70, 30:66]
    found = at_places(back, there)[y, x]
    np.testing.assert_allclose(found, np.dstack([x, y]), atol=0.15)


def test_a_flow_moves_points_where_they_should_go_stays_still_far_away_and_never_folds() -> None:
    flat = 0.8 * CANONICAL[:, :2] + (30, 40)
    shape = (520, 480)
    moved = np.zeros_like(flat)
    moved[:, 0] = 6 * np.sign(flat[:, 0] - flat[:, 0].mean())  # both halves part: it tears, unless it is smooth
    flow = backward_flow(flat, moved, CONTROLS, shape, np.ones(shape, np.float32), np.zeros((0, 2)))
    assert np.abs(flow[:8]).max() < 0.05 and np.abs(flow[:, :8]).max() < 0.05
    across = 1 + np.gradient(flow[..., 0], axis=1)
    down = 1 + np.gradient(flow[..., 1], axis=0)
    assert across.min() > 0 and down.min() > 0
    cheek = flat[205] + moved[205]
    x, y = np.rint(cheek).astype(int)
    assert flow[y, x, 0] * np.sign(moved[205, 0]) < -2


def test_rigid_places_stay_where_the_face_around_them_moves() -> None:
    flat = 0.8 * CANONICAL[:, :2] + (30, 40)
    shape = (520, 480)
    moved = np.tile((5.0, 0.0), (len(flat), 1))
    frame = np.array(
        [(x, y) for x in range(150, 331, 12) for y in range(210, 271, 12)], dtype=np.float64
    )  # glasses before the eyes
    inside = (np.abs(flat[:, 0] - 240) < 96) & (np.abs(flat[:, 1] - 240) < 36)
    moved[inside] = 0
    flow = backward_flow(flat, moved, CONTROLS, shape, np.ones(shape, np.float32), frame)
    assert np.abs(flow[215:266, 160:320]).max() < 0.6
    chin = np.rint(flat[199] + moved[199]).astype(int)
    assert flow[chin[1], chin[0], 0] < -3


def test_controls_are_many_spread_out_and_in_pairs() -> None:
    assert 100 <= len(CONTROLS) <= 200
    assert set(MODEL.mirror[CONTROLS]) == set(CONTROLS)
    assert MAP_PX % 2 == 0 and set(REGIONS["face_oval"][::2]) <= set(CONTROLS.tolist())
