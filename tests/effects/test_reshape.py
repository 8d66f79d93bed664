import numpy as np
import pytest

from lianpu.effects.face_masks import face_unit
from lianpu.effects.reshape import enlarging, shape_of, slim_face, slimming, warped
from lianpu.imaging.compositing import view_of
from tests.support.subjects import drawn_photo


@pytest.mark.parametrize("make", [slimming, enlarging])
@pytest.mark.parametrize("turn", [0, 40, 180])
@pytest.mark.parametrize("strength", [1.0, 1.5, 8.0])
def test_the_warp_never_folds_and_is_0_at_the_border(make, turn: float, strength: float) -> None:
    photo, subject = drawn_photo(turn=turn)
    view = view_of(photo, subject.window)
    field = make(shape_of(subject, view), view, strength) * view.scale
    along_x, along_y = np.gradient(field, axis=1), np.gradient(field, axis=0)
    area = (1 + along_x[..., 0]) * (1 + along_y[..., 1]) - along_x[..., 1] * along_y[..., 0]
    assert area.min() > 0
    border = np.ones(view.shape, bool)
    border[1:-1, 1:-1] = False
    assert np.abs(field[border]).max() < 0.02
    assert np.abs(field).max() > 0.5


def test_lines_behind_the_face_stay_straight() -> None:
    photo, subject = drawn_photo(width=500, height=400, side=300, left=100, top=60)
    away = subject.parts.mask == 0
    photo[away] = 220
    photo[:, ::7][away[:, ::7]] = 30
    after = slim_face(photo, subject, 1.5)
    import cv2

    far = cv2.distanceTransform(away.astype(np.uint8), cv2.DIST_L2, 5) > 0.55 * face_unit(subject)
    assert far.any() and (after[far] == photo[far]).all()


def test_the_jaw_becomes_narrower_and_eyes_become_larger() -> None:
    photo, subject = drawn_photo()
    view = view_of(photo, subject.window)
    points = subject.landmarks.points
    marked = np.zeros_like(photo)
    rows = slice(round(points[4, 1]) - 1, round(points[4, 1]) + 2)
    left, right = round(points[4, 0]), round(points[12, 0])
    marked[rows, left : right + 1] = 255
    narrowed = warped(marked, view, slimming(shape_of(subject, view), view, 1.0))[rows].max(axis=(0, 2)) > 127
    assert 0.85 < narrowed.sum() / (right - left + 1) < 0.94
    eye = np.zeros_like(photo)
    x, y = points[36:42].mean(axis=0).round().astype(int)
    eye[y - 3 : y + 4, x - 3 : x + 4] = 255
    larger = warped(eye, view, enlarging(shape_of(subject, view), view, 1.0))
    assert 1.15 < larger.sum() / eye.sum() < 1.6
