"""Hair colour: a lightness-to-colour table for the hair of one face, and its application through a hair matte; live: `live_hair`.

The curves are those of real hair: medians over 823 labelled training faces of CelebAMask-HQ and FFHQ (docs/results/log/hair.md). Both
exclude commercial use: under --commercial-safe there are no natural shades (`catalogue.Option.bound`), and picked colours take curves
that were fitted to nothing (`tone_between`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.effects.catalogue import NATURAL, PICKED
from lianpu.effects.face_masks import face_unit, from_the_eyes, part_cover
from lianpu.effects.hair_matte import HairMatte, hair_matte, matte_of, own_color, sure_hair
from lianpu.effects.hair_strands import across_around_head, across_hair, light_around, locks, strands
from lianpu.faces.results import Subject
from lianpu.imaging.color import lab_of_color, rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, View, bands, blend, touched_window, upsample, view_of
from lianpu.imaging.curves import monotone_curve
from lianpu.imaging.masks import dilate, feather, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.models.store.locate import is_commercial_safe

_MIDDLE = (6.2, 21.9, 47.6, 54.6, 85.0)

_SPREAD = (
    (-4.6, -2.9, 7.1, 22.1),
    (-16.9, -9.1, 11.2, 27.8),
    (-22.5, -8.6, 9.2, 21.0),
    (-27.0, -13.0, 11.8, 23.7),
    (-34.0, -14.0, 6.0, 10.0),
)
"""Lightness spread of real hair (L of CIE Lab): the 5th, 25th, 75th and 95th percentile less the median, of hair with the medians above:
black, brown, grey and blond; the last one is extrapolated."""

_PERCENTILES = (5, 25, 50, 75, 95)

_FINE = (1.9, 2.4, 2.8, 2.4, 2.0)
"""Contrast of single strands in the same hair: standard deviation of L below a blur of 1 px, at 384 px a face."""

_LIGHTS = (0.0, 5.0, 15.0, 25.0, 35.0, 45.0, 55.0, 65.0, 75.0, 85.0, 95.0, 100.0)

_CHROMAS = (0.0, 0.29, 0.61, 0.79, 0.91, 0.98, 1.0, 0.94, 0.84, 0.68, 0.5, 0.25)
"""Relative chroma of hair at these lightnesses; black, brown and blond hair have nearly the same curve."""

_VIVID = ((0.0, 0.3, 0.6, 1.0, 1.2), (0.0, 0.26, 0.62, 1.0, 1.08))
"""Relative chroma of hair of a vivid colour at shares of the middle's lightness: dyed hair is nearly black in its shadows."""

_PALER, _SHINE = 0.55, (3.0, 28.0)
"""By how much paler the shine of dyed hair is than its middle, from so much lighter on (L): it shows the light itself."""

_MUTED, _LIT = 0.46, (0.16, 5.0, 0.08)
"""By how much the spread of vivid hair's lights is smaller; and how much darker (share, at most L) and less strong (share) than a picked
vivid colour the middle of the hair is: people take the lit strands for the colour."""

_HUE_TURN = 0.28
"""By how many degrees hue turns from red to yellow for each L, in hair of natural colours."""

_STRANDS_FROM = 14.0
"""The change of L from which on drawn strands have their full contrast."""

_STEEPEST, _STEEPEST_BELOW = 3.2, 4.6
"""Largest slope of the lightness curve above and below the middle: a steeper one would amplify the photo's noise visibly."""

_STEPS = 1001


@dataclass(frozen=True, eq=False)
class HairTone:
    """How a colour maps the lightness of hair.

    Args:
        table: (1001, 4), for each lightness from 0 to 100: new L, offsets of a and b, and the share of the old a and b that remains.
        tint: (1001, 2), a and b of the new hair at each new lightness.
        mean: (2,), mean a and b of the present hair.
        middle: the old lightness that gets the target colour.
        depth: by how much more L falls for each L of a large shadow below the middle. Single strands are not darkened that much: it
            would show the noise of dark photos.
        fine: gain of the contrast of single strands.
    """

    table: Field
    tint: Field
    mean: Field
    middle: float
    depth: float
    fine: float

    def at(self, light: Field) -> Field:
        """Rows of the table (n, m, 4) at lightnesses (n, m)."""
        return np.asarray(self.table[_steps(light)], dtype=np.float32)

    def tint_at(self, light: Field) -> Field:
        """a and b (n, m, 2) of the new hair at new lightnesses (n, m)."""
        return np.asarray(self.tint[_steps(light)], dtype=np.float32)


