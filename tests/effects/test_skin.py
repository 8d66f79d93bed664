import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.effects.skin import smooth_skin
from tests.support.subjects import drawn_photo


def _with(photo: np.ndarray, pattern: np.ndarray) -> np.ndarray:
    return np.clip(photo.astype(float) + pattern[:, :, None], 0, 255).astype(np.uint8)


def _inner(subject) -> np.ndarray:
    return cv2.erode(subject.parts.where("skin").astype(np.uint8), np.ones((15, 15), np.uint8)) > 0


def test_blotches_fade_and_pores_stay() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    chance = np.random.default_rng(0)
    pores = chance.normal(0, 6, photo.shape[:2])
    blotches = cv2.GaussianBlur(chance.normal(0, 1, photo.shape[:2]), (0, 0), 0.03 * face_unit(subject))
    blotches *= 5 / blotches.std()
    smooth_photo = cv2.GaussianBlur(photo, (0, 0), 6).astype(np.uint8)
    skin = _inner(subject)

    def left_of(pattern: np.ndarray) -> float:
        """The share of a pattern that is still there afterwards."""
        with_it = smooth_skin(_with(smooth_photo, pattern), subject, 1.0).astype(float).mean(axis=2)
        without = smooth_skin(smooth_photo, subject, 1.0).astype(float).mean(axis=2)
        return float(np.polyfit(pattern[skin], (with_it - without)[skin], 1)[0])

    assert left_of(pores) > 0.85
    assert left_of(blotches) < 0.6


def test_an_edge_in_the_skin_stays_sharp() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    photo = np.full_like(photo, 190)
    row, column = subject.landmarks.points[30][::-1].round().astype(int)
    photo[:, : column + 40] = 110
    after = smooth_skin(photo, subject, 1.0).astype(int)
    assert after[row + 10, column + 45, 0] - after[row + 10, column + 35, 0] > 0.88 * 80
