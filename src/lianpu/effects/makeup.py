"""Colour on lips, cheeks and lids, shaded by the light on the skin: lips keep their lines and shine."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit, filled, part_cover
from lianpu.effects.live import (
    add_in_place,
    inside,
    live_skin,
    live_view,
    repaint,
    seen_in,
    share_in,
    sharpened,
    soften,
)
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import outline, points_68
from lianpu.faces.results import SexAge, Subject
from lianpu.imaging.color import lab_of_color, percentiles, rgb_to_lab, to_rgb, weighted_mean
from lianpu.imaging.compositing import Field, Paint, View, add_change, blend, view_of
from lianpu.imaging.geometry import window_around
from lianpu.imaging.masks import dilate, feather, largest_component, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.transforms.model import is_transform_usable, load_transform
from lianpu.transforms.reading import read_face

_LIP_FEATHER = 0.013
_LIP_COVERAGE, _SHADOW = 0.72, 0.8
"""Share of the new colour at a strength of 1."""
_DARKENED, _LIGHTENED = 0.9, 0.55
"""How far lips follow a colour that is darker, or lighter, than they are."""
_BRIGHT = (20.0, 60.0)
"""Lightness of the light parts of a face's crop in dim and in good light."""
_FINISHES = {"matte": -0.4, "satin": 0.12, "gloss": 0.6}
"""How much the light on the lips is raised."""
_AROUND_LIPS = 0.06
"""How far around the mesh's lips the parser is believed, in units of the face."""
_BLUSH = ((8.0, 25.0, 45.0, 62.0, 80.0, 92.0), (6.0, 13.0, 15.5, 13.0, 10.5, 11.0))
"""Lightness of cheeks, and the largest change of colour (a, b of CIE Lab) at a strength of 1 in their middle: fair skin shows it soon."""
_FLUSHED = (14.0, 26.0)
"""a of CIE Lab of cheeks that are pale, and of ones that are red by themselves and get half as much."""
_YELLOWER = 1.5
"""By how much (b of CIE Lab) blush may be yellower than the cheek: more would be an orange spot."""
_BLUSH_SMOOTH = 0.1
"""Standard deviation in units of the face: what is finer is not changed."""
_BEHIND_GLASSES = (0.05, 0.2)
"""Share of a lid that glasses cover from which on it gets less colour, and none."""
_LIPS_OF_MEN, _CHEEKS_OF_MEN, _LIDS_OF_MEN = (0.35, 1.0), (0.5, 1.0), (0.6, 1.3)
"""Share of a colour that men's lips, cheeks and lids get where little is asked for, and the strength from which on they get all of it."""
_APPARENT = (24.0, 32.0)
"""Least and largest distance (CIE Lab) of a colour on lids from the skin, at its fullest: seen on every skin, and no bruise on a pale one."""
_COLDER = ((10.0, 40.0), (0.35, 1.0))
"""Chroma of a colour on lids, and the share of its way towards blue and green that it goes: dull colours leave skin its warmth."""
_LIPS_PX, _BLUSH_PX, _LIDS_PX = 100.0, 32.0, 64.0
"""Most pixels of the face's unit that live forms paint at."""
_MOUTH_SHARE = 0.008
"""Minimum area of lips and mouth as a share of the skin (bare faces: 0.026 and more; most faces with a mask: 0.004 and less)."""
_BLACK = 16.0
"""In dimmer light a and b of CIE Lab of a surface fall by the same factor as L + 16."""


def lipstick(photo: Picture, subject: Subject, strength: float, color: str, finish: str) -> Picture:
    """The photo (H, W, 3) with the subject's lips in a colour (#rrggbb). A face whose lips are covered stays as it is.

    `finish` is `matte`, `satin` or `gloss`: how much the light on the lips stands out (`_FINISHES`). Below a strength of 1 men get less.
    """
    view = view_of(photo, subject.window)
    unit = face_unit(subject)
    lips = part_cover(subject, view, "u_lip", "l_lip")
    if subject.mesh is not None:  # the parser takes fingers on a microphone for lips
        lips = lips * dilate(filled(view, outline(subject.mesh, "lips_outer")), view, _AROUND_LIPS * unit)
    lips = largest_component(lips)
    if lips.sum() < 4:
        return photo
    weight = feather(lips, view, _LIP_FEATHER * unit)
    strength = _suited(strength, _LIPS_OF_MEN, photo, subject)
    around = _brightness(photo[subject.window])
    return blend(photo, view, weight * np.float32(_LIP_COVERAGE * strength), _lip_paint(view, lips, color, finish, around))