def _steps(light: Field) -> np.ndarray:
    return np.clip(np.rint(light * ((_STEPS - 1) / 100)), 0, _STEPS - 1).astype(np.int32)


def hair_tone(hair: Field, target: Field) -> HairTone:
    """The tone mapping that gives hair a colour.

    Args:
        hair: Lab (n, 3) of the present hair.
        target: Lab (3,) for its median.
    """
    low, middle, high = np.percentile(hair[:, 0], (5, 50, 95)).tolist()
    return tone_between((low, middle, high), hair[:, 1:].mean(axis=0), target, fitted=not is_commercial_safe())


def tone_between(percentiles: tuple[float, float, float], mean: np.ndarray, target: Field, *, fitted: bool) -> HairTone:
    """`hair_tone` from the 5th, 50th and 95th percentile of the present hair's lightness, and its mean a and b.

    `fitted`: by the curves of real hair. Without, by rules of light alone: a shadow is the same colour in less light, where L + 16, a and
    b fall in proportion; a highlight adds the light that it added before; strands keep their contrast.
    """
    old = np.arange(_STEPS, dtype=np.float64) * (100 / (_STEPS - 1))
    light, middle, depth = _lightness(old, percentiles, float(target[0]), 1 - _MUTED * (1 - _naturalness(target)), fitted)
    tint = _tint(old, target) if fitted else _dimmed(old, target)
    kept = 0.35 * np.clip((old + 8) / (light + 8), 0.3, 1)  # the tones of dark pixels are mostly noise
    places = np.clip(np.rint(light * 10), 0, _STEPS - 1).astype(int)
    offsets = tint[places] - (kept * _dimming(old, middle))[:, None] * mean
    fine = float(np.interp(target[0], _MIDDLE, _FINE) / np.interp(middle, _MIDDLE, _FINE)) if fitted else 1.0
    return HairTone(
        np.column_stack([light, offsets, kept]).astype(np.float32),
        tint.astype(np.float32),
        np.asarray(mean, dtype=np.float32),
        middle,
        depth,
        fine,
    )


def _dimming(light: np.ndarray, middle: float) -> np.ndarray:
    """The share of its chroma that hair of lightness `middle` has in less light, at lightnesses of any shape: none is blue for being dark."""
    return np.minimum((light + 16) / (middle + 16), 1.0)


def _naturalness(target: Field) -> float:
    """0 for a vivid colour, Lab (3,), to 1 for one that hair has by nature."""
    chroma, hue = float(np.hypot(target[1], target[2])), np.degrees(np.arctan2(target[2], target[1]))
    if chroma < 8:
        return 1.0
    return float((1 - smoothstep(np.array(chroma), 30, 42)) * smoothstep(hue, 20, 40) * (1 - smoothstep(hue, 90, 110)))


def _lightness(
    old: np.ndarray, percentiles: tuple[float, float, float], target: float, shine: float, fitted: bool
) -> tuple[np.ndarray, float, float]:
    """New lightness for each old one, by a smooth monotonic curve; and `middle` and `depth` of `HairTone`.

    Hair of low contrast keeps low contrast: the usual spread is scaled by the present one over the usual one of such hair. That above
    the middle is scaled by `shine`: a vivid colour would be another one in highlights.
    """
    low, middle, high = np.clip(percentiles, 0.5, 99.5)
    low, high = min(low, middle - 0.4), max(high, middle + 0.4)
    if fitted:
        usual, wanted = (
            np.array([np.interp(at, _MIDDLE, column) for column in zip(*_SPREAD, strict=True)]) for at in (middle, target)
        )
        below, above = -wanted[0] * _even((middle - low) / -usual[0]), shine * wanted[3] * _even((high - middle) / usual[3])
    else:
        below, above = (target + 16) * (middle - low) / (middle + 16), shine * (high - middle)
    usual_below = min(below, 0.8 * target)
    below, above = min(usual_below, _STEEPEST_BELOW * (middle - low)), min(above, _STEEPEST * (high - middle))
    places = [-1.0, low, middle, high, 101.0]
    values = [target - below, target, min(target + above, 96.0)]
    first = max(0.0, values[0] - min(_STEEPEST_BELOW, below / (middle - low)) * (low + 1))
    last = min(100.0, values[2] + 0.8 * (101 - high))
    curve = monotone_curve(places, [min(first, values[0]), *values, max(last, values[2])], old)
    return np.clip(curve, 0, 100), float(middle), float((usual_below - below) / (middle - low))


