from dataclasses import replace

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import TONES, effect_of
from lianpu.effects.skin_tone import TONES as KNOWN
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from tests.support.portraits import portrait
from tests.support.subjects import drawn_photo, subject_of

EFFECT = effect_of("skin_tone")


def _lab(photo: np.ndarray) -> np.ndarray:
    return rgb_to_lab(photo.astype(np.float32) / np.float32(255))


def test_every_tone_of_the_catalogue_is_known() -> None:
    assert tuple(KNOWN) == TONES


WAYS = {"tan": (0, -1), "light": (0, 1), "warm": (2, 1), "cool": (2, -1), "rosy": (1, 1)}
"""The coordinate of CIE Lab that changes most plainly, and which way."""


@pytest.mark.parametrize("skin", [(232, 196, 178), (104, 70, 54)], ids=["fair", "dark"])
@pytest.mark.parametrize("tone", WAYS)
def test_skin_goes_the_way_its_tone_is_named(tone: str, skin: tuple[int, int, int]) -> None:
    photo, subject = drawn_photo()
    photo[subject.parts.where("skin", "nose", "neck")] = skin
    after = EFFECT.apply(photo, [subject], 1.0, tone=tone)
    change = (_lab(after) - _lab(photo))[subject.parts.where("skin", "nose")].mean(axis=0)
    axis, way = WAYS[tone]
    assert 2 < way * change[axis] < 14


def test_a_tan_makes_pink_cheeks_and_a_yellow_forehead_more_alike() -> None:
    photo, subject = drawn_photo()
    skin = subject.parts.where("skin", "nose")
    upper = np.arange(photo.shape[0])[:, None] < subject.face.points[2, 1]
    photo[skin & upper], photo[skin & ~upper] = (216, 180, 136), (216, 164, 152)
    apart = []
    for one in (photo, EFFECT.apply(photo, [subject], 1.0, tone="tan")):
        tones = [np.median(_lab(one)[skin & where], axis=0)[1:] for where in (upper, ~upper)]
        apart.append(float(np.linalg.norm(tones[0] - tones[1])))
    assert apart[1] < 0.75 * apart[0]


def test_face_and_neck_change_alike_and_hair_and_eyes_stay() -> None:
    photo, subject = drawn_photo(width=420, height=420, side=400, left=10, top=10)
    photo[subject.parts.where("skin", "nose", "neck")] = (205, 160, 140)
    after = EFFECT.apply(photo, [subject], 1.0)
    change = after.astype(int) - photo
    neck_rows = np.flatnonzero(subject.parts.where("neck").any(axis=1))
    upper = subject.parts.where("neck") & (np.arange(420)[:, None] < neck_rows[0] + 8)
    face, neck = (np.median(change[where], axis=0) for where in (subject.parts.where("skin"), upper))
    assert np.abs(face - neck).max() <= 8  # the neck begins to fade towards the crop's border
    assert np.abs(change[subject.parts.where("hair")]).mean() < 0.1 * np.abs(face).mean()
    assert np.median(np.abs(change[subject.parts.where("l_eye", "r_eye")])) <= 1


def test_red_blotches_become_even_and_texture_stays() -> None:
    photo, subject = drawn_photo(width=560, height=560, side=520, left=20, top=20)
    skin = subject.parts.where("skin", "nose")
    photo[skin] = (205, 160, 140)
    pores = np.random.default_rng(0).normal(0, 5, photo.shape[:2])
    x, y = subject.landmarks.points[2] * 0.5 + subject.landmarks.points[31] * 0.5
    rows, columns = np.mgrid[:560, :560]
    red = 26 * np.exp(-(np.hypot(columns - x, rows - y) ** 2) / (2 * 22.0**2))
    blotched = np.clip(photo + pores[:, :, None] + red[:, :, None] * np.array([0.6, -1, -0.6]), 0, 255).astype(np.uint8)
    after = EFFECT.apply(blotched, [subject], 1.0, tone="even")
    middle = skin & (red > 15)
    redness = [
        float(_lab(one)[..., 1][middle].mean() - _lab(one)[..., 1][skin & (red < 0.5)].mean()) for one in (blotched, after)
    ]
    assert redness[1] < 0.5 * redness[0]
    assert np.polyfit(pores[middle], after[..., 1].astype(float)[middle], 1)[0] > 0.85


SKIN = (205, 160, 140)


def _bare_shoulders(*lefts: int) -> tuple[np.ndarray, list[Subject], np.ndarray]:
    """Portraits of 256 px without a shirt before a grey wall, their left edges at columns, and (H, W) bool: where bare shoulders are."""
    high, wide = 330, max(lefts) + 320
    photo = np.full((high, wide, 3), (40, 50, 60), np.uint8)
    subjects, shoulders = [], np.zeros((high, wide), np.bool_)
    for left in lefts:
        drawn, mask = portrait(1, 256), np.zeros((high, wide), np.uint8)
        mask[high - 256 :, left : left + 256] = drawn.mask
        at = np.zeros_like(photo)
        at[high - 256 :, left : left + 256] = drawn.picture
        photo = np.where(mask[:, :, None] > 0, at, photo)
        subject = subject_of(mask, drawn.points + np.array([left, high - 256]))
        bare = subject.parts.where("skin", "nose", "neck", "cloth")
        photo[bare] = SKIN
        shoulders = (shoulders & (mask == 0)) | subject.parts.where("cloth")
        subjects.append(replace(subject, parts=replace(subject.parts, mask=np.where(subject.parts.where("cloth"), 0, mask))))
    noise = np.random.default_rng(0).integers(-2, 3, photo.shape)
    return np.clip(photo + noise, 0, 255).astype(np.uint8), subjects, shoulders


def _changed(photo: np.ndarray, *subjects: Subject) -> np.ndarray:
    after = EFFECT.apply(photo, subjects, 1.0, tone="tan")
    return np.asarray(np.abs(after.astype(int) - photo).max(axis=2) >= 5)


def _inner(shoulders: np.ndarray) -> np.ndarray:
    """The shoulders well away from other parts and the photo's border."""
    return np.asarray(cv2.erode(shoulders.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0)


def test_without_the_network_that_finds_people_skin_is_what_the_parser_says() -> None:
    photo, (subject,), shoulders = _bare_shoulders(40)
    assert not _changed(photo, subject)[_inner(shoulders)].any()


@pytest.mark.usefixtures("mediapipe_models")
@pytest.mark.parametrize("colorless", [False, True])
def test_bare_shoulders_change_with_the_face_also_in_a_grey_photo(colorless: bool) -> None:
    photo, (subject,), shoulders = _bare_shoulders(40)
    if colorless:
        photo = np.repeat(photo[:, :, 1:2], 3, axis=2)
    changed = _changed(photo, subject)
    assert changed[_inner(shoulders)].mean() > 0.9
    assert not changed[:60, :40].any()  # the wall


@pytest.mark.usefixtures("mediapipe_models")
def test_a_neighbours_shoulders_keep_their_tone_and_are_not_toned_twice() -> None:
    photo, (first, second), shoulders = _bare_shoulders(20, 180)
    places = [(*one.face.points.mean(axis=0).tolist(), one.face.unit_px) for one in (first, second)]
    first, second = replace(first, others=(places[1],)), replace(second, others=(places[0],))
    middle = (places[0][0] + places[1][0]) / 2
    theirs = np.arange(photo.shape[1]) > middle + 6
    one = _changed(photo, first)
    assert one[_inner(shoulders)].any() and not one[:, theirs].any()
    assert _changed(photo, replace(first, others=()))[:, theirs].any(), "the test shows nothing"
