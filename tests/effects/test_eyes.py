import dataclasses

import cv2
import numpy as np
import pytest

from lianpu.effects.eyes import brighten_eyes, under_eye
from lianpu.faces.mesh import outline
from lianpu.faces.results import Mesh
from lianpu.imaging.color import rgb_to_lab
from tests.support.live_faces import mesh_of
from tests.support.subjects import drawn_photo


def _lab(photo: np.ndarray) -> np.ndarray:
    return rgb_to_lab(photo.astype(np.float32) / np.float32(255))


def _meshed():
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    return photo, dataclasses.replace(subject, mesh=mesh_of(subject.landmarks.points))


def _filled(photo: np.ndarray, points: np.ndarray) -> np.ndarray:
    return cv2.fillPoly(np.zeros(photo.shape[:2], np.uint8), [points.round().astype(np.int32)], 1) > 0


def _with_eyes(photo: np.ndarray, mesh: Mesh, iris: tuple[int, int, int], white: tuple[int, int, int]) -> dict[str, np.ndarray]:
    """Draw plain eyes, and say where their parts are: (H, W) bool by name."""
    parts = {name: np.zeros(photo.shape[:2], bool) for name in ("iris", "white", "pupil", "catch")}
    for side, centre in (("right", 468), ("left", 473)):
        opening = _filled(photo, outline(mesh, f"{side}_eye"))
        middle = mesh.points[centre, :2]
        radius = float(np.linalg.norm(outline(mesh, f"{side}_iris") - middle, axis=1).max())
        away = np.hypot(*(np.mgrid[: photo.shape[0], : photo.shape[1]][::-1] - middle[:, None, None]))
        photo[opening] = white
        photo[opening & (away < radius)] = iris
        photo[opening & (away < 0.35 * radius)] = (12, 10, 10)
        glint = (
            np.hypot(
                *(
                    np.mgrid[: photo.shape[0], : photo.shape[1]][::-1]
                    - middle[:, None, None]
                    - np.array([0.6 * radius, 0.0])[:, None, None]
                )
            )
            < 2
        )
        photo[opening & glint] = (245, 245, 245)
        parts["iris"] |= opening & (away < 0.8 * radius) & (away > 0.5 * radius) & ~glint
        parts["white"] |= cv2.erode(opening.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool) & (away > 1.2 * radius)
        parts["pupil"] |= opening & (away < 0.25 * radius)
        parts["catch"] |= opening & glint
    return parts


@pytest.mark.parametrize("iris", [(74, 46, 30), (92, 118, 142), (84, 92, 58)], ids=["brown", "blue", "green"])
def test_irises_become_clearly_lighter_and_more_colourful_and_pupils_and_catch_lights_stay(iris: tuple[int, int, int]) -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    parts = _with_eyes(photo, subject.mesh, iris, (196, 176, 170))
    before, after = _lab(photo), _lab(brighten_eyes(photo, subject, 1.0))
    lighter = {name: float((after - before)[..., 0][where].mean()) for name, where in parts.items()}
    assert 4 < lighter["iris"] < 16 and 2 < lighter["white"] < 12
    assert abs(lighter["pupil"]) < 2 and abs(lighter["catch"]) < 2
    chroma = [float(np.hypot(one[..., 1], one[..., 2])[parts["iris"]].mean()) for one in (before, after)]
    assert chroma[1] > 1.2 * chroma[0]


def test_irises_turn_neither_purple_nor_yellow() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    for iris in ((104, 88, 112), (120, 104, 52)):
        with_eyes = photo.copy()
        parts = _with_eyes(with_eyes, subject.mesh, iris, (200, 192, 188))
        before, after = (_lab(one)[parts["iris"]].mean(axis=0) for one in (with_eyes, brighten_eyes(with_eyes, subject, 1.0)))
        assert after[1] < max(0.6 * before[1], 0.75 * after[2]) and np.abs(after[1:] - before[1:]).max() < 10


def test_the_whites_lose_their_red_and_do_not_glow() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    parts = _with_eyes(photo, subject.mesh, (74, 46, 30), (205, 165, 160))
    before, after = _lab(photo), _lab(brighten_eyes(photo, subject, 1.0))
    assert after[..., 1][parts["white"]].mean() < 0.65 * before[..., 1][parts["white"]].mean()
    assert after[..., 0][parts["white"]].max() <= 88


