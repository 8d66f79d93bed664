"""Age, gender and beard: learned transforms of the face (`lianpu.transforms`), with hair that greys or darkens along with it.

A face without a mesh, which is not believed of profiles and hidden faces, stays as it is.
"""

from __future__ import annotations

import numpy as np

from lianpu.effects.face_masks import face_unit, part_cover
from lianpu.effects.hair import (
    USUAL_SKIN,
    SkinLook,
    former_color,
    glanced_hair,
    hair_median,
    natural_target,
    paint_hair,
    skin_look,
)
from lianpu.effects.hair_matte import HairMatte, from_the_eyes, hair_matte
from lianpu.effects.live_hair import live_skin_look, recolor_live_hair
from lianpu.effects.skin import clear_spots
from lianpu.faces.live import LiveFace, hair_color_of
from lianpu.faces.results import SexAge, Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, blend, view_of
from lianpu.imaging.masks import dilate, feather, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import is_commercial_safe
from lianpu.transforms.apply import Wish, WishOf, carry_out, edited, looks_of, wish_for
from lianpu.transforms.beard import NO_MAN
from lianpu.transforms.model import AGE_SPAN, is_transform_usable, load_transform
from lianpu.transforms.reading import Reading, read_face

_GREY_FROM, _GREY_AT = 32.0, 70.0
"""Years from which on hair begins to grey, and at which it is grey."""

_LEAST = 0.02
"""A share of greying below this is not seen."""

_SURE = (0.9, 0.98)
"""How sure the model must be of what a face looks like already to do less, and to leave it alone: in a video, no face may flip."""


_SURELY_YOUNG, _SURELY_OLD = (25.0, 31.0), (57.0, 63.0)
"""Years up to which a face is left alone as young already and from which on all is done, and the same of a face that is old already: the
model is off by 6 years on average."""


_LIVE_PX = 0.7
"""Pixels per unit of the face (photos get 1) at which live forms read a face and plan its change; pixels change at full size."""


def age(photo: Picture, subject: Subject, strength: float, years: float, if_needed: bool, hair: bool = True) -> Picture:
    """The photo (H, W, 3) with the subject older by `years` (younger below 0), in face and hair.

    With `if_needed`, a face that surely is young, or old, already stays as it is. Without `hair`, the hair keeps its colour.
    """
    model, change = load_transform(), years * strength / AGE_SPAN
    clear = photo
    if change < 0 and subject.looks is None:  # in a video, spots would come and go
        clear = clear_spots(photo, subject, min(1.0, -change))
    reading = read_face(clear, subject, model.template)  # as cleared: what was a dark spot gets no lighter once more
    wish = None if reading is None else _aged(reading, looks_of(subject, reading, model), strength, years, if_needed)
    if reading is None or wish is None:
        return photo
    if hair:
        clear = _with_aged_hair(clear, subject, wish.years, wish.years + AGE_SPAN * wish.age)
    return carry_out(clear, subject, reading, model, wish)


def gender(photo: Picture, subject: Subject, strength: float, towards: str) -> Picture:
    """The photo (H, W, 3) with the subject's face as a man's or a woman's; unchanged if it surely is one already. Hair keeps its length.

    `towards` is `male`, `female`, or `other`: the other one than it looks like.
    """
    return edited(photo, subject, load_transform(), lambda reading, looks: _turned(reading, looks, strength, towards))


def beard(photo: Picture, subject: Subject, strength: float, way: str) -> Picture:
    """The photo (H, W, 3) with the subject's beard off (`remove`), or with stubble."""
    return edited(photo, subject, load_transform(), lambda reading, looks: _bearded(reading, looks, strength, way))


def live_age(frame: Picture, face: LiveFace, strength: float, years: float, if_needed: bool, hair: bool = True) -> None:
    """`age` in a live frame (H, W, 3), in place."""
    wishes: list[Wish] = []

    def wish_of(reading: Reading, looks: SexAge) -> Wish | None:
        wish = _aged(reading, looks, strength, years, if_needed)
        wishes.extend([wish] if wish is not None else [])
        return wish

    seen = face.hair or hair_color_of(frame, face) if hair else None
    skin = None if seen is None else live_skin_look(frame, face)
    _put(frame, face, wish_of)
    if seen is None or skin is None or not wishes:
        return
    aim = _aged_hair(np.array([seen.light[1], *seen.tone]), wishes[0].years, wishes[0].years + AGE_SPAN * wishes[0].age, skin)
    if aim is not None:
        target, share = np.array(aim[0], dtype=np.float32), aim[1]
        recolor_live_hair(frame, face, share, lambda _own, _view: (target, 1.0))


def live_gender(frame: Picture, face: LiveFace, strength: float, towards: str) -> None:
    """`gender` in a live frame (H, W, 3), in place."""
    _put(frame, face, lambda reading, looks: _turned(reading, looks, strength, towards))


def live_beard(frame: Picture, face: LiveFace, strength: float, way: str) -> None:
    """`beard` in a live frame (H, W, 3), in place."""
    _put(frame, face, lambda reading, looks: _bearded(reading, looks, strength, way))


