"""Age, gender and beard: learned transforms of the face (`lianpu.transforms`), with hair that greys or darkens along with it.

A face without a mesh, which is not believed of profiles and hidden faces, stays as it is.
"""

from __future__ import annotations

import numpy as np

from lianpu.effects.hair import plan_hair
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, view_of
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture
from lianpu.transforms.apply import carry_out, wish_for
from lianpu.transforms.model import load_transform
from lianpu.transforms.reading import read_face

_GREY_FROM, _GREY_AT = 40.0, 72.0
"""Years from which on hair begins to grey, and at which it is grey."""

_GREY, _BROWN = (61.0, 0.2, 2.5), (30.0, 5.0, 9.0)
"""Lab of grey hair, and of what grey hair becomes in a face that gets young again."""

_SURE = (0.9, 0.98)
"""How sure the model must be of what a face looks like already to do less, and to leave it alone: in a video, no face may flip."""


_SURELY_YOUNG, _SURELY_OLD = (25.0, 31.0), (57.0, 63.0)
"""Years up to which a face is left alone as young already and from which on all is done, and the same of a face that is old already: the
model is off by 6 years on average."""


def age(photo: Picture, subject: Subject, strength: float, years: float, if_needed: bool) -> Picture:
    """The photo (H, W, 3) with the subject older by `years` (younger below 0), in face and hair.

    With `if_needed`, a face that surely is young, or old, already stays as it is.
    """
    model = load_transform()
    reading = read_face(photo, subject, model.template)
    if reading is None or years == 0:
        return photo
    looks = model.judged(reading)[1]
    if if_needed:
        young, old = (float(smoothstep(np.array(looks), *span)) for span in (_SURELY_YOUNG, _SURELY_OLD))
        strength *= young if years < 0 else 1 - old
        if strength == 0:
            return photo
    wish = wish_for(reading, model, age_years=years * strength)
    photo = _with_aged_hair(photo, subject, wish.years, wish.years + years * strength)
    return carry_out(photo, subject, reading, model, wish)


def gender(photo: Picture, subject: Subject, strength: float, towards: str) -> Picture:
    """The photo (H, W, 3) with the subject's face as a man's or a woman's; unchanged if it surely is one already. Hair keeps its length.

    `towards` is `male`, `female`, or `other`: the other one than it looks like.
    """
    model = load_transform()
    reading = read_face(photo, subject, model.template)
    if reading is None:
        return photo
    chance, _ = model.judged(reading)
    to_male = towards == "male" or (towards == "other" and chance < 0.5)
    if towards != "other":
        strength *= 1 - float(smoothstep(np.array(chance if to_male else 1 - chance), *_SURE))
        if strength == 0:
            return photo
    return carry_out(photo, subject, reading, model, wish_for(reading, model, gender=strength if to_male else -strength))


def beard(photo: Picture, subject: Subject, strength: float, way: str) -> Picture:
    """The photo (H, W, 3) with the subject's beard off (`remove`), or with stubble."""
    model = load_transform()
    reading = read_face(photo, subject, model.template)
    if reading is None:
        return photo
    return carry_out(photo, subject, reading, model, wish_for(reading, model, beard=strength if way == "stubble" else -strength))


def _with_aged_hair(photo: Picture, subject: Subject, before: float, after: float) -> Picture:
    """The photo with the subject's hair as grey as its new age lets expect; hair that is no darker than grey stays."""
    wide = subject.wide()
    view = view_of(photo, wide.window)
    hair = wide.parts.where("hair")
    if hair.sum() < 0.004 * hair.size:
        return photo
    rows = np.linspace(0, hair.shape[0] - 1, view.shape[0]).round().astype(int)
    columns = np.linspace(0, hair.shape[1] - 1, view.shape[1]).round().astype(int)
    lab = rgb_to_lab(view.picture)[hair[np.ix_(rows, columns)]]
    if len(lab) < 20:
        return photo
    own = np.median(lab, axis=0)
    greyness = _greyness(own)
    if after > before:
        seen = float(smoothstep(np.array(own[0]), 3, 10))  # hair that is black in a dark photo shows no grey
        share = (_expected(after) - _expected(before)) * (1 - greyness) * seen
        lightest = float(min(_GREY[0], 40 + 0.45 * own[0]))  # hair in dim light greys dimly
        target = (max(lightest, float(own[0])), *_GREY[1:])
    else:
        share = 0.8 * greyness * (1 - _expected(after)) * float(smoothstep(np.array(before - after), 3, 20))
        target = (min(_BROWN[0], 0.7 * float(own[0])), *_BROWN[1:])
    if share < 0.02:
        return photo
    plan = plan_hair(photo, subject, np.array(target, dtype=np.float32))
    return photo if plan is None else plan.put(photo, share)


def _expected(years: float) -> float:
    return float(smoothstep(np.array(years), _GREY_FROM, _GREY_AT))


def _greyness(own: Field) -> float:
    """How grey a colour of hair is, 0 to 1: light, and hardly any chroma for its lightness."""
    chroma = float(np.hypot(own[1], own[2])) / (float(own[0]) + 16)
    return float((1 - smoothstep(np.array(chroma), 0.09, 0.17)) * smoothstep(np.array(own[0]), 26, 42))
