"""The mesh's geometry, with a network that always answers the same; real faces are read where MediaPipe's files are."""

import math
from pathlib import Path

import numpy as np
import pytest

from lianpu.effects import catalogue
from lianpu.errors import ModelError, SettingsError
from lianpu.faces.mesh import (
    IRIS_CENTRES,
    MESH_PARTS,
    REGIONS,
    MeshReader,
    Square,
    disagreement,
    five_points,
    head_pose,
    mesh_parts,
    outline,
    points_68,
    square_of_face,
    square_of_mesh,
)
from lianpu.faces.results import Face, Landmarks, Mesh, Subject
from lianpu.imaging.geometry import map_points
from tests.support.own_models import write_mesh_network

PHOTO = np.full((400, 500, 3), 90, dtype=np.uint8)


def drawn_mesh(middle: tuple[float, float] = (200.0, 150.0), size: float = 100.0) -> np.ndarray:
    """Points (478, 3) of a flat, symmetric, frontal face: a circle for each region, in the places that a face has them."""
    points = np.zeros((478, 3))
    for region, (x, y, across, down) in {
        "face_oval": (0.0, 0.0, 0.5, 0.6),
        "right_eye": (-0.2, -0.12, 0.09, 0.04),
        "left_eye": (0.2, -0.12, 0.09, 0.04),
        "right_iris": (-0.2, -0.12, 0.03, 0.03),
        "left_iris": (0.2, -0.12, 0.03, 0.03),
        "right_brow": (-0.2, -0.25, 0.12, 0.02),
        "left_brow": (0.2, -0.25, 0.12, 0.02),
        "nose": (0.0, 0.05, 0.08, 0.12),
        "lips_outer": (0.0, 0.3, 0.16, 0.07),
        "lips_inner": (0.0, 0.3, 0.12, 0.03),
    }.items():
        chosen = REGIONS[region]
        begin = math.pi if region.startswith(("right", "lips")) else -math.pi / 2 if region in ("face_oval", "nose") else 0.0
        way = -1 if region.startswith("left") else 1
        at = begin + way * np.arange(len(chosen)) * 2 * math.pi / len(chosen)
        points[list(chosen), :2] = np.column_stack([x + across * np.cos(at), y + down * np.sin(at)])
    points[4, :2] = (0.0, 0.1)
    return points * size + (*middle, 0.0)


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    """The points turned clockwise about their middle in the picture."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    middle = points[:, :2].mean(axis=0)
    result = points.copy()
    result[:, :2] = (points[:, :2] - middle) @ np.array([[cosine, sine], [-sine, cosine]]) + middle
    return result


def face_of(mesh: Mesh) -> Face:
    return Face((150, 100, 250, 220), 0.9, five_points(mesh), "drawn")


def test_left_and_right_are_the_persons_own() -> None:
    mesh = Mesh(drawn_mesh(), 1.0)
    for part in ("eye", "brow", "iris"):
        assert outline(mesh, f"left_{part}")[:, 0].mean() > outline(mesh, f"right_{part}")[:, 0].mean()
    five = five_points(mesh)
    assert np.allclose(five, [(180, 138), (220, 138), (200, 160), (184, 180), (216, 180)], atol=1.0)  # the picture's left first
    assert {name: max(REGIONS[name]) < 478 for name in REGIONS} == dict.fromkeys(REGIONS, True)
    assert set(IRIS_CENTRES) == {"right_iris", "left_iris"}


def test_a_mesh_of_468_points_has_no_irises() -> None:
    mesh = Mesh(drawn_mesh()[:468], 1.0)
    assert np.array_equal(points_68(mesh), points_68(Mesh(drawn_mesh(), 1.0)))
    with pytest.raises(KeyError, match="a mesh of 468 points has no left_iris"):
        outline(mesh, "left_iris")


@pytest.mark.parametrize("roll", [-170.0, -90.0, -20.0, 0.0, 35.0, 90.0])
def test_the_pose_says_how_far_the_head_leans(roll: float) -> None:
    pose = head_pose(Mesh(turned(drawn_mesh(), roll), 1.0))
    assert pose.roll == pytest.approx(roll, abs=0.1)
    assert pose.yaw == pytest.approx(0.0, abs=0.1) and pose.pitch == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(("yaw", "pitch"), [(0.0, 0.0), (30.0, 0.0), (-45.0, 0.0), (0.0, 20.0), (25.0, -15.0)])
def test_the_pose_says_where_the_face_looks(yaw: float, pitch: float) -> None:
    y, p = math.radians(-yaw), math.radians(-pitch)
    about_y = np.array([[math.cos(y), 0, math.sin(y)], [0, 1, 0], [-math.sin(y), 0, math.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, math.cos(p), -math.sin(p)], [0, math.sin(p), math.cos(p)]])
    points = drawn_mesh((0.0, 0.0))
    points[4, 2] = -30.0  # the nose's tip is nearer to us
    pose = head_pose(Mesh(points @ (about_y @ about_x).T, 1.0))
    assert (pose.yaw, pose.pitch) == (pytest.approx(yaw, abs=0.1), pytest.approx(pitch, abs=0.1))
    moved = (points @ (about_y @ about_x).T)[4, :2] - (points[10] + points[152]) @ (about_y @ about_x).T[:, :2] / 2
    assert yaw == 0 or np.sign(moved[0]) == np.sign(yaw)  # to the right of the picture is positive


def test_a_square_takes_points_to_the_crop_and_turns_with_the_face() -> None:
    square = Square((200.0, 150.0), 96.0, math.radians(90))
    matrix = square.matrix(192)
    assert np.allclose(map_points(matrix, np.array([(200.0, 150.0)])), [(95.5, 95.5)])
    assert np.allclose(
        map_points(matrix, np.array([(200.0, 160.0)])), [(115.5, 95.5)]
    )  # down in the picture is right in the crop
    points = drawn_mesh()
    upright, leaning = square_of_mesh(points), square_of_mesh(turned(points, 40))
    assert leaning.angle - upright.angle == pytest.approx(math.radians(40), abs=1e-3)
    assert leaning.side == pytest.approx(upright.side, rel=1e-3)
    assert upright.side == pytest.approx(1.5 * 120, rel=0.02)  # the oval is 120 high
    five = square_of_face(face_of(Mesh(turned(points, 130), 1.0)))
    assert five.angle == pytest.approx(math.radians(130), abs=0.05)
    assert square_of_face(face_of(Mesh(points, 1.0))).is_near(square_of_face(face_of(Mesh(points + 1, 1.0))))


def test_what_the_network_sees_lies_where_it_is_in_the_picture(tmp_path: Path) -> None:
    crop = np.zeros((478, 3), dtype=np.float32)
    crop[0], crop[1] = (0, 0, 10), (192, 96, -20)  # corner of the crop, and the middle of its right edge
    reader = MeshReader(write_mesh_network(tmp_path / "mesh.onnx", crop, presence=3.0), threads=1)
    mesh = reader.in_square(PHOTO, Square((200.0, 150.0), 96.0, 0.0))
    assert np.allclose(mesh.points[0], (200 - 48, 150 - 48, 5), atol=1e-3)
    assert np.allclose(mesh.points[1], (200 + 48, 150, -10), atol=1e-3)
    assert mesh.presence == pytest.approx(1 / (1 + math.exp(-3)))
    sideways = reader.in_square(PHOTO, Square((200.0, 150.0), 96.0, math.radians(90)))
    assert np.allclose(sideways.points[1, :2], (200, 150 + 48), atol=1e-3)


def test_a_mesh_that_contradicts_the_detector_is_not_believed(tmp_path: Path) -> None:
    crop = drawn_mesh((96.0, 96.0), 120.0).astype(np.float32)
    reader = MeshReader(write_mesh_network(tmp_path / "mesh.onnx", crop, presence=5.0), threads=1)
    there = reader.guess(PHOTO, face_of(Mesh(drawn_mesh(), 1.0)))
    points, mesh = reader.read(PHOTO, face_of(there))
    assert mesh is not None and disagreement(face_of(there), mesh) < 0.2
    assert np.array_equal(points, points_68(mesh)) and np.array_equal(points, reader.of_face(PHOTO, face_of(there)))
    mirrored = face_of(there).points[[1, 0, 2, 4, 3]]
    odd = Face((150, 100, 250, 220), 0.9, mirrored, "drawn")  # eyes and mouth are changed over: no face looks so
    points, mesh = reader.read(PHOTO, odd)
    assert mesh is None and reader.mesh_of_face(PHOTO, odd) is None
    assert points.shape == (68, 2) and np.isfinite(points).all()
    other = MeshReader(reader.file, 1, fallback=lambda picture, face: np.full((68, 2), 7, np.float32))
    assert (other.of_face(PHOTO, odd) == 7).all()


def test_a_network_that_sees_no_face_is_believed_in_that(tmp_path: Path) -> None:
    crop = drawn_mesh((96.0, 96.0), 120.0).astype(np.float32)
    reader = MeshReader(write_mesh_network(tmp_path / "mesh.onnx", crop, presence=-5.0), threads=1)
    there = reader.guess(PHOTO, face_of(Mesh(drawn_mesh(), 1.0)))
    assert reader.mesh_of_face(PHOTO, face_of(there)) is None
    assert np.abs(reader.of_face(PHOTO, face_of(there)) - points_68(there)).max() < 3  # still about where the face is


def test_another_network_is_refused(tmp_path: Path) -> None:
    wrong = write_mesh_network(tmp_path / "wrong.onnx", np.zeros((67, 3), np.float32), presence=0.0)
    with pytest.raises(ModelError, match=r"wrong.onnx is no face mesh.*lianpu models fetch face-mesh"):
        MeshReader(wrong)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="cannot be loaded as ONNX"):
        MeshReader(tmp_path / "broken.onnx")


def test_parts_of_a_mesh_lie_over_one_another_as_on_a_face() -> None:
    mesh = Mesh(drawn_mesh(), 1.0)
    parts = mesh_parts(mesh, (slice(50, 250), slice(100, 300)))
    at = {name: parts.where(name) for name in ("skin", "nose", "l_eye", "r_eye", "l_brow", "u_lip", "l_lip", "mouth")}
    assert parts.parser == "mesh" and parts.mask.shape == (200, 200)
    assert at["skin"][100, 60] and at["nose"][105, 100] and at["l_eye"][88, 120] and at["r_eye"][88, 80]
    assert at["mouth"][130, 100] and at["u_lip"][125, 100] and at["l_lip"][135, 100] and at["l_brow"][75, 120]
    assert not at["skin"][20, 100]  # above the oval
    area = math.pi * 50 * 60
    assert np.count_nonzero(parts.mask) == pytest.approx(area, rel=0.03)
    outside = mesh_parts(mesh, (slice(300, 400), slice(0, 50)))
    assert not outside.mask.any()


def test_a_mesh_is_scaled_with_its_picture() -> None:
    mesh = Mesh(drawn_mesh(), 0.8)
    half = mesh.scaled((0.5, 0.5))
    assert np.allclose(half.points[:, :2], (mesh.points[:, :2] + 0.5) / 2 - 0.5, atol=1e-4) and half.presence == 0.8
    assert np.allclose(half.points[:, 2], mesh.points[:, 2] / 2)
    with pytest.raises(ValueError, match=r"a mesh has 478 finite points \(478, 3\), got \(68, 3\)"):
        Mesh(np.zeros((68, 3), np.float32), 1.0)


def test_the_catalogue_knows_parts_of_a_mesh() -> None:
    """It spells the name itself, so that a list of effects loads no network."""
    mesh = Mesh(drawn_mesh(), 1.0)
    parts = mesh_parts(mesh, (slice(0, 400), slice(0, 500)))
    assert parts.parser == MESH_PARTS == catalogue.MESH_PARTS
    subject = Subject(face_of(mesh), Landmarks(points_68(mesh), "dlib-68"), (slice(0, 400), slice(0, 500)), parts, mesh=mesh)
    with pytest.raises(SettingsError, match="hair_color needs a face parser"):
        catalogue.EFFECTS["hair_color"].apply(PHOTO, [subject])
    assert (catalogue.EFFECTS["lipstick"].apply(PHOTO, [subject]) != PHOTO).any()


def test_closed_and_tiny_eyes_are_skin() -> None:
    window = (slice(50, 250), slice(100, 300))
    closed = drawn_mesh()
    lids = list(REGIONS["left_eye"])
    closed[lids, 1] = closed[lids, 1].mean() + 0.1 * (closed[lids, 1] - closed[lids, 1].mean())
    parts = mesh_parts(Mesh(closed, 1.0), window)
    assert parts.where("r_eye").any() and not parts.where("l_eye").any()
    tiny = mesh_parts(Mesh(drawn_mesh(size=60.0), 1.0), window)
    assert not tiny.where("l_eye", "r_eye").any() and tiny.where("skin").any()