def _even(ratio: float) -> float:
    return float(np.clip(np.sqrt(ratio), 0.5, 1.4))


def _tint(light: np.ndarray, target: Field) -> np.ndarray:
    """a and b (n, 2) of hair of a target colour, Lab (3,), at lightnesses (n,).

    Natural colours follow real hair. Vivid ones keep their hue, and are nowhere stronger than asked for.
    """
    chroma, hue = float(np.hypot(target[1], target[2])), np.degrees(np.arctan2(target[2], target[1]))
    natural = _naturalness(target)
    relative = np.interp(light, _LIGHTS, _CHROMAS) / np.interp(max(float(target[0]), 3.0), _LIGHTS, _CHROMAS)
    vivid = np.interp(light / max(float(target[0]), 3.0), *_VIVID)
    vivid *= 1 - _PALER * smoothstep(light - float(target[0]), *_SHINE)
    chromas = chroma * (natural * np.minimum(relative, 2.0) + (1 - natural) * vivid)
    hues = np.radians(hue + natural * np.clip(_HUE_TURN * (light - float(target[0])), -18, 14))
    return np.stack([chromas * np.cos(hues), chromas * np.sin(hues)], axis=1)


def _dimmed(light: np.ndarray, target: Field) -> np.ndarray:
    """`_tint` by rules of light alone: below the target's lightness the same colour in less light, above it no more of it."""
    share = np.minimum((light + 16) / (float(target[0]) + 16), 1.0)
    return np.asarray(share[:, None] * np.asarray(target[1:], dtype=np.float64))


_NEXT = {
    "black": ("brown", "blond", "gray"),
    "brown": ("black", "blond", "gray"),
    "blond": ("brown", "gray", "black"),
    "gray": ("brown", "blond", "black"),
}
"""The colours that hair gets which shall not have its own: the first of them that it may have."""

_SHADE_TONE = {"black": (2.6, 50.0), "brown": (14.5, 58.0), "blond": (24.0, 70.0), "gray": (5.0, 72.0)}
"""Chroma and hue in degrees of natural hair of median lightness."""

_PALE = ((5.0, 10.0, 16.0, 20.0, 25.0, 39.0), (0.3, 0.55, 0.7, 0.93, 1.0, 1.18))
"""Chroma of skin, and of hair relative to its usual one: that of real blond hair beside such skin."""

_LOOKS = {"black": (2.66, 0.45, 0.41), "brown": (4.53, 1.75, 2.48), "blond": (7.40, 0.93, 2.84), "gray": (6.98, 0.45, 0.97)}

_LOOKS_SPREAD = np.array([[1.24, -0.02, 0.04], [-0.02, 0.73, 0.40], [0.04, 0.40, 1.55]])
"""Means and common covariance of square root of L, 10 a / (L + 16) and 10 b / (L + 16) of hair of these colours."""

_FAR = (7.0, 14.0)
"""Squared Mahalanobis distances from which on hair is less likely of a colour, and of none: dyed blue, say."""

_HAS = (0.72, 0.92)
"""Chances of having a colour already from which on less is done, and nothing."""


@dataclass(frozen=True)
class SkinLook:
    """What the skin beside hair tells of a photo's light and colours.

    Args:
        light: L (CIE Lab) of the well-lit skin.
        chroma: of its median a and b; low in photos whose colours are pale.
    """

    light: float
    chroma: float


USUAL_SKIN = SkinLook(66.0, 24.0)
"""The skin in usual photos."""