def test_closed_eyes_and_eyes_that_the_parser_does_not_see_stay() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    closed = photo.copy()
    for name in ("right_eye", "left_eye"):
        closed[_filled(photo, outline(subject.mesh, name))] = (200, 160, 140)
    assert (brighten_eyes(closed, subject, 1.0) == closed).all()
    hidden = subject.parts.mask.copy()
    hidden[subject.parts.where("l_eye", "r_eye")] = 3
    behind = dataclasses.replace(subject, parts=dataclasses.replace(subject.parts, mask=hidden))
    assert (brighten_eyes(photo, behind, 1.0) == photo).all()


def _circled(photo: np.ndarray, mesh: Mesh, darker: float) -> tuple[np.ndarray, np.ndarray]:
    """The photo with dark circles under the eyes, and how dark they are (H, W), 0 to 1."""
    dark: np.ndarray = np.zeros(photo.shape[:2], np.float32)
    for points in ((24, 23, 22, 119, 118), (254, 253, 252, 348, 347)):
        hull = cv2.convexHull(mesh.points[list(points), :2].round().astype(np.int32))
        cv2.fillConvexPoly(dark, hull, 1.0)
    dark = cv2.GaussianBlur(dark, (0, 0), 6)
    return np.clip(photo - dark[:, :, None] * darker * np.array([1.0, 1.1, 0.9]), 0, 255).astype(np.uint8), dark


def test_dark_circles_fade_and_the_cheeks_and_the_skins_texture_stay() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    photo[subject.parts.where("skin", "nose")] = (205, 160, 140)
    pores = np.random.default_rng(0).normal(0, 5, photo.shape[:2])
    tired, dark = _circled(np.clip(photo + pores[:, :, None], 0, 255), subject.mesh, 45)
    after = under_eye(tired, subject, 1.0)
    under = (dark > 0.6) & subject.parts.where("skin")
    was, left = (float(205 - one[..., 0][under].mean()) for one in (tired, after))
    assert left < 0.5 * was
    fine = [one[..., 1].astype(float) - cv2.GaussianBlur(one[..., 1].astype(float), (0, 0), 1.5) for one in (tired, after)]
    assert np.polyfit(fine[0][under], fine[1][under], 1)[0] > 0.93
    y, x = subject.mesh.points[[205, 425], 1].astype(int), subject.mesh.points[[205, 425], 0].astype(int)
    assert np.abs(after[y, x].astype(int) - tired[y, x]).max() <= 2


def test_dark_glasses_stay_as_they_are() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    lens = np.zeros(photo.shape[:2], bool)
    for name in ("right_eye", "left_eye"):
        lens |= cv2.dilate(_filled(photo, outline(subject.mesh, name)).astype(np.uint8), np.ones((61, 81), np.uint8)) > 0
    mask = subject.parts.mask.copy()
    mask[lens] = 3
    photo[lens] = (25, 22, 24)
    dark = dataclasses.replace(subject, parts=dataclasses.replace(subject.parts, mask=mask))
    after = under_eye(photo, dark, 1.0)
    inner = cv2.erode(lens.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    assert np.abs(after[inner].astype(int) - photo[inner]).max() <= 1


def test_a_face_without_a_mesh_loses_its_dark_circles_too() -> None:
    photo, subject = _meshed()
    assert subject.mesh is not None
    photo[subject.parts.where("skin", "nose")] = (205, 160, 140)
    tired, dark = _circled(photo, subject.mesh, 45)
    after = under_eye(tired, dataclasses.replace(subject, mesh=None), 1.0)
    under = (dark > 0.6) & subject.parts.where("skin")
    assert after[..., 0][under].mean() - tired[..., 0][under].mean() > 12


def test_the_whites_of_eyes_without_a_mesh_lose_red_and_pupils_stay_dark() -> None:
    photo, subject = drawn_photo(width=420, height=420, side=400, left=10, top=10)
    eyes = subject.parts.where("l_eye", "r_eye")
    light = photo.mean(axis=2)
    white, pupil = eyes & (light > np.percentile(light[eyes], 70)), eyes & (light < np.percentile(light[eyes], 10))
    photo[white] = (200, 175, 165)
    after = brighten_eyes(photo, subject, 1.0)
    assert np.hypot(*_lab(after)[white][:, 1:].mean(axis=0)) < 0.7 * np.hypot(*_lab(photo)[white][:, 1:].mean(axis=0))
    assert _lab(after)[white][:, 0].mean() > _lab(photo)[white][:, 0].mean() + 2
    assert _lab(after)[pupil][:, 0].mean() < _lab(photo)[pupil][:, 0].mean() + 3
