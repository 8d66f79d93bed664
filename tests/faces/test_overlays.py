"""Drawn pictures show the marks where they belong, and leave the photo itself alone."""

import numpy as np
import pytest

from lianpu.faces.mesh import REGIONS
from lianpu.faces.overlays import draw_faces, draw_landmarks, draw_meshes, draw_parts, face_color, line_width
from lianpu.faces.results import Face, FaceParts, Landmarks, Mesh
from lianpu.part_names import PART_COLORS, PART_INDEX

POINTS = np.array([[70, 80], [130, 80], [100, 110], [75, 140], [125, 140]])


def face_at(box: tuple[float, float, float, float], points: np.ndarray = POINTS) -> Face:
    return Face(box, 0.9, points, "drawn")


@pytest.mark.parametrize("shade", [0, 127, 255])
def test_a_box_can_be_seen_on_dark_and_light_pictures(shade: int) -> None:
    picture = np.full((200, 220, 3), shade, dtype=np.uint8)
    drawn = draw_faces(picture, [face_at((50, 50, 150, 170))])
    assert (picture == shade).all()
    across = drawn[110, 40:60].astype(int)
    assert (across == face_color(0)).all(axis=1).sum() == 2
    assert (across.max(axis=1) < 30).any()  # the dark rim
    assert drawn[80, 70].tolist() == list(face_color(0))
    assert drawn[100, 85].tolist() == [shade] * 3


def test_lines_go_with_the_size_of_the_face() -> None:
    assert line_width(face_at((0, 0, 30, 40))) == 2
    assert line_width(face_at((0, 0, 900, 1000))) == 12


def test_faces_over_the_edge_are_drawn_with_their_word_inside() -> None:
    picture = np.zeros((100, 100, 3), dtype=np.uint8)
    drawn = draw_faces(picture, [face_at((-20, -30, 180, 160)), face_at((80, 90, 140, 130))], ["one 0.90", "two"])
    assert drawn.shape == picture.shape
    assert (drawn[:40, :60] == face_color(0)).all(axis=2).any()


def test_every_landmark_is_drawn() -> None:
    points = np.stack([np.linspace(10, 690, 68), np.linspace(20, 470, 68)], axis=1)
    drawn = draw_landmarks(np.zeros((500, 700, 3), dtype=np.uint8), [Landmarks(points.astype(np.float32), "dlib-68")])
    for x, y in points.tolist():
        assert drawn[round(y), round(x)].tolist() == list(face_color(0))


def test_parts_are_tinted_in_their_colour_and_the_rest_is_as_it_was() -> None:
    picture = np.full((10, 12, 3), 100, dtype=np.uint8)
    mask = np.zeros((10, 12), dtype=np.uint8)
    mask[2:5, 3:6] = PART_INDEX["hair"]
    drawn = draw_parts(picture, [FaceParts(mask, "by hand")], strength=0.5)
    expected = [round(100 + 0.5 * (value - 100)) for value in PART_COLORS[PART_INDEX["hair"]]]
    assert np.abs(drawn[3, 4].astype(int) - expected).max() <= 1
    assert (drawn[mask == 0] == 100).all()


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a mask \(5, 5\) lies on a picture \(10, 12\)"):
        draw_parts(np.zeros((10, 12, 3), dtype=np.uint8), [FaceParts(np.zeros((5, 5), dtype=np.uint8), "by hand")])


def test_a_mesh_is_drawn_as_outlines() -> None:
    picture = np.full((220, 240, 3), 127, dtype=np.uint8)
    points = np.zeros((478, 3), np.float32)
    angles = np.linspace(0, 2 * np.pi, len(REGIONS["face_oval"]), endpoint=False)
    points[:, :2] = 110
    points[list(REGIONS["face_oval"]), :2] = 110 + 80 * np.column_stack([np.cos(angles), np.sin(angles)])
    drawn = draw_meshes(picture, [Mesh(points, 1.0)])
    assert (drawn[110, 185:195] == face_color(0)).all(axis=1).any() and (drawn[40, 40] == 127).all()
    assert (draw_meshes(picture, [Mesh(points[:468], 1.0)])[110, 185:195] == face_color(0)).all(axis=1).any()
