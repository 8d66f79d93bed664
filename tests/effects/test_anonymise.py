import numpy as np
import pytest

from lianpu.effects.anonymise import anonymise
from lianpu.effects.catalogue import ANONYMISE_WAYS
from lianpu.effects.face_masks import FACE_PARTS
from tests.support.subjects import drawn_photo, subject_of


def _face(subject) -> np.ndarray:
    return subject.parts.where(*FACE_PARTS, "l_ear", "r_ear")


@pytest.mark.parametrize("turn", [0, 30, 90, 180])
def test_a_covered_face_is_covered_wholly(turn: float) -> None:
    photo, subject = drawn_photo(turn=turn)
    after = anonymise(photo, subject, 1.0, "solid", "#303030")
    assert (after[_face(subject)] == 0x30).all()
    x, y = np.round(subject.landmarks.points).astype(int).T
    assert (after[y, x] == 0x30).all()


@pytest.mark.parametrize("way", ANONYMISE_WAYS)
def test_of_a_face_nothing_finer_than_the_squares_is_left(way: str) -> None:
    photo, subject = drawn_photo()
    face = _face(subject)
    checkers = photo.copy()
    y, x = np.indices(face.shape)
    checkers[face & ((x + y) % 2 == 0)] = 255
    checkers[face & ((x + y) % 2 == 1)] = 0
    after = anonymise(checkers, subject, 1.0, way, "#303030").astype(int)
    inner = face[:, 1:] & face[:, :-1]
    step = np.abs(np.diff(after[:, :, 0], axis=1))[inner]
    assert np.percentile(step, 95) <= 3  # it was 255 everywhere
    colors = np.unique(after[face], axis=0)
    assert way == "blur" or len(colors) <= 80


def test_points_and_parts_that_failed_still_leave_a_covered_face() -> None:
    photo, subject = drawn_photo()
    blind = subject_of(np.zeros_like(subject.parts.mask), subject.landmarks.points)
    after = anonymise(photo, blind, 1.0, "solid", "#303030")
    inner = subject.parts.where("skin", "nose", "l_eye", "r_eye", "mouth", "u_lip", "l_lip", "l_brow", "r_brow")
    assert (after[inner] == 0x30).all(axis=1).mean() > 0.97
