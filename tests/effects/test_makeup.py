from dataclasses import replace

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import effect_of
from lianpu.effects.makeup import blush, eye_shadow, lipstick
from lianpu.faces.results import SexAge, Subject
from lianpu.imaging.color import lab_of_color, rgb_to_lab
from lianpu.part_names import part_index
from tests.support.subjects import drawn_photo, subject_of


def _tone(photo: np.ndarray, where: np.ndarray) -> np.ndarray:
    return rgb_to_lab(photo.astype(np.float32) / np.float32(255))[where].mean(axis=0)[1:]


def test_lips_take_the_colour_and_keep_their_lines() -> None:
    photo, subject = drawn_photo()
    lips = subject.parts.where("u_lip", "l_lip")
    after = lipstick(photo, subject, 1.0, "#2040c0", "satin")
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
    assert (lipstick(photo, masked, 1.0, "#aa2233", "satin") == photo).all()


@pytest.mark.parametrize(
    "effect", [effect_of(name) for name in ("lipstick", "blush", "eye_shadow")], ids=lambda effect: effect.name
)
def test_colour_in_dim_light_is_dim_and_does_not_glow(effect) -> None:
    photo, subject = drawn_photo()
    dim = (photo.astype(np.float32) * 0.2).astype(np.uint8)
    lit, dark = (effect.apply(one, [subject], 1.0, color="#d8305f").astype(int) - one for one in (photo, dim))
    reddened_lit, reddened_dark = (np.maximum(change[..., 0] - change[..., 1], 0).sum() for change in (lit, dark))
    assert 0 < reddened_dark < 0.5 * reddened_lit


def test_the_half_of_the_lips_that_lies_in_shadow_stays_in_shadow() -> None:
    photo, subject = drawn_photo()
    middle = round(float(subject.face.points[2, 0]))
    half = photo.copy()
    half[:, middle:] = (half[:, middle:] * 0.25).astype(np.uint8)
    after = lipstick(half, subject, 1.0, "#d8305f", "satin")
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