def looks_in(frame: Picture, subject: Subject) -> SexAge | None:
    """How male and how old a face of a frame (H, W, 3) looks, for `Subject.looks` and `LiveFace.looks`; None where it cannot be read."""
    model = load_transform()
    reading = read_face(frame, subject, model.template)
    return None if reading is None else model.judged(reading)


def _put(frame: Picture, face: LiveFace, wish_of: WishOf) -> None:
    """Edit the frame in place, in the window of the face's crop."""
    rows, columns = face.window(frame)
    part = np.ascontiguousarray(frame[rows, columns])
    to = np.array([[1.0, 0.0, -columns.start], [0.0, 1.0, -rows.start]])
    subject = face.subject_in(to, (slice(0, part.shape[0]), slice(0, part.shape[1])))
    frame[rows, columns] = edited(part, subject, load_transform(), wish_of, _LIVE_PX)


def _aged(reading: Reading, looks: SexAge, strength: float, years: float, if_needed: bool) -> Wish | None:
    if if_needed:
        strength *= _aging_wanted(looks, young=years < 0)
    return wish_for(reading, looks, age_years=years * strength) if years * strength else None


def _turned(reading: Reading, looks: SexAge, strength: float, towards: str) -> Wish | None:
    chance = looks.male_score
    to_male = towards == "male" or (towards == "other" and chance < 0.5)
    if towards != "other":
        strength *= _turning_wanted(looks, male=to_male)
    return wish_for(reading, looks, gender=strength if to_male else -strength) if strength else None


def _aging_wanted(looks: SexAge, *, young: bool) -> float:
    surely_not_young, surely_old = (float(smoothstep(np.array(looks.age), *span)) for span in (_SURELY_YOUNG, _SURELY_OLD))
    return surely_not_young if young else 1 - surely_old


def _turning_wanted(looks: SexAge, *, male: bool) -> float:
    return 1 - float(smoothstep(np.array(looks.male_score if male else 1 - looks.male_score), *_SURE))


def wanted_of_face(photo: Picture, subject: Subject, name: str, value: bool) -> float:
    """How far a face is to be changed for `Male` or `Young` to be `value`, 0 to 1: nothing where it surely is so already.

    1 where that cannot be told: without a mesh, or where the transforms may not be used.
    """
    if not is_transform_usable():
        return 1.0
    looks = subject.looks or looks_in(photo, subject)
    if looks is None:
        return 1.0
    return _turning_wanted(looks, male=value) if name == "Male" else _aging_wanted(looks, young=value)


def _bearded(reading: Reading, looks: SexAge, strength: float, way: str) -> Wish | None:
    if way == "remove" and looks.male_score - 0.5 <= NO_MAN:
        return None
    return wish_for(reading, looks, beard=strength if way == "stubble" else -strength)


def _with_aged_hair(photo: Picture, subject: Subject, before: float, after: float) -> Picture:
    """The photo with the subject's hair as grey as its new age lets expect; hair that is no darker than grey stays."""
    stays = abs(_expected(after) - _expected(before)) < _LEAST if after > before else _is_surely_not_grey(photo, subject)
    matte = None if stays else hair_matte(photo, subject)
    if matte is None:
        return photo
    skin, greying = skin_look(subject.wide(), matte.view), after > before
    former = former_color(matte, subject, skin) if after < before and not is_commercial_safe() else None
    aim = _aged_hair(hair_median(matte), before, after, skin, former)
    if aim is None:
        return photo
    painted = paint_hair(matte, subject, np.array(aim[0], dtype=np.float32)).put(photo, 1.0)
    share = _salt_and_pepper(painted, matte, subject, aim[1]) if greying else _soft_hairline(matte, subject, aim[1])

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        return painted[rows, columns].astype(np.float32) / np.float32(255)

    return blend(photo, matte.view, share, paint)


def _salt_and_pepper(painted: Picture, matte: HairMatte, subject: Subject, share: float) -> Field:
    """(h, w) over the matte's view: how far hair greys where `share` of all of it does: temples first, the crown last, lit strands before
    dark ones, so that shadows stay as dark as they were.

    Args:
        painted: the photo (H, W, 3) with all of the hair grey.
        matte: of the hair.
        subject: the face.
        share: 0 to 1.
    """
    view, unit_px = matte.view, face_unit(subject) * matte.view.scale
    light = np.log1p(rgb_to_lab(view_of(painted, view.window, max(view.shape)).picture)[..., 0])
    around, wide = (_mean_of(light, matte.matte, max(1.0, sigma * unit_px)) for sigma in _STRANDS)
    apart = 0.65 * (light - around) + 0.35 * (light - wide)
    inside = matte.matte > 0.5
    spread = float(apart[inside].std()) if inside.any() else 1.0
    lit = np.clip(apart / max(spread, 0.02), -2.5, 2.5)
    across, down = from_the_eyes(subject, view, view.shape)
    temples = np.exp(-(((np.abs(across) - _TEMPLES[0]) / 0.45) ** 2) - ((down - _TEMPLES[1]) / 0.6) ** 2)
    crown = smoothstep(-down, 0.9, 2.2)
    here = np.clip(share * (1 + _TEMPLES_FIRST * (temples - crown)), 0, 1)
    return np.asarray(np.clip(here + 2 * here * (1 - here) * _UNEVEN * lit, 0, 1), dtype=np.float32)


