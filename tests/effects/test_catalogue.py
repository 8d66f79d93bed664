"""What holds for every effect of the catalogue, whatever it does."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from itertools import pairwise

import cv2
import numpy as np
import pytest

from lianpu.effects.catalogue import EFFECTS, STICKER_PLACES, STICKERS, Effect, effect_of
from lianpu.effects.face_masks import face_unit
from lianpu.effects.sticker_art import ART
from lianpu.effects.stickers import SPREAD
from lianpu.errors import SettingsError
from lianpu.faces.results import SexAge, Subject
from tests.support.live_faces import mesh_of
from tests.support.subjects import HARD_CASES, drawn_photo, subject_of, windowed

SKIN = ("skin", "nose")
EYES = ("l_eye", "r_eye")


@pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)
def test_the_function_of_an_effect_takes_its_options(effect: Effect) -> None:
    module, _, name = effect.function.partition(".")
    parameters = list(inspect.signature(getattr(import_module(f"lianpu.effects.{module}"), name)).parameters)
    assert parameters[3:] == [option.name for option in effect.options]


def test_every_listed_sticker_and_place_is_there() -> None:
    assert tuple(ART) == STICKERS and tuple(SPREAD) == STICKER_PLACES


def _seen(effect: Effect, *subjects: Subject) -> list[Subject]:
    """The subjects, with meshes where the effect works on them; drawn women are taken for men where a beard is to come off."""
    looks = SexAge(0.9, 40.0, "told") if effect.name == "beard" else None
    return [replace(one, mesh=mesh_of(one.landmarks.points), looks=looks) if effect.needs_mesh else one for one in subjects]


def _near(subject: Subject, reach: float, *names: str) -> np.ndarray:
    """Where a named part is nearer than `reach` units."""
    part = subject.parts.where(*names).astype(np.uint8)
    far = cv2.distanceTransform(1 - part, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return far <= reach * face_unit(subject) + 1.5


def _around(subject: Subject, *middles: np.ndarray, reach: float) -> np.ndarray:
    y, x = np.mgrid[: subject.parts.mask.shape[0], : subject.parts.mask.shape[1]]
    radius = reach * face_unit(subject)
    return np.any([np.hypot(x - middle[0], y - middle[1]) <= radius for middle in middles], axis=0)


def _eyes(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    return subject.face.points[0], subject.face.points[1]


def _inner_face(subject: Subject) -> np.ndarray:
    inner = subject.parts.where("skin", "nose", "mouth", "u_lip", "l_lip", *EYES).astype(np.uint8)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(0.25 * face_unit(subject)) + 1,) * 2)
    return cv2.erode(inner, kernel) > 0


MAY_CHANGE: dict[str, Callable[[Subject], np.ndarray]] = {
    "hair_color": lambda subject: _near(subject, 0.17, "hair"),
    "smooth_skin": lambda subject: _near(subject, 0.0, *SKIN, "neck", "l_ear", "r_ear"),
    "skin_tone": lambda subject: _near(subject, 0.06, *SKIN, "neck", "l_ear", "r_ear", "u_lip", "l_lip", "cloth"),
    "lipstick": lambda subject: _near(subject, 0.06, "u_lip", "l_lip"),
    "blush": lambda subject: _near(subject, 0.0, *SKIN),
    "eye_shadow": lambda subject: _near(subject, 0.06, *SKIN) & _around(subject, *_eyes(subject), reach=0.8),
    "whiten_teeth": lambda subject: _near(subject, 0.04, "mouth"),
    "brighten_eyes": lambda subject: _near(subject, 0.04, *EYES),
    "under_eye": lambda subject: _near(subject, 0.0, *SKIN) & _around(subject, *_eyes(subject), reach=0.9),
    "larger_eyes": lambda subject: _around(subject, *_eyes(subject), reach=0.6),
    "slim_face": lambda subject: _near(
        subject, 0.55, *SKIN, "l_ear", "r_ear", "neck", "hair", "cloth", "mouth", "u_lip", "l_lip"
    ),
    "blur_background": lambda subject: ~_inner_face(subject),
    "replace_background": lambda subject: ~_inner_face(subject),
    "age": lambda subject: _around(subject, subject.face.points[2], reach=3.0) | _near(subject, 0.17, "hair"),
    "gender": lambda subject: _around(subject, subject.face.points[2], reach=2.7),
    "beard": lambda subject: _near(subject, 0.35, "skin", "nose"),
    "sticker": lambda subject: _around(subject, subject.face.points[:2].mean(axis=0), reach=2.2),
    "anonymise": lambda subject: _around(subject, subject.face.points[2], reach=2.8),
}
"""For each effect the pixels that it may touch, written down apart from how it makes its masks: parts, and how far beside them."""

every_effect = pytest.mark.parametrize("effect", EFFECTS.values(), ids=EFFECTS)


@every_effect
@pytest.mark.parametrize("strength", [0.4, 1.0, 1.5])
@pytest.mark.parametrize("turn", [0, 35])
def test_an_effect_changes_the_face_and_not_a_byte_outside_of_its_mask(effect: Effect, strength: float, turn: float) -> None:
    photo, subject = drawn_photo(turn=turn)
    before = photo.copy()
    after = effect.apply(photo, _seen(effect, subject), strength)
    changed = (after != photo).any(axis=2)
    assert after.dtype == np.uint8 and after.shape == photo.shape
    assert (photo == before).all(), "the given picture was written into"
    assert changed.any(), "nothing was changed"
    assert not (changed & ~MAY_CHANGE[effect.name](subject)).any()


@every_effect
def test_nothing_changes_outside_of_the_subjects_window(effect: Effect) -> None:
    photo, subject = drawn_photo()
    rows, columns = slice(60, 230), slice(70, 240)
    changed = (effect.apply(photo, _seen(effect, windowed(subject, rows, columns)), 1.5) != photo).any(axis=2)
    changed[rows, columns] = False
    if effect.scope == "face" and effect.name not in ("sticker", "skin_tone"):  # a hat may be higher, shoulders are lower
        assert not changed.any()


@every_effect
def test_strength_0_gives_the_same_picture(effect: Effect) -> None:
    photo, subject = drawn_photo()
    assert (effect.apply(photo, _seen(effect, subject), 0.0) == photo).all()


@every_effect
def test_without_faces_the_photo_stays(effect: Effect) -> None:
    photo, _ = drawn_photo()
    assert (effect.apply(photo, [], 1.0) == photo).all()


@every_effect
def test_an_effect_grows_with_its_strength_and_without_jumps(effect: Effect) -> None:
    photo, subject = drawn_photo()
    steps = [effect.apply(photo, _seen(effect, subject), strength).astype(int) for strength in np.linspace(0, 1.5, 16)]
    away = [np.abs(step - photo).mean() for step in steps]
    moves = np.array([np.abs(second - first).mean() for first, second in pairwise(steps)])
    assert all(later >= earlier - 0.02 * max(away) for earlier, later in pairwise(away))
    assert moves.max() <= 0.3 * max(away), f"one tenth of strength moves {moves.max() / max(away):.0%} of the whole way"
    assert np.abs(steps[1] - photo).mean() <= 0.3 * max(away), "the smallest strength already does a lot"


@every_effect
@pytest.mark.parametrize("case", HARD_CASES)
def test_no_face_makes_an_effect_fail(effect: Effect, case: str) -> None:
    photo, subject = HARD_CASES[case]()
    choices = [option for option in effect.options if option.kind == "choice"]
    ways = [{option.name: word} for option in choices for word in option.choices] or [{}]
    for options in ways:
        after = effect.apply(photo, _seen(effect, subject), 1.5, **options)
        assert after.shape == photo.shape and after.dtype == np.uint8


@every_effect
def test_two_faces_are_both_changed(effect: Effect) -> None:
    left, one = drawn_photo(width=220, side=200, left=10)
    right, other = drawn_photo(width=220, side=200, left=10, index=2)
    photo = np.hstack([left, right])
    moved = subject_of(np.hstack([np.zeros_like(one.parts.mask), other.parts.mask]), other.landmarks.points + np.array([220, 0]))
    first = windowed(
        subject_of(np.hstack([one.parts.mask, np.zeros_like(other.parts.mask)]), one.landmarks.points),
        slice(0, 260),
        slice(0, 220),
    )
    second = windowed(moved, slice(0, 260), slice(220, 440))
    changed = (effect.apply(photo, _seen(effect, first, second), 1.0) != photo).any(axis=2)
    assert changed[:, :220].any() and changed[:, 220:].any()


def test_every_effect_has_a_title_and_a_line_in_both_languages() -> None:
    for name, effect in EFFECTS.items():
        assert effect.name == name
        for words in (effect.title, effect.summary, *(option.title for option in effect.options)):
            assert words["en"] and words["zh"] and words["en"] != words["zh"]


def test_an_unknown_effect_is_named_with_the_nearest_known_one() -> None:
    assert effect_of("lipstick") is EFFECTS["lipstick"]
    with pytest.raises(SettingsError, match=r"'lipstik' is no effect \(did you mean 'lipstick'\?\). Known: hair_color, "):
        effect_of("lipstik")


@pytest.mark.parametrize("effect", [effect for effect in EFFECTS.values() if effect.needs_mesh], ids=lambda effect: effect.name)
def test_a_face_without_a_mesh_stays_as_it_is(effect: Effect) -> None:
    photo, subject = drawn_photo()
    assert effect.apply(photo, [subject], 1.0) is photo