def shade_target(shade: str, color: str, own: Field, skin: SkinLook) -> tuple[Field, float]:
    """Lab (3,) for the median of hair, and how far it shall be changed, 0 to 1.

    Args:
        shade: of `catalogue.HAIR_SHADES`, or several that it shall not have, joined by +.
        color: #rrggbb, the colour of the shade `PICKED`.
        own: Lab (3,), the median of the present hair.
        skin: the skin in the same photo.
    """
    if shade == PICKED:
        return picked_target(color), 1.0
    wanted = still_wanted(shade, own)
    if shade in NATURAL:
        return natural_target(shade, own, skin), wanted
    shed = _shed(shade)
    chances = hair_chances(own)
    likeliest = max(shed, key=lambda name: chances[name])
    allowed = next(name for name in _NEXT[likeliest] if name not in shed)
    return natural_target(allowed, own, skin), wanted


def still_wanted(shade: str, own: Field) -> float:
    """How far hair of the median Lab `own` (3,) is to be changed for a shade, 0 to 1: nothing where it surely has that colour already, or has
    none of those that it shall lose. `shade` is one of `NATURAL`, or several that it shall not have (`not_black+not_blond`)."""
    chances = hair_chances(own)
    if shade in NATURAL:
        return 1 - float(smoothstep(np.array(chances[shade]), *_HAS))
    has = min(1.0, sum(chances[name] for name in _shed(shade)))
    return float(smoothstep(np.array(has), 1 - _HAS[1], 1 - _HAS[0]))


def _shed(shade: str) -> list[str]:
    return [name.removeprefix("not_") for name in shade.split("+")]


def wanted_of_hair(photo: Picture, subject: Subject, shade: str) -> float:
    """`still_wanted` of a subject's hair by a glance; 1 where it cannot be told: no hair is seen, or the colours of real hair may not be used."""
    glance = None if is_commercial_safe() else glanced_hair(photo, subject)
    return 1.0 if glance is None else still_wanted(shade, glance[0])


def glanced_hair(photo: Picture, subject: Subject) -> tuple[Field, SkinLook] | None:
    """The median Lab (3,) of the pixels that the parser takes for hair, over a small view, and the skin beside it; None where there is none.

    A matte tells the colour better, and takes half a second of a large photo. The two medians were at most 0.06 in chroma over L + 16 and 8.4
    in L apart in 45 faces.
    """
    subject = subject.wide()
    view = view_of(photo, subject.window, _GLANCE_PX)
    seen = view.picture[part_cover(subject, view, "hair") > 0.7]
    if not len(seen):
        return None
    return np.median(rgb_to_lab(seen[None])[0], axis=0).astype(np.float32), skin_look(subject, view)


_GLANCE_PX = 256


def picked_target(color: str) -> Field:
    """Lab (3,) for the median of hair that people say has the colour #rrggbb: of a vivid one, its lit strands have it."""
    picked = lab_of_color(color)
    darker, most, paler = _LIT
    vivid = 1 - _naturalness(picked)
    rest = 1 - vivid * paler
    return np.array((picked[0] - vivid * min(darker * float(picked[0]), most), *(rest * picked[1:])), dtype=np.float32)


def natural_target(shade: str, own: Field, skin: SkinLook) -> Field:
    """Lab (3,) of a natural colour (`NATURAL`) for hair of the median `own` beside skin that looks like `skin`.

    It stays within what such hair has in photos: dim light makes it darker, pale colours make it paler, and dark hair becomes a dark blond.
    """
    lit = skin.light - USUAL_SKIN.light
    before = float(own[0])
    light = {
        "black": 4.8 + 0.06 * before,
        "brown": np.clip(21.0 + 0.2 * lit + 0.08 * (before - 30), 14, 27),
        "blond": np.clip(56.0 + 0.3 * lit + 0.15 * (before - 20), 46, 64),
        "gray": np.clip(50.0 + 0.35 * lit + 0.25 * (before - 25), 32, 66),
    }[shade]
    chroma, hue = _SHADE_TONE[shade]
    chroma *= float(np.interp(skin.chroma, *_PALE)) ** (1.0 if shade == "blond" else 0.4)  # the deeper, the less it depends
    angle = np.radians(hue)
    return np.array((light, chroma * np.cos(angle), chroma * np.sin(angle)), dtype=np.float32)