def _soft_hairline(matte: HairMatte, subject: Subject, share: float) -> Field:
    """(h, w) over the matte's view: hair that gets its colour back gets less of it beside the skin, where it is thin and short."""
    view, unit = matte.view, face_unit(subject)
    skin = part_cover(subject.wide(), view, "skin", "nose", "l_ear", "r_ear")
    beside = np.clip(2 * feather(dilate(skin, view, 0.05 * unit), view, 0.08 * unit), 0, 1)
    return np.asarray(share * (1 - _HAIRLINE * beside), dtype=np.float32)


def _mean_of(values: Field, weight: Field, sigma: float) -> Field:
    weight = weight + np.float32(1e-3)
    return np.asarray(wide_blur(values * weight, sigma) / wide_blur(weight, sigma), dtype=np.float32)


_STRANDS = (0.05, 0.25)
"""Scales, in units, of strands and of locks: what is lighter than its surroundings greys first."""

_UNEVEN = 0.55
"""How much more of a lit strand than of a dark one greys."""

_TEMPLES, _TEMPLES_FIRST = (1.15, -0.1), 0.28
"""Where temples are, across and down from between the eyes in units, and by which share more greys there than at the middle, and less at
the crown."""

_HAIRLINE = 0.55
"""How much less of its colour hair gets back beside the skin."""


def _is_surely_not_grey(photo: Picture, subject: Subject) -> bool:
    """Whether hair is far from grey already by the pixels that the parser takes for it: a matte takes half a second of a large photo."""
    glance = glanced_hair(photo, subject)
    if glance is None:
        return False
    light, a, b = glance[0].tolist()
    return bool(_cast(glance[1]) * np.hypot(a, b) / (light + 16) > _COLOURED or light < _DARK)


_COLOURED, _DARK = 0.3, 18.0
"""Chroma over L + 16, and L: hair beyond these has no greyness by its matte either."""


def _aged_hair(
    own: np.ndarray, before: float, after: float, skin: SkinLook, former: np.ndarray | None = None
) -> tuple[tuple[float, float, float], float] | None:
    """The colour (Lab) that hair of a colour `own` moves towards from an age to another, and by what share; None where it stays.

    `skin` is the skin beside it, `former` the colour before it greyed; None takes a brown. Under --commercial-safe it stays: natural colours
    follow faces whose terms exclude commercial use.
    """
    if is_commercial_safe():
        return None
    own = np.asarray(own, dtype=np.float32)
    greyness, greying = _greyness(own, before, skin), after > before
    aim = former if former is not None and not greying else natural_target("gray" if greying else "brown", own, skin)
    light, a, b = aim.tolist()
    if greying:
        seen = float(smoothstep(own[:1], 0.5, 4)[0])  # hair that is black in a dark photo shows no grey
        share = (_expected(after) - _expected(before)) * (1 - greyness) * seen
        light = max(light, float(own[0]))
    else:
        pale = max(
            light, _LIGHTER_BROWN * float(own[0])
        )  # white hair becomes light brown: dark brown is a wig beside its white ends
        a, b = ((pale + 16) / (light + 16) * np.array((a, b))).tolist()
        light = pale
        share = 0.9 * greyness * (1 - _expected(after)) * float(smoothstep(np.array(before - after), 3, 20))
    return ((light, a, b), share) if share >= _LEAST else None


def _expected(years: float) -> float:
    return float(smoothstep(np.array(years), _GREY_FROM, _GREY_AT))


_LIGHTER_BROWN = 0.46
"""Share of grey hair's lightness that it keeps at the least when its colour comes back."""

_CAST = 0.6
"""The least share of the chroma of hair that counts beside skin of much chroma: warm light gives it to both."""


def _cast(skin: SkinLook) -> float:
    return float(np.clip(USUAL_SKIN.chroma / max(skin.chroma, 1.0), _CAST, 1.0))


def _greyness(own: np.ndarray, years: float, skin: SkinLook) -> float:
    """How grey a colour of hair is, 0 to 1: light, and hardly any chroma for its lightness and for the skin beside it; of an old face, darker
    hair counts, too."""
    chroma = _cast(skin) * float(np.hypot(own[1], own[2])) / (float(own[0]) + 16)
    old = float(smoothstep(np.array(years), 42, 54))
    return float(
        (1 - smoothstep(np.array(chroma), 0.09 + 0.07 * old, 0.17 + 0.1 * old))
        * smoothstep(np.array(own[0]), 26 - 8 * old, 42 - 18 * old)
    )
