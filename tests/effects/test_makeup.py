import numpy as np
import pytest

from lianpu.effects.makeup import blush, eye_shadow, lipstick
from lianpu.imaging.color import lab_of_color, rgb_to_lab
from lianpu.part_names import part_index
from tests.support.subjects import drawn_photo, subject_of


def _tone(photo: np.ndarray, where: np.ndarray) -> np.ndarray:
    return rgb_to_lab(photo.astype(np.float32) / np.float32(255))[where].mean(axis=0)[1:]


def test_lips_take_the_colour_and_keep_their_lines() -> None:
    photo, subject = drawn_photo()
    lips = subject.parts.where("u_lip", "l_lip")
    after = lipstick(photo, subject, 1.0, "#2040c0")
    target = lab_of_color("#2040c0")[1:]
    assert np.linalg.norm(_tone(after, lips) - target) < 0.5 * np.linalg.norm(_tone(photo, lips) - target)
    assert after[lips].astype(float).std(axis=0).min() > 3


@pytest.mark.parametrize("effect", [blush, eye_shadow])
def test_colour_comes_on_both_sides_alike(effect) -> None:
    photo, subject = drawn_photo()
    change = np.abs(effect(photo, subject, 1.0, "#2040c0").astype(int) - photo).sum(axis=2)
    middle = round(float(subject.face.points[2, 0]))
    left, right = change[:, :middle].sum(), change[:, middle:].sum()
    assert 0.4 < left / right < 2.5
    assert not change[subject.parts.where("l_eye", "r_eye", "mouth")].max() > 40


def test_blush_is_on_the_cheeks_and_shadow_above_the_eyes() -> None:
    photo, subject = drawn_photo()
    points = subject.landmarks.points

    def height(effect) -> float:
        change = np.abs(effect(photo, subject, 1.0, "#2040c0").astype(int) - photo).sum(axis=2)
        return float((change.sum(axis=1) * np.arange(len(change))).sum() / change.sum())

    assert points[36:48, 1].mean() < height(blush) < points[48:, 1].mean()
    assert points[17:27, 1].mean() < height(eye_shadow) < points[36:48, 1].mean() + 3


def test_covered_lips_stay_as_they_are() -> None:
    photo, subject = drawn_photo()
    covered = subject.parts.mask.copy()
    covered[subject.parts.where("u_lip", "l_lip", "mouth")] = 18
    masked = subject_of(covered, subject.landmarks.points)
    assert (lipstick(photo, masked, 1.0, "#aa2233") == photo).all()


@pytest.mark.parametrize("effect", [lipstick, blush, eye_shadow])
def test_colour_in_dim_light_is_dim_and_does_not_glow(effect) -> None:
    photo, subject = drawn_photo()
    dim = (photo.astype(np.float32) * 0.2).astype(np.uint8)
    lit, dark = (effect(one, subject, 1.0, "#d8305f").astype(int) - one for one in (photo, dim))
    reddened_lit, reddened_dark = (np.maximum(change[..., 0] - change[..., 1], 0).sum() for change in (lit, dark))
    assert 0 < reddened_dark < 0.5 * reddened_lit


def test_the_half_of_the_lips_that_lies_in_shadow_stays_in_shadow() -> None:
    photo, subject = drawn_photo()
    middle = round(float(subject.face.points[2, 0]))
    half = photo.copy()
    half[:, middle:] = (half[:, middle:] * 0.25).astype(np.uint8)
    after = lipstick(half, subject, 1.0, "#d8305f")
    lips = subject.parts.where("u_lip", "l_lip")
    sides = lips & (np.arange(photo.shape[1]) < middle), lips & (np.arange(photo.shape[1]) >= middle)
    light, dark = (after[side].astype(float).mean(axis=0) for side in sides)
    assert dark.max() < 0.4 * light.max()
    assert np.linalg.norm(_tone(after, sides[1])) < 0.75 * np.linalg.norm(_tone(after, sides[0]))


def test_no_blush_comes_on_a_mask_that_the_parser_takes_for_skin() -> None:
    photo, subject = drawn_photo()
    covered = subject.parts.mask.copy()
    covered[subject.parts.where("u_lip", "l_lip", "mouth")] = part_index("skin")
    assert (blush(photo, subject_of(covered, subject.landmarks.points), 1.0, "#aa2233") == photo).all()