def hair_chances(own: Field) -> dict[str, float]:
    """The chance, 0 to 1, that hair of the median Lab `own` (3,) is called by each of `NATURAL` (linear discriminant analysis).

    80 % of 823 labelled faces get their label so; brown is the hardest to tell.
    """
    seen = np.array((np.sqrt(max(float(own[0]), 0.0)), *(10 * own[1:] / (float(own[0]) + 16))), dtype=np.float64)
    inverse = np.linalg.inv(_LOOKS_SPREAD)
    far = np.array([(seen - mean) @ inverse @ (seen - mean) for mean in np.array([_LOOKS[name] for name in NATURAL])])
    shares = np.exp((far.min() - far) / 2)
    return dict(zip(NATURAL, (shares / shares.sum() * (1 - smoothstep(far, *_FAR))).tolist(), strict=True))


Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, eq=False)
class HairPaint:
    """A prepared hair colouring of one face, for any strength (`plan_hair`).

    Args:
        matte: of the hair.
        lights: (h, w, 2) over the matte's view: the hair's own lightness without single strands, and its new one.
        tone: the tone mapping.
    """

    matte: HairMatte
    lights: Field
    tone: HairTone

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the hair coloured."""
        fields = np.dstack([self.matte.fields, self.lights])

        def paint(pixels: Field, rows: slice, columns: slice) -> Field:
            here = upsample(fields, self.matte.view.window, rows, columns)
            alpha = matte_of(here, pixels)
            return recolored(pixels, self.tone, alpha, here[:, :, 5:12], here[:, :, 13], here[:, :, 14], here[:, :, 12])

        return blend(photo, self.matte.view, (self.matte.fields[:, :, 4] > 0) * np.float32(strength), paint)

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""
        view, limit = self.matte.view, self.matte.fields[:, :, 4]
        rows, columns = view.window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        reached = touched_window(view, limit)
        for part in bands(reached) if reached is not None else ():
            inner = reached[1] if reached is not None else columns
            alpha = self.matte.alpha(photo[part, inner].astype(np.float32) / np.float32(255), part, inner)
            place = (
                slice(part.start - rows.start, part.stop - rows.start),
                slice(inner.start - columns.start, inner.stop - columns.start),
            )
            mask[place] = np.ceil(255 * alpha).astype(np.uint8)
        return mask


def recolored(pixels: Field, tone: HairTone, alpha: Field, sides: Field, soft: Field, new: Field, most: Field) -> Field:
    """Pixels (n, m, 3), 0 to 1, recoloured: the hair's own colour in each is changed, and the ground that shows through stays.

    Args:
        pixels: the pixels to recolour.
        tone: of `hair_tone`.
        alpha: (n, m), 0 to 1: hair's alpha matte.
        sides: (n, m, 7): colours of hair and of ground nearby, and how far a pixel is surely hair.
        soft: (n, m): the hair's lightness without single strands.
        new: (n, m): what that becomes.
        most: (n, m), 0 to 1: the most of a pixel that is hair afterwards; the ground replaces the rest.
    """
    inside = np.flatnonzero(alpha > 0)
    if not len(inside):
        return pixels
    share = alpha.reshape(-1)[inside][None]
    here = pixels.reshape(-1, 3)[inside][None]
    around = sides.reshape(-1, 7)[inside][None]
    own = own_color(here, share, around[:, :, :6], around[:, :, 6])
    lab = rgb_to_lab(own)
    soft, new = soft.reshape(-1)[inside][None], new.reshape(-1)[inside][None]
    fine = lab[:, :, 0] - soft
    fine = np.where(
        fine < 0, np.maximum(fine, -0.85 * soft) * np.minimum(1.5, np.maximum(1, new / np.maximum(soft, 4) / 2)), fine
    )
    light = new + tone.fine * fine
    light = np.where(light > 82, 82 + 0.55 * (light - 82), light)
    kept = np.float32(0.35) * np.clip((lab[:, :, 0] + 8) / (light + 8), 0.3, 1)[:, :, None]
    usual = tone.mean * _dimming(lab[:, :, :1], tone.middle).astype(np.float32)
    lab[:, :, 1:] = tone.tint_at(light) + kept * (lab[:, :, 1:] - usual)
    lab[:, :, 0] = np.clip(light, 0, 100)
    left = np.minimum(share, most.reshape(-1)[inside][None])[:, :, None]
    share = share[:, :, None]
    pixels.reshape(-1, 3)[inside] = np.clip(here - share * own + left * to_rgb(lab) + (share - left) * around[:, :, 3:6], 0, 1)[0]
    return pixels


SHADOW_SHARE, DEEPEST, DARKEST = 0.4, 30.0, 0.35
"""Reach of large shadows in units of the face, the most lightness that they take away, and the least share of light that hair has in them."""

MIXED, LEAST = 0.6, np.float32(0.03)
"""Width of the mixed edge as a share of the matte's band (live), and the weight of edge pixels, for hair that has no inside."""

