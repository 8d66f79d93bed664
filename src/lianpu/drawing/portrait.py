"""One portrait, painted back to front, with its mask and its 68 points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lianpu.drawing.attributes import chance
from lianpu.drawing.canvas import Canvas, Field, Noise, blur, ramp
from lianpu.drawing.eyes import Gaze, brow_point, eye_point, lower_lid, paint_brow, paint_eye, sample_gaze, upper_lid
from lianpu.drawing.hair import Hair, greyer, sample_hair
from lianpu.drawing.hair_paint import curl_noise, hair_outline, hair_places, paint_beard, paint_bun, paint_hair
from lianpu.drawing.head import Head, Outline, Places, face_outline, sample_head, to_picture
from lianpu.drawing.mouth import Mouth, lip_curves, mouth_point, paint_mouth, paint_nose, sample_mouth
from lianpu.drawing.relief import light_face
from lianpu.drawing.scene import paint_scene
from lianpu.drawing.skin import Skin, paint_age, paint_ears, paint_face, paint_neck, sample_skin
from lianpu.drawing.wear import Wear, hat_line, paint_clothes, paint_glasses, paint_hat, sample_wear

Points = np.ndarray[Any, np.dtype[np.float32]]

STRAIGHT: Field = np.zeros((1, 1), np.float32)
"""Curl noise of hair without curls."""


@dataclass(frozen=True)
class Person:
    """Who is painted: all that `sample_person` draws by chance."""

    attributes: Mapping[str, bool]
    head: Head
    skin: Skin
    hair: Hair
    gaze: Gaze
    mouth: Mouth
    wear: Wear
    brow_noise: Noise


def sample_person(seed: int, index: int, attributes: Mapping[str, bool]) -> Person:
    """The person `index` of `seed` with these attributes."""
    skin = sample_skin(chance(seed, index, "skin"), attributes)
    return Person(
        attributes,
        sample_head(chance(seed, index, "head"), attributes),
        skin,
        sample_hair(chance(seed, index, "hair"), attributes),
        sample_gaze(chance(seed, index, "eyes"), attributes),
        sample_mouth(chance(seed, index, "mouth"), attributes, skin),
        sample_wear(chance(seed, index, "wear")),
        Noise.of(chance(seed, index, "brow")),
    )


def edited_person(seed: int, index: int, before: Mapping[str, bool], after: Mapping[str, bool]) -> Person:
    """The person with attributes `after`, as an edit of the one with `before` is to look: what nobody could guess is left out.

    Another sex or age leaves the cut of the hair, and brings the same plain marks to everyone: stubble or lipstick and lashes; lines, folds and greying.
    """
    own, person = sample_person(seed, index, before), sample_person(seed, index, after)
    aged, turned = after["Young"] != before["Young"], after["Male"] != before["Male"]
    if not (aged or turned):
        return person
    hair, skin, mouth, gaze = own.hair, person.skin, person.mouth, person.gaze
    if turned:
        hair = replace(hair, beard="stubble" if after["Male"] else "none", stubble=EDITED_STUBBLE)
        if not after["Male"]:
            mouth = replace(mouth, color=EDITED_LIPS * (0.55 + 0.45 * skin.light.mean() / 0.85))
            gaze = replace(gaze, lashes=1.0, shadow=EDITED_SHADOW, shadow_color=EDITED_SHADOW_COLOR)
    if aged:
        skin = replace(skin, age=0.0 if after["Young"] else EDITED_AGE)
        hair = replace(hair, graying=0.0) if after["Young"] else greyer(hair, EDITED_GREY)
    return replace(person, hair=hair, skin=skin, mouth=mouth, gaze=gaze)


EDITED_STUBBLE = 0.8
"""Opacity of the stubble that an edit brings, 0..1."""
EDITED_LIPS = np.array([0.78, 0.16, 0.24])
EDITED_SHADOW, EDITED_SHADOW_COLOR = 0.75, (0.42, 0.24, 0.30)
"""Opacity and colour of the eye shadow that an edit brings."""
EDITED_AGE = 1.8
"""How strong and wide the lines and folds are that an edit brings; 1 is the most that chance draws."""
EDITED_GREY = 0.9
"""How grey the hair becomes, 0..1."""


def paint_portrait(seed: int, index: int, person: Person, side_px: int) -> tuple[Canvas, Points]:
    """A person on a canvas of side_px in front of the scene of `index`, and 68 points in fractions of the picture."""
    attributes, head, skin, hair = person.attributes, person.head, person.skin, person.hair
    gaze, mouth, wear, brow_noise = person.gaze, person.mouth, person.wear, person.brow_noise
    coarse_px = min(160, max(96, side_px // 3))
    canvas, places, coarse = Canvas.blank(side_px), Places.of(head, side_px), Places.of(head, coarse_px)
    outline = face_outline(head)
    hat = attributes["Wearing_Hat"]
    cut = hair.cut
    hair_edge = hair_outline(head, cut) if cut is not None else outline
    shadow = _shadow_on_face(head, hair, hair_edge, wear, hat, coarse)
    lighting = light_face(head, outline, coarse, attributes, skin.age, shadow, side_px)

    paint_scene(canvas, chance(seed, index, "scene"), coarse_px)
    if cut is not None:
        curls = curl_noise(hair, side_px) if cut.curl else STRAIGHT
        where = hair_places(head, hair, cut, hair_edge, places.u, places.v, curls)
        if hat:
            under = places.v - hat_line(wear, head, places.u) + 0.05
            where = replace(where, front=np.minimum(where.front, under), back=np.minimum(where.back, under))
        if cut.bun and not hat:
            paint_bun(canvas, places, head, hair, cut)
        if cut.length_v > 0.7:
            paint_hair(canvas, places, head, hair, cut, where, curls, back=True)
    paint_neck(canvas, places, head, outline, skin)
    paint_clothes(canvas, places, head, wear)
    paint_ears(canvas, places, head, outline, skin)
    face = paint_face(canvas, places, outline, skin, lighting)
    paint_age(canvas, places, head, skin, face)
    paint_nose(canvas, places, head, skin)
    paint_mouth(canvas, places, head, mouth, skin)
    for side in (-1, 1):
        paint_eye(canvas, places, head, gaze, skin, side)
        paint_brow(canvas, places, head, hair.brow, brow_noise, side)
    paint_beard(canvas, places, head, outline, hair, _lip_middle(head, mouth))
    if attributes["Eyeglasses"]:
        paint_glasses(canvas, places, head, outline, wear)
    if cut is not None:
        paint_hair(canvas, places, head, hair, cut, where, curls, back=False)
    if hat:
        paint_hat(canvas, places, head, wear, min(cut.side, 0.05) if cut is not None else 0.0)
    return canvas, points68(head, outline, mouth)


def _shadow_on_face(head: Head, hair: Hair, hair_edge: Outline, wear: Wear, hat: bool, coarse: Places) -> Field:
    """What hair and hat keep from the light, 0..1: their shape, moved away from the light and softened."""
    shape = np.zeros_like(coarse.u)
    from_u, from_v = coarse.u + 0.020 * head.light[0], coarse.v - 0.022
    if hair.cut is not None:
        where = hair_places(head, hair, hair.cut, hair_edge, from_u, from_v, STRAIGHT)
        shape = coarse.cover(where.front)
    if hat:
        shape = np.maximum(shape, ramp(coarse.v - hat_line(wear, head, coarse.u), 0.055, 0.03))
    return blur(shape, 0.014 / coarse.pixel)


def _lip_middle(head: Head, mouth: Mouth) -> list[tuple[float, float]]:
    across = np.array([-0.82, -0.42, 0.0, 0.42, 0.82], np.float32)
    curves = lip_curves(head, mouth, across)
    return [mouth_point(head, float(x), float(below)) for x, below in zip(across, (curves.top + curves.bottom) / 2, strict=True)]


def points68(head: Head, outline: Outline, mouth: Mouth) -> Points:
    """The 68 iBUG points, (68, 2) x, y in fractions of the picture."""
    chin_v = head.project(0, head.chin_v, 0.17)[1]
    places: list[tuple[float, float]] = []
    heights = [0.484, 0.555, 0.627, 0.697, 0.762, 0.820, 0.868, 0.905]
    heights = [0.484 + (v - 0.484) * (chin_v - 0.484) / (0.928 - 0.484) for v in heights]
    places += [(outline.edge(v, -1), v) for v in heights]
    places += [((outline.edge(chin_v - 0.004, -1) + outline.edge(chin_v - 0.004, 1)) / 2, chin_v)]
    places += [(outline.edge(v, 1), v) for v in reversed(heights)]
    places += [brow_point(head, -1, along) for along in (1.0, 0.76, 0.5, 0.25, 0.0)]
    places += [brow_point(head, 1, along) for along in (0.0, 0.25, 0.5, 0.76, 1.0)]
    places += [head.project(0, 0.478 + k / 3 * (head.nose_v - 0.034 - 0.478), 0.20 + k * 0.033) for k in range(4)]
    places += [
        head.project(x * head.nose_width, head.nose_v - 0.006 + 0.006 * (1 - abs(x)) * 2, 0.25)
        for x in (-0.9, -0.45, 0, 0.45, 0.9)
    ]
    for side, order in ((-1, (1.0, 0.35, -0.35, -1.0, -0.35, 0.35)), (1, (-1.0, -0.35, 0.35, 1.0, 0.35, -0.35))):
        for number, x in enumerate(order):
            at = np.array([x], np.float32)
            above = float(upper_lid(head, at)[0]) if number in (1, 2) else -float(lower_lid(head, at)[0]) if number > 3 else 0.0
            places.append(eye_point(head, side, x, above))
    places += _mouth_points(head, mouth)
    return np.array([to_picture(head, *place) for place in places], np.float32)


def _mouth_points(head: Head, mouth: Mouth) -> list[tuple[float, float]]:
    across = np.array([-1, -0.64, -0.27, 0, 0.27, 0.64, 1], np.float32)
    curves = lip_curves(head, mouth, across)
    outer = [mouth_point(head, float(x), float(below)) for x, below in zip(across, curves.top, strict=True)]
    outer += [mouth_point(head, float(across[k]), float(curves.bottom[k])) for k in (5, 4, 3, 2, 1)]
    narrow = np.array([-0.86, -0.3, 0, 0.3, 0.86], np.float32)
    curves = lip_curves(head, mouth, narrow)
    inner = [mouth_point(head, float(x), float(below)) for x, below in zip(narrow, curves.upper_inner, strict=True)]
    inner += [mouth_point(head, float(narrow[k]), float(curves.lower_inner[k])) for k in (3, 2, 1)]
    return outer + inner
