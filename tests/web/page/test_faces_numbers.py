"""The picture in which a face is picked."""

import numpy as np
import pytest

from lianpu.faces.results import Face
from lianpu.imaging.geometry import scale_box
from lianpu.web.page.faces import LONGEST_PX, face_at, with_numbers

POINTS = np.zeros((5, 2), dtype=np.float32)
LARGE = Face((20, 20, 120, 120), 0.9, POINTS, "test")
WITHIN = Face((60, 60, 90, 90), 0.9, POINTS, "test")


@pytest.mark.parametrize("by", [1, 10])
def test_small_and_large_photos_are_shown_alike(by: int) -> None:
    photo = np.full((200 * by, 160 * by, 3), 128, dtype=np.uint8)
    face = Face(scale_box(LARGE.box_xyxy, by), 0.9, POINTS, "test")
    numbered = with_numbers(photo, [face])
    assert numbered.shape == (LONGEST_PX, 640, 3)
    drawn = (numbered != 128).any(axis=2)
    assert (
        drawn[82:482, 81:86].all() and drawn[52:80, 84:102].any() and not drawn[522:, :].any() and not drawn[92:472, 92:472].any()
    )


def test_faces_that_are_not_chosen_have_a_thin_grey_box() -> None:
    photo = np.full((200, 160, 3), 128, dtype=np.uint8)
    numbered = with_numbers(photo, [LARGE, WITHIN], {1})
    assert (numbered[300, 82] == 165).all() and (numbered[300, 85] == 128).all()
    assert np.ptp(numbered[300, 243].astype(int)) > 30
    assert (with_numbers(photo, [LARGE, WITHIN], {0, 1}) == with_numbers(photo, [LARGE, WITHIN])).all()


def test_a_click_picks_the_smallest_face_around_it() -> None:
    photo = np.zeros((200, 160, 3), dtype=np.uint8)  # shown four times as large
    faces = [LARGE, WITHIN]
    assert face_at(photo, faces, 4 * 30, 4 * 30) == 0
    assert face_at(photo, faces, 4 * 75, 4 * 75) == 1
    assert face_at(photo, faces, 4 * 140, 4 * 75) is None
    assert face_at(photo, [], 10, 10) is None


def test_tags_stay_within_the_picture() -> None:
    photo = np.full((200, 200, 3), 128, dtype=np.uint8)
    faces = [Face((-20, -20, 40, 40), 0.9, POINTS, "t"), Face((180, 180, 230, 230), 0.9, POINTS, "t")]
    numbered = with_numbers(photo, faces)
    assert (numbered[:30, :30] != 128).any() and (numbered[690:750, 760:] != 128).any()