_STRAND = 0.012
"""Width of a single strand in units: what is narrower is not mapped by the curve, only scaled."""

_INNER = 0.035
"""How far inside of what is surely hair its lightness is measured, in units."""

_BLACK, _UNLIT_SHARE, _UNLIT = 8.0, 0.35, 0.28
"""Hair that is darker than its median, or than the first (L), within the second (units), shows no strands: it gets this much less light."""

_UNDER, _UNDER_REACH, _UNDER_FROM, _CRUSHED = 0.25, 0.22, (0.1, 0.9), (7.0, 20.0)
"""Black hair shows no shadows: made lighter, it gets this much less light where it hangs behind cheeks, ears and neck: within so many units of
them, from the first to the second height below the eyes (units), the less the lighter it was (L of its middle)."""

_MOST_KEPT = 0.75
"""The largest share of lightening that shadows do not get."""

_INNER_PARTS = ("skin", "neck", "l_ear", "r_ear", "ear_r", "neck_l")

_EDGE = 0.3
"""Share of lightening that hair's edge beside skin does not get: skin shows between thin dark strands, and light ones are a veil."""

_BROW_PX = 20
"""Pixels of brows at the least, in a view, that tell what grey hair was like before."""

_ROOTS, _ROOT_SHARE = 0.2, 0.22
"""Reach of roots from the skin in units, and the share of lightening that they do not get."""


def hair_color(photo: Picture, subject: Subject, strength: float, color: str, shade: str = PICKED) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour; highlights, shadows and strands stay.

    Args:
        photo: (H, W, 3).
        subject: the face.
        strength: 0 to 1.5.
        color: #rrggbb, of a `shade` that is `PICKED`.
        shade: a natural colour (`catalogue.HAIR_SHADES`), as it looks in the photo's light, or away from one (`not_black`) or from
            whichever of several it has (`not_black+not_blond`). Hair that surely has that colour already, or has not the one that it
            shall lose, stays as it is.
    """
    matte = hair_matte(photo, subject)
    if matte is None:
        return photo
    target, wanted = shade_target(shade, color, hair_median(matte), skin_look(subject.wide(), matte.view))
    return photo if wanted == 0 else paint_hair(matte, subject, target).put(photo, strength * wanted)


def plan_hair(photo: Picture, subject: Subject, target: Field) -> HairPaint | None:
    """The colouring that gives the median of the subject's hair the colour `target`, Lab (3,); None without visible hair."""
    matte = hair_matte(photo, subject)
    return None if matte is None else paint_hair(matte, subject, target)