@pytest.mark.parametrize("own", [(225, 175, 165), (178, 110, 105), (95, 58, 52)], ids=["pale", "mid", "dark"])
@pytest.mark.parametrize("color", ["#b3263e", "#6e1f4a", "#d8665f"])
def test_the_colour_asked_for_is_recognised_on_pale_mid_and_dark_lips(own: tuple[int, int, int], color: str) -> None:
    photo, subject = drawn_photo()
    lips = subject.parts.where("u_lip", "l_lip")
    photo[lips] = own
    after = lipstick(photo, subject, 1.0, color, "satin")
    inner = cv2.erode(lips.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    old, new = (rgb_to_lab(one.astype(np.float32) / np.float32(255))[inner] for one in (photo, after))
    target = lab_of_color(color)
    apart = np.linalg.norm(np.median(old, axis=0) - target)
    assert np.linalg.norm(np.median(new, axis=0) - target) < 0.5 * apart + 3
    hue, wanted = (np.degrees(np.arctan2(tone[2], tone[1])) for tone in (np.median(new, axis=0), target))
    assert abs((hue - wanted + 180) % 360 - 180) < 16


def test_the_finish_decides_how_much_the_light_on_the_lips_stands_out() -> None:
    photo, subject = drawn_photo()
    lips = subject.parts.where("u_lip", "l_lip")
    spread = {}
    for finish in ("matte", "satin", "gloss"):
        after = lipstick(photo, subject, 1.0, "#b3263e", finish)
        spread[finish] = float(rgb_to_lab(after.astype(np.float32) / np.float32(255))[lips][:, 0].std())
    assert spread["matte"] < spread["satin"] < spread["gloss"]


def test_lipstick_comes_on_no_teeth_and_no_hairs_that_the_parser_takes_for_lips() -> None:
    photo, subject = drawn_photo()
    y, x = np.nonzero(subject.parts.where("l_lip"))
    photo[y.min() + 1 : y.min() + 3, round(x.mean()) - 6 : round(x.mean()) + 6] = (238, 234, 222)
    photo[y.max() - 3 : y.max() - 1, round(x.mean()) - 6 : round(x.mean()) + 6] = (38, 32, 30)
    change = np.abs(lipstick(photo, subject, 1.0, "#b3263e", "satin").astype(int) - photo).max(axis=2)
    teeth, hairs = (photo == (238, 234, 222)).all(axis=2), (photo == (38, 32, 30)).all(axis=2)
    assert change[teeth].mean() < 8 and change[hairs].mean() < 8 and change[subject.parts.where("l_lip")].mean() > 15


def test_blush_leaves_freckles_and_pores_as_they_are() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    chance = np.random.default_rng(4)
    freckles = 25 * (chance.random(photo.shape[:2]) > 0.985)
    freckles = cv2.GaussianBlur(freckles.astype(np.float32), (0, 0), 1.2)[:, :, None] * np.array([1.2, 2.0, 2.4])
    freckled = np.clip(photo - 2 * freckles, 0, 255).astype(np.uint8)
    after = blush(freckled, subject, 1.0, "#d8665f")
    changed = (np.abs(after.astype(int) - freckled).max(axis=2) > 6) & subject.parts.where("skin")
    changed = cv2.erode(changed.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    fine = [one.astype(float) - cv2.GaussianBlur(one.astype(float), (0, 0), 4) for one in (freckled, after)]
    assert changed.sum() > 500
    kept = np.polyfit(fine[0][changed].ravel(), fine[1][changed].ravel(), 1)[0]
    assert kept == pytest.approx(1.0, abs=0.04)


@pytest.mark.parametrize("skin", [(236, 200, 184), (92, 60, 46)], ids=["fair", "dark"])
def test_blush_is_seen_on_fair_and_on_dark_skin(skin: tuple[int, int, int]) -> None:
    photo, subject = drawn_photo()
    photo[subject.parts.where("skin", "nose")] = skin
    after = blush(photo, subject, 1.0, "#d8665f")
    old, new = (rgb_to_lab(one.astype(np.float32) / np.float32(255)) for one in (photo, after))
    assert 5 < np.percentile(np.linalg.norm(new - old, axis=2)[subject.parts.where("skin")], 99) < 16


def test_lids_behind_glasses_get_no_shadow() -> None:
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    lids = (eye_shadow(photo, subject, 1.0, "#7a4a6e") != photo).any(axis=2)
    rows, columns = np.flatnonzero(lids.any(axis=1)), np.flatnonzero(lids.any(axis=0))
    parts = subject.parts.mask.copy()
    top, left = (part.start for part in subject.window)
    parts[rows[0] - top + 2 : rows[-1] - top + 12, columns[0] - left : columns[-1] - left + 1] = part_index("eye_g")
    behind = replace(subject, parts=replace(subject.parts, mask=parts))
    assert lids.any() and (eye_shadow(photo, behind, 1.0, "#7a4a6e") == photo).all()


def test_lids_of_a_man_get_less_shadow_unless_much_is_asked_for() -> None:
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    man, woman = (replace(subject, looks=SexAge(score, 30.0, "test")) for score in (0.99, 0.01))

    def change(one: Subject, strength: float) -> float:
        return float(np.abs(eye_shadow(photo, one, strength, "#7a4a6e").astype(int) - photo).sum())

    assert change(man, 1.0) < 0.85 * change(woman, 1.0)
    assert change(man, 1.5) == change(woman, 1.5)


@pytest.mark.parametrize("effect", ["lipstick", "blush"])
def test_presets_colour_men_less_and_who_asks_for_it_gets_all(effect: str) -> None:
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    man, woman = (replace(subject, looks=SexAge(score, 30.0, "test")) for score in (0.99, 0.01))

    def change(one: Subject, strength: float) -> float:
        return float(np.abs(effect_of(effect).apply(photo, [one], strength).astype(int) - photo).sum())

    assert 0.2 * change(woman, 0.7) < change(man, 0.7) < 0.7 * change(woman, 0.7)
    assert change(man, 1.0) == change(woman, 1.0)


def test_blush_is_no_orange_spot_on_pale_cheeks() -> None:
    photo, subject = drawn_photo()
    photo[subject.parts.where("skin", "nose")] = (232, 206, 198)
    after = blush(photo, subject, 1.0, "#e07030")
    change = rgb_to_lab(after.astype(np.float32) / np.float32(255)) - rgb_to_lab(photo.astype(np.float32) / np.float32(255))
    cheeks = (change[:, :, 1] > 0.5 * change[:, :, 1].max()) & subject.parts.where("skin")
    assert change[cheeks][:, 1].mean() > 4 and change[cheeks][:, 2].mean() < 3


def test_dull_shadow_darkens_warm_lids_and_takes_little_of_their_warmth() -> None:
    photo, subject = drawn_photo(360, 360, 300, 30, 30, index=2)
    photo[subject.parts.where("skin", "nose")] = (214, 166, 136)
    after = eye_shadow(photo, subject, 1.0, "#484448")
    old, new = (rgb_to_lab(one.astype(np.float32) / np.float32(255)) for one in (photo, after))
    lids = (old[:, :, 0] - new[:, :, 0] > 8) & subject.parts.where("skin")
    assert lids.sum() > 50 and new[lids][:, 2].mean() > 0.5 * old[lids][:, 2].mean()
