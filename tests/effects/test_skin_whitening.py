import numpy as np
import pytest

from lianpu.effects.skin import whiten_teeth
from lianpu.imaging.color import rgb_to_lab
from tests.support.subjects import drawn_photo, subject_of


def _lab(photo: np.ndarray, where: np.ndarray) -> np.ndarray:
    return rgb_to_lab(photo.astype(np.float32) / np.float32(255))[where]


def test_yellow_teeth_become_whiter_and_gums_stay() -> None:
    photo, subject = drawn_photo(width=420, height=420, side=400, left=10, top=10)
    mouth = subject.parts.where("mouth")
    rows = np.flatnonzero(mouth.any(axis=1))
    gums = mouth & (np.arange(len(photo))[:, None] < rows[0] + 0.4 * len(rows))
    photo[mouth], photo[gums] = (205, 185, 130), (150, 60, 65)
    after = whiten_teeth(photo, subject, 1.0)
    teeth, gums = mouth & ~gums, gums
    assert _lab(after, teeth)[:, 2].mean() < 0.5 * _lab(photo, teeth)[:, 2].mean()
    assert _lab(after, teeth)[:, 0].mean() > _lab(photo, teeth)[:, 0].mean() + 2
    assert np.abs(after[gums].astype(int) - photo[gums]).max() <= 2


@pytest.mark.parametrize("inside", [(150, 60, 65), (25, 12, 12)], ids=["tongue", "dark"])
def test_a_mouth_without_teeth_stays(inside: tuple[int, int, int]) -> None:
    photo, subject = drawn_photo()
    photo[subject.parts.where("mouth")] = inside
    assert (whiten_teeth(photo, subject, 1.5) == photo).all()


def test_a_closed_mouth_stays() -> None:
    photo, subject = drawn_photo()
    closed = subject.parts.mask.copy()
    closed[closed == 10] = 12
    assert (whiten_teeth(photo, subject_of(closed, subject.landmarks.points), 1.5) == photo).all()