def paint_hair(matte: HairMatte, subject: Subject, target: Field) -> HairPaint:
    """`plan_hair` of a matte that is there already."""
    subject, view = subject.wide(), matte.view
    unit = face_unit(subject)
    own = own_color(view.picture, matte.matte, matte.fields[:, :, 5:11], matte.fields[:, :, 11])
    lab = rgb_to_lab(own)
    tone = _tone_of(matte, target)
    inner = matte.matte * (
        LEAST + dilate(matte.sure, view, -_INNER * unit)
    )  # at the edge, what is taken for the hair's own colour is a guess
    soft = light_around(lab[:, :, 0], inner, max(0.7, _STRAND * unit * view.scale))
    new = tone.at(soft)[:, :, 0]
    wide = light_around(lab[:, :, 0], inner, max(1.0, SHADOW_SHARE * unit * view.scale))
    shade = np.minimum(tone.depth * np.maximum(tone.middle - wide, 0), DEEPEST)
    lighter = np.maximum(new - shade - soft, 0)
    skin = part_cover(subject, view, "skin", "nose")
    roots = 1 - smoothstep(feather(dilate(skin, view, 0.5 * _ROOTS * unit), view, 0.4 * _ROOTS * unit), 0.0, 1.0)
    middle = min(tone.middle, _BLACK)
    local = light_around(lab[:, :, 0], inner, max(1.0, _UNLIT_SHARE * unit * view.scale))
    unlit = 1 - smoothstep(local, 0.2 * middle, 0.9 * middle)
    _, down = from_the_eyes(subject, view, view.shape)
    body = wide_blur(part_cover(subject, view, *_INNER_PARTS), max(1.0, _UNDER_REACH * unit * view.scale))
    under = smoothstep(body, 0.0, 0.35) * smoothstep(down, *_UNDER_FROM) * (1 - smoothstep(np.array(tone.middle), *_CRUSHED))
    kept = (
        (1 - _light_on_skin(skin, view, unit))
        + (_ROOT_SHARE + _EDGE * (1 - matte.fields[:, :, 11])) * (1 - roots)
        + _UNLIT * unlit
        + _UNDER * under
    )
    kept = np.minimum(kept, _MOST_KEPT)
    new = new - shade - lighter * kept
    unit_px = unit * view.scale
    across = across_hair(lab[:, :, 0], inner, across_around_head(subject, view), unit_px)
    lighter = np.clip((new - soft) / _STRANDS_FROM, -1, 1)
    new = new + locks(new, inner, unit_px)
    new = np.maximum(new + strands(new, matte.matte, across, lighter, subject, view, unit_px), 0)
    return HairPaint(matte, np.dstack([soft, new]).astype(np.float32), tone)


def skin_look(subject: Subject, view: View) -> SkinLook:
    """How the subject's skin looks; as in usual photos where none is seen."""
    return look_of_skin(view, part_cover(subject, view, "skin", "nose"))


def look_of_skin(view: View, cover: Field) -> SkinLook:
    """How skin looks that covers a view by `cover` (h, w), 0 to 1; as in usual photos where there is none."""
    seen = cover > 0.5
    if not seen.any():
        return USUAL_SKIN
    lab = rgb_to_lab(view.picture[seen][None])[0]
    return SkinLook(float(np.percentile(lab[:, 0], 45)), float(np.hypot(*np.median(lab[:, 1:], axis=0))))


def hair_median(matte: HairMatte) -> Field:
    """The median Lab (3,) of what is surely hair."""
    if matte.color is not None:
        return np.array((matte.color.light[1], *matte.color.tone), dtype=np.float32)
    return np.asarray(np.median(sure_hair(matte), axis=0), dtype=np.float32)


def former_color(matte: HairMatte, subject: Subject, skin: SkinLook) -> Field:
    """Lab (3,) that grey hair may have had: brown, as dark as the dark hairs of the brows, which grey last.

    Args:
        matte: of the hair.
        subject: the face.
        skin: the skin in the same photo.
    """
    own = hair_median(matte)
    brown = natural_target("brown", own, skin)
    brows = part_cover(subject.wide(), matte.view, "l_brow", "r_brow") > 0.5
    if brows.sum() < _BROW_PX:
        return brown
    dark = float(np.percentile(rgb_to_lab(matte.view.picture[brows][None])[0, :, 0], 15))
    if dark > 0.8 * float(own[0]):
        return brown
    light = float(np.clip(dark, 9.0, brown[0] + 6))
    tint = np.interp(light, _LIGHTS, _CHROMAS) / np.interp(brown[0], _LIGHTS, _CHROMAS)
    return np.array((light, *(tint * brown[1:])), dtype=np.float32)