def live_lipstick(frame: Picture, face: LiveFace, strength: float, color: str, finish: str) -> None:
    """`lipstick` in a live frame (H, W, 3), in place: where the parser sees lips at the lips of the mesh."""
    unit = face.face.unit_px
    window = window_around(frame, outline(face.mesh, "lips_outer"), 0.1 * unit)
    if window is None or face.mouth_visible == 0:
        return
    view = live_view(frame, window, unit, _LIPS_PX)
    lips = seen_in(face, view, "lips_outer", "u_lip", "l_lip")
    if not face.shares:
        lips = np.maximum(lips - inside(face, view, "lips_inner"), 0)  # the outlines may cross
    weight = soften(lips, _LIP_FEATHER * unit * view.scale)
    if weight.sum() >= 4:
        covered = np.float32(_LIP_COVERAGE * _on_men(strength, _LIPS_OF_MEN, face.looks) * face.mouth_visible)
        around = _brightness(frame[face.window(frame)])
        repaint(frame, view, weight * covered, _lip_paint(view, weight, color, finish, around))


def _brightness(part: Picture) -> float:
    """How light the light parts of a picture (h, w, 3) are, as L of CIE Lab."""
    steps = tuple(max(1, size // 64) for size in part.shape[:2])
    some = np.ascontiguousarray(part[:: steps[0], :: steps[1]])
    return percentiles(cv2.cvtColor(some, cv2.COLOR_RGB2Lab)[:, :, 0].ravel(), 97)[0] * (100 / 255)


def _lip_paint(view: View, lips: Field, color: str, finish: str, around: float) -> Paint:
    """A paint function that gives lips a colour, from their mean colour in the view (weights (h, w)) and the light around (`_brightness`).

    The mean becomes the colour asked for, as far as the light allows; what differs from the mean (lines, shadow, shine) stays.
    """
    mean = weighted_mean(rgb_to_lab(view.picture), lips)
    target = lab_of_color(color)
    apart = float(target[0] - mean[0])
    bright = float(smoothstep(np.array(around), *_BRIGHT))  # dark lips may be lips in dim light
    light = _DARKENED * apart if apart < 0 else min(_LIGHTENED * apart, (0.3 + 0.4 * bright) * float(mean[0]))
    # a colour that stays darker than asked is less colourful by as much, so that it looks like the same colour in less light
    full = min(1.0, (float(mean[0]) + light + _BLACK * bright) / max(float(target[0]) + _BLACK * bright, 1.0))
    shining = np.float32(_FINISHES[finish])
    chroma = max(float(np.hypot(mean[1], mean[2])), 1.0)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        excess = lab[:, :, :1] - mean[0]
        own = np.hypot(lab[:, :, 1:2], lab[:, :, 2:])
        pale = smoothstep(excess, 16, 32) * (1 - smoothstep(own / chroma, 0.45, 0.8))  # teeth, and the brightest shine
        hair = smoothstep(-excess, 16, 28) * (1 - smoothstep(own / chroma, 0.4, 0.7))
        shine = np.clip((excess - 14) / 30, 0, 1)
        lit = np.minimum(1, (lab[:, :, :1] + _BLACK) / (mean[0] + _BLACK))  # shadows keep their relative darkness
        change = np.empty_like(lab)
        change[:, :, :1] = light * np.minimum(1, lab[:, :, :1] / max(mean[0], 1.0)) * (1 - 0.7 * shine) + shining * np.maximum(
            excess - 3, 0
        ) * (1 - shine)
        toned = (full * lit * target[1:] + 0.5 * (lab[:, :, 1:] - mean[1:])) * (1 - 0.5 * shine)
        change[:, :, 1:] = toned - lab[:, :, 1:]
        lab += change * (1 - np.maximum(pale, hair))
        return to_rgb(lab)

    return paint


def blush(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with colour (#rrggbb) on the subject's cheeks, fading softly towards the temples; freckles and pores stay.

    Unchanged if the mouth is covered: a mask covers the cheeks as well and is parsed as skin. Below a strength of 1 men get less.
    """
    view = view_of(photo, subject.window)
    if part_cover(subject, view, "u_lip", "l_lip", "mouth").sum() < _MOUTH_SHARE * part_cover(subject, view, "skin").sum():
        return photo
    unit = face_unit(subject)
    points = subject.landmarks.points if subject.mesh is None else points_68(subject.mesh)
    skin = _skin(view, part_cover(subject, view, "skin", "nose"), unit)
    strength = _suited(strength, _CHEEKS_OF_MEN, photo, subject)
    return add_change(photo, view, _blushing(view, _cheeks(view, points, unit) * skin, unit, color, strength))


def live_blush(frame: Picture, face: LiveFace, strength: float, color: str) -> None:
    """`blush` in a live frame (H, W, 3), in place."""
    unit = face.face.unit_px
    window = window_around(frame, outline(face.mesh, "face_oval"), 0.1 * unit)
    if window is None or face.mouth_visible == 0:
        return
    view = live_view(frame, window, unit, _BLUSH_PX)
    weight = _cheeks(view, points_68(face.mesh), unit) * _skin(view, live_skin(face, view), unit)
    strength = _on_men(strength, _CHEEKS_OF_MEN, face.looks) * face.mouth_visible
    add_in_place(frame, view, _blushing(view, weight, unit, color, strength))


def _blushing(view: View, weight: Field, unit: float, color: str, strength: float) -> Field:
    """The change (h, w, 3) of a view that reddens the cheeks (weights (h, w)): a smooth one, so that the skin's texture stays.

    Its size follows how light the cheeks are, so that it is seen on dark skin and is no rash on fair skin.
    """
    if weight.sum() < 1e-3:
        return np.zeros_like(view.picture)
    target = lab_of_color(color)
    sigma = _BLUSH_SMOOTH * unit * view.scale
    share = wide_blur(weight, sigma) + np.float32(1e-4)
    smooth = wide_blur(view.picture * weight[:, :, None], sigma) / share[:, :, None]
    low = rgb_to_lab(np.clip(smooth, 0, 1))
    mean = weighted_mean(low, weight)
    apart = np.minimum(target[1:] - mean[1:], (np.inf, _YELLOWER))
    far = max(float(np.hypot(*apart)), 1e-3)
    size = np.interp(mean[0], *_BLUSH) * (1 - 0.5 * float(smoothstep(mean[1:2], *_FLUSHED)[0]))
    toned = apart * np.float32(min(0.45, size / far))
    darker = np.float32(np.clip(0.14 * (target[0] - mean[0]), -4.5, 0.0))
    lit = np.clip((low[:, :, :1] + _BLACK) / (mean[0] + _BLACK), 0, 1.05) * np.float32(min(1.0, float(mean[0]) / 18))
    amount = weight[:, :, None] * np.float32(strength) * lit
    return np.asarray(to_rgb(low + amount * np.array([darker, *toned], dtype=np.float32)) - to_rgb(low), dtype=np.float32)


def _cheeks(view: View, points: np.ndarray, unit: float) -> Field:
    """(h, w): a soft spot on each cheek, from the 68 points in the photo."""
    points = view.to_view(points)
    cheeks = np.zeros(view.shape, dtype=np.float32)
    # outer corner of the eye, wing of the nose, corner of the mouth, jaw next to the ear
    for eye, wing, corner, jaw in ((36, 31, 48, 2), (45, 35, 54, 14)):
        middle = 0.40 * points[eye] + 0.12 * points[wing] + 0.16 * points[corner] + 0.32 * points[jaw]
        middle = middle + 0.10 * (points[corner] - points[eye])
        along = points[jaw] * 0.35 + points[eye] * 0.65 - points[wing]
        wide = float(np.linalg.norm(points[jaw] - points[wing]))
        cheeks = np.maximum(cheeks, _soft_ellipse(view, middle, along, 0.44 * wide, 0.2 * unit * view.scale))
    return cheeks


def eye_shadow(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with colour (#rrggbb) on the subject's upper lids: full at the lashes, fading towards the brow.

    None on lids behind glasses. Up to a strength of 1.3 a man's lids get less: on bare lids it soon looks like a bruise.
    """
    view = view_of(photo, subject.window)
    unit = face_unit(subject)
    eyes = part_cover(subject, view, "l_eye", "r_eye", "l_brow", "r_brow", "eye_g")
    skin = part_cover(subject, view, "skin", "nose")
    weight = _shadowed(view, subject.landmarks.points, unit, skin, eyes, part_cover(subject, view, "eye_g"))
    if not weight.any():
        return photo
    strength = _suited(strength, _LIDS_OF_MEN, photo, subject)
    return blend(
        photo, view, weight * np.float32(_SHADOW * strength), _tint(view, weight, color, 0.7, _brightness(photo[subject.window]))
    )


def _suited(strength: float, men: tuple[float, float], photo: Picture, subject: Subject) -> float:
    """`_on_men` for a photo; nobody is looked at where it makes no difference."""
    return strength if strength >= men[1] else _on_men(strength, men, subject.looks or _looks_of(photo, subject))


def _on_men(strength: float, men: tuple[float, float], looks: SexAge | None) -> float:
    """The strength of a colour on a face that looks so: less on men (a share, and the strength from which on it is all), so that
    presets suit them, while those who ask for the colour get it."""
    man = 0.0 if looks is None else float(smoothstep(np.array(looks.male_score), 0.6, 0.95))
    share, full_from = men
    return strength * (1 - (1 - share) * man * (1 - float(smoothstep(np.array(strength), full_from - 0.15, full_from))))


def _looks_of(photo: Picture, subject: Subject) -> SexAge | None:
    """How male a face looks; None where nothing can tell."""
    if subject.mesh is None or not is_transform_usable():
        return None
    model = load_transform()
    reading = read_face(photo, subject, model.template, 0.5)
    return None if reading is None else model.judged(reading)


def live_eye_shadow(frame: Picture, face: LiveFace, strength: float, color: str) -> None:
    """`eye_shadow` in a live frame (H, W, 3), in place."""
    unit = face.face.unit_px
    points = points_68(face.mesh)
    window = window_around(frame, points[[*range(17, 27), *range(36, 48)]], 0.2 * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _LIDS_PX)
    if face.shares:
        eyes = sharpened(share_in(face, view, "l_eye", "r_eye", "l_brow", "r_brow", "eye_g"))
        glasses = share_in(face, view, "eye_g")
    else:
        eyes = inside(face, view, "left_eye", "right_eye", "left_brow", "right_brow")
        glasses = np.zeros_like(eyes)
    weight = _shadowed(view, points, unit, sharpened(live_skin(face, view)), eyes, glasses)
    strength = _on_men(strength, _LIDS_OF_MEN, face.looks)
    around = _brightness(frame[face.window(frame)])
    repaint(frame, view, weight * np.float32(_SHADOW * strength), _tint(view, weight, color, 0.7, around))


def _shadowed(view: View, points: np.ndarray, unit: float, skin: Field, eyes: Field, glasses: Field) -> Field:
    """(h, w): both upper lids, from the 68 points in the photo, on the skin and off the eyes and brows; none behind glasses."""
    points = view.to_view(points)
    lids = np.zeros(view.shape, dtype=np.float32)
    for rim, brow in (((36, 37, 38, 39), (17, 18, 19, 20, 21)), ((45, 44, 43, 42), (26, 25, 24, 23, 22))):
        lid = _lid(view, points[list(rim)], points[list(brow)], unit * view.scale)
        behind = float((lid * glasses).sum()) / max(float(lid.sum()), 1e-3)
        lids = np.maximum(lids, lid * (1 - smoothstep(np.array(behind), *_BEHIND_GLASSES)))
    soft_eyes, soft_skin = feather(eyes, view, 0.01 * unit), feather(skin, view, 0.015 * unit)
    return np.asarray(lids * np.clip(soft_skin * 1.4, 0, 1) * (1 - np.clip(1.5 * soft_eyes, 0, 1)), dtype=np.float32)


def _lid(view: View, rim: np.ndarray, brow: np.ndarray, unit: float) -> Field:
    """(h, w): 1 along the upper rim of an eye (4 points from the outer corner), falling to 0 below the brow (5 points)."""
    up = brow.mean(axis=0) - rim.mean(axis=0)
    height = float(np.linalg.norm(up))
    if height < 1e-3:
        return np.zeros(view.shape, dtype=np.float32)
    outer = rim[0] + 0.30 * (rim[0] - rim[3]) + 0.28 * up
    inner = rim[3] + 0.05 * (rim[3] - rim[0])
    top = [inner + 0.4 * up, rim[2] + 0.7 * up, rim[1] + 0.78 * up, rim[0] + 0.75 * up + 0.15 * (rim[0] - rim[3])]
    shape = np.zeros(view.shape, dtype=np.float32)
    outline = np.array([outer, rim[0] - 0.04 * up, rim[1] - 0.1 * up, rim[2] - 0.1 * up, inner, *top])
    cv2.fillPoly(shape, [np.rint(outline * 16).astype(np.int32)], 1.0, lineType=cv2.LINE_AA, shift=4)
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    above = ((x - rim[:, 0].mean()) * up[0] + (y - rim[:, 1].mean()) * up[1]) / height**2
    fall = 1 - 0.9 * smoothstep(above, 0.15, 0.8)
    sigma = max(0.5, 0.045 * unit)
    return np.asarray(cv2.GaussianBlur(shape * fall, (0, 0), sigma), dtype=np.float32)


def _soft_ellipse(view: View, middle: np.ndarray, along: np.ndarray, length: float, breadth: float) -> Field:
    """(h, w): a bump of height 1 at `middle`, 0 from 2.2 times `length` along a direction and `breadth` across it."""
    length, breadth = max(length, 0.5), max(breadth, 0.5)
    along = along / max(float(np.linalg.norm(along)), 1e-6)
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    x, y = x - np.float32(middle[0]), y - np.float32(middle[1])
    far = ((x * along[0] + y * along[1]) / length) ** 2 + ((y * along[0] - x * along[1]) / breadth) ** 2
    return np.asarray(np.exp(-0.9 * far) * (1 - smoothstep(far, 3.0, 4.8)), dtype=np.float32)


def _skin(view: View, skin: Field, unit: float) -> Field:
    """(h, w): the skin, with soft edges that keep off eyes, lips and hair."""
    return np.asarray(feather(dilate(skin, view, -0.05 * unit), view, 0.05 * unit) * skin, dtype=np.float32)


def _tint(view: View, weight: Field, color: str, light: float, around: float) -> Paint:
    """A paint function towards a colour: its full hue, a share of its lightness; the skin's own variation stays.

    It is about as visible on all skin; `around` is the light around (`_brightness`).
    """
    target = lab_of_color(color)
    mean = weighted_mean(rgb_to_lab(view.picture), weight + np.float32(1e-6))
    bright = float(smoothstep(np.array(around), *_BRIGHT))  # dark lids may be lids in dim light
    shimmer = bright * float(np.clip(0.6 * (target[0] - mean[0]), 0, 10))  # on darker skin
    shaded = max(float(target[0] - bright * max(target[0] - mean[0], 0.0)), 1.0)
    darker = light * min(0.0, float(target[0] - mean[0]) * float(mean[0] > 1))
    toned = (target[1:] - mean[1:]).astype(np.float32)
    toned = np.where(toned < 0, np.float32(np.interp(np.hypot(*target[1:]), *_COLDER)) * toned, toned)  # or lids look bruised
    far = max(float(np.linalg.norm([darker + shimmer, *toned])), 1.0)
    by = np.float32(np.clip(np.clip(far, *_APPARENT) / far, 0.6, 1 + bright))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        lit = np.clip(lab[:, :, :1] / np.float32(shaded), 0, 1)  # less colour in shadows, or they would glow
        lab[:, :, 0] *= 1 + by * np.float32(darker / max(float(mean[0]), 1.0))
        lab[:, :, 0] += by * np.float32(shimmer) * lit[:, :, 0]
        lab[:, :, 1:] += by * lit * toned
        return to_rgb(lab)

    return paint