def _tone_of(matte: HairMatte, target: Field) -> HairTone:
    """`hair_tone` for what is surely hair in a matte, or for its colour over the frames of a video."""
    if matte.color is None:
        return hair_tone(sure_hair(matte), target)
    return tone_between(matte.color.light, np.array(matte.color.tone), target, fitted=not is_commercial_safe())


def _light_on_skin(skin: Field, view: View, unit: float) -> Field:
    """(h, w), `DARKEST` to 1: light on the skin (h, w) nearest to each pixel relative to the well-lit parts of the face.

    Hair next to a shadowed cheek lies in that shadow as well, however dark the hair was before.
    """
    if skin.sum() < 16:
        return np.ones(view.shape, dtype=np.float32)
    lab = rgb_to_lab(view.picture)
    seen = skin > 0.5
    lit = float(np.percentile(lab[:, :, 0][seen], 45)) if seen.any() else USUAL_SKIN.light
    beside = light_around(lab[:, :, 0], skin, max(1.0, SHADOW_SHARE * unit * view.scale))
    nearest = _nearest(beside, skin > 0)
    spread = max(1.0, 0.5 * SHADOW_SHARE * unit * view.scale)
    return wide_blur(np.clip(nearest / max(lit, 1.0), DARKEST, 1), spread)


def _nearest(values: Field, known: np.ndarray) -> Field:
    """`values` (h, w) with every unknown pixel replaced by its nearest known one."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    table[labels[known]] = values[known]
    return np.asarray(table[labels], dtype=np.float32)


_UNNOTICED, _PLAIN = 2.0, 8.0
"""Colour differences (CIE76): none below the first, a certain change above the second."""

_COUNTED = 0.2
"""Share of the hair that determines the colour."""

_TOWARDS = (0.75, 1.0)
"""What is left of the way to a natural colour after an edit: up to the first the editor means that colour, from the second on another one."""


@dataclass(frozen=True, eq=False)
class AskedColor:
    """What an editor did to hair in its crop.

    Args:
        color: Lab (3,), the median of the fifth of the hair that changed most: a small editor leaves the rest patchy.
        sure: confidence that it changed the hair, 0 to 1.
        step: Lab (3,), by how much the median of all hair changed.
    """

    color: Field
    sure: float
    step: Field


def asked_color(crop: Picture, edited: Picture, weight: Field) -> AskedColor | None:
    """What an editor did to hair that covers `weight` (S, S), 0 to 1, of its input `crop` (S, S, 3); None without hair."""
    hair = weight > 0.5
    if hair.sum() < 4:
        return None
    before, after = (rgb_to_lab(np.asarray(picture, dtype=np.float32) / np.float32(255))[hair] for picture in (crop, edited))
    amount = np.linalg.norm(after - before, axis=1)
    changed = amount >= np.quantile(amount, 1 - _COUNTED)
    color = np.median(after[changed], axis=0)
    apart = float(np.linalg.norm(color - np.median(before[changed], axis=0)))
    step = np.median(after, axis=0) - np.median(before, axis=0)
    return AskedColor(color.astype(np.float32), float(smoothstep(np.array(apart), _UNNOTICED, _PLAIN)), step.astype(np.float32))


def meant_color(shade: str, asked: AskedColor, own: Field, skin: SkinLook) -> tuple[Field, float]:
    """Lab (3,) that an editor means by the natural colour `shade`, and the confidence, 0 to 1, that it changed the hair.

    The colour in a small crop is 5 to 8 L off, black hair above all: what changes most in it are its highlights. So where an editor moves hair towards that
    colour, it is that colour as it looks in the photo (`natural_target`). Anything else, as hair dyed blue, stays as drawn; so does everything under
    --commercial-safe, which has no natural shades.

    Args:
        shade: of `NATURAL`.
        asked: of `asked_color`.
        own: Lab (3,), the median of the present hair.
        skin: the skin in the same photo.
    """
    if is_commercial_safe():
        return asked.color, asked.sure
    natural = natural_target(shade, own, skin)
    left = float(np.linalg.norm(own + asked.step - natural) / max(1.0, float(np.linalg.norm(own - natural))))
    towards = 1 - float(smoothstep(np.array(left), *_TOWARDS))
    return np.asarray(asked.color + towards * (natural - asked.color), dtype=np.float32), max(towards, asked.sure)
