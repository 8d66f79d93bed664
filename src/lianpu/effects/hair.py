"""Hair colour: a lightness-to-colour table for the hair of one face, and its application through a hair matte; live: `live_hair`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.effects.face_masks import crop_fade, face_unit, part_cover
from lianpu.faces.results import Subject
from lianpu.imaging.color import lab_of_color, rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, View, bands, blend, touched_window, upsample, view_of
from lianpu.imaging.masks import apply_coefficients, dilate, feather, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture

_MIDDLE = (5.5, 23.1, 47.8, 55.5, 85.0)

_BELOW = (4.2, 17.1, 25.2, 31.5, 36.0)

_ABOVE = (19.7, 29.2, 24.5, 21.7, 10.0)
"""Lightness spread of real hair: distance of the 5th and 95th percentile below and above the median (L of CIE Lab).

Medians of the black, brown, grey and blond hair of 206 faces of CelebAMask-HQ; the last column is extrapolated.
"""

_STEEPEST = 2.6
"""Largest slope of the lightness curve: a steeper one would amplify the photo's noise visibly."""

_STEPS = 1001


@dataclass(frozen=True, eq=False)
class HairTone:
    """How a colour maps the lightness of hair.

    Args:
        table: (1001, 4), for each lightness from 0 to 100: new L, offsets of a and b, and the share of the old a and b that remains.
        middle: the old lightness that gets the target colour.
        depth: by how much more L falls for each L of a large shadow below the middle. Single strands are not darkened that much: it
            would show the noise of dark photos.
    """

    table: Field
    middle: float
    depth: float

    def at(self, light: Field) -> Field:
        """Rows of the table (n, m, 4) at lightnesses (n, m)."""
        places = np.clip(np.rint(light * ((_STEPS - 1) / 100)), 0, _STEPS - 1).astype(np.int32)
        return np.asarray(self.table[places], dtype=np.float32)


def hair_tone(hair: Field, target: Field) -> HairTone:
    """The tone mapping that gives hair a colour.

    Args:
        hair: Lab (n, 3) of the present hair.
        target: Lab (3,) for its median.
    """
    low, median, high = np.percentile(hair[:, 0], (5, 50, 95)).tolist()
    return tone_between((low, median, high), hair[:, 1:].mean(axis=0), target)


def tone_between(percentiles: tuple[float, float, float], mean: np.ndarray, target: Field) -> HairTone:
    """`hair_tone` from the 5th, 50th and 95th percentile of the present hair's lightness, and its mean a and b."""
    old = np.arange(_STEPS, dtype=np.float64) * (100 / (_STEPS - 1))
    light, middle, depth = _lightness(old, percentiles, float(target[0]))
    chroma = float(np.hypot(target[1], target[2])) * np.minimum(_fullness(light) / _fullness(np.maximum(target[0], 1.0)), 1.5)
    hue = np.arctan2(target[2], target[1]) - _warmth(target) * np.clip((target[0] - light) / 30, -1, 1)
    kept = 0.35 * np.clip((old + 8) / (light + 8), 0.3, 1)  # the tones of dark pixels are mostly noise
    tone = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], axis=1) - kept[:, None] * mean
    return HairTone(np.column_stack([light, tone, kept]).astype(np.float32), middle, depth)


def _lightness(old: np.ndarray, percentiles: tuple[float, float, float], target: float) -> tuple[np.ndarray, float, float]:
    """New lightness for each old one, by a smooth monotonic curve; and `middle` and `depth` of `HairTone`.

    Hair of low contrast keeps low contrast: it is scaled by the usual contrast before and after.
    """
    low, middle, high = np.clip(percentiles, 0.5, 99.5)
    low, high = min(low, middle - 0.4), max(high, middle + 0.4)
    below = np.interp(target, _MIDDLE, _BELOW) * _even((middle - low) / np.interp(middle, _MIDDLE, _BELOW))
    above = np.interp(target, _MIDDLE, _ABOVE) * _even((high - middle) / np.interp(middle, _MIDDLE, _ABOVE))
    usual = min(below, 0.75 * target)
    below, above = min(usual, _STEEPEST * (middle - low)), min(above, _STEEPEST * (high - middle))
    places = [-1.0, low, middle, high, 101.0]
    values = [target - below, target, min(target + above, 97.0)]
    first = max(0.0, values[0] - min(_STEEPEST, below / (middle - low)) * (low + 1))
    last = min(100.0, values[2] + (101 - high))
    from scipy.interpolate import PchipInterpolator  # the import takes a third of a second, which only this effect needs

    curve = PchipInterpolator(places, [min(first, values[0]), *values, max(last, values[2])])
    return np.clip(curve(old), 0, 100), float(middle), float((usual - below) / (middle - low))


def _even(ratio: float) -> float:
    return float(np.clip(np.sqrt(ratio), 0.5, 1.4))


def _fullness(light: np.ndarray) -> np.ndarray:
    """Relative chroma of hair at a lightness: low in deep shadow and in highlights."""
    return (np.clip(light, 0.01, 50) / 50) ** 0.45 * np.clip((102 - light) / 45, 0, 1) ** 0.6


def _warmth(target: Field) -> float:
    """Hue shift of the shadows towards red, in radians: for blond and brown hair, none for blue and green."""
    hue = np.degrees(np.arctan2(target[2], target[1]))
    return float(np.radians(9) * smoothstep(hue, 30, 60) * (1 - smoothstep(hue, 90, 110)))


Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, eq=False)
class HairPaint:
    """A prepared hair colouring of one face, for any strength (`plan_hair`).

    Args:
        view: of the subject's window.
        share: (h, w) over the view: where the colouring applies; 0 away from hair.
        fields: (h, w, 7): guided filter coefficients of the hair matte (4), local hair lightness, distance inside, and shade.
        tone: the tone mapping.
    """

    view: View
    share: Field
    fields: Field
    tone: HairTone

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the hair coloured."""

        def paint(pixels: Field, rows: slice, columns: slice) -> Field:
            here = upsample(self.fields, self.view.window, rows, columns)
            matte = _matte(here, pixels)
            new = recolored(pixels, self.tone, matte, here[:, :, 4], here[:, :, 5], here[:, :, 6])
            np.copyto(new, pixels, where=matte[:, :, None] == 0)  # the Lab round trip is not exact for every colour
            return new

        return blend(photo, self.view, self.share * np.float32(strength), paint)

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""
        rows, columns = self.view.window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=np.uint8)
        reached = touched_window(self.view, self.share)
        for part in bands(reached) if reached is not None else ():
            inner = reached[1] if reached is not None else columns
            pixels = photo[part, inner].astype(np.float32) / np.float32(255)
            matte = _matte(upsample(self.fields, self.view.window, part, inner), pixels)
            share = np.clip(matte * upsample(self.share, self.view.window, part, inner), 0, 1)
            place = (
                slice(part.start - rows.start, part.stop - rows.start),
                slice(inner.start - columns.start, inner.stop - columns.start),
            )
            mask[place] = np.ceil(255 * share).astype(np.uint8)
        return mask


def recolored(pixels: Field, tone: HairTone, matte: Field, around: Field, inside: Field, shade: Field) -> Field:
    """Pixels (n, m, 3), 0 to 1, recoloured; a share of their own colour variation remains.

    At the hair's edge skin and background show through and are no highlights of the hair: such a pixel gets the new colour of the hair
    around it, by the matte's share, clipped to the range between that and its old colour.

    Args:
        pixels: the pixels to recolour.
        tone: of `hair_tone`.
        matte: (n, m), 0 to 1: hair's alpha matte.
        around: (n, m): mean lightness of the hair nearby.
        inside: (n, m): 0 at the hair's edge, 1 well inside.
        shade: (n, m): lightness to subtract where hair lies in a large shadow.
    """
    lab = rgb_to_lab(pixels)
    light = around + np.maximum(inside, lab[:, :, 0] < around) * (lab[:, :, 0] - around)
    found = tone.at(light)
    found[:, :, 1:3] *= ((found[:, :, 0] - shade + 12) / (found[:, :, 0] + 12)).clip(0.2, 1)[:, :, None]
    found[:, :, 0] -= shade
    nearby = tone.at(around)[:, :, 0] - shade
    free = np.float32(60) * inside
    low, high = np.minimum(nearby, lab[:, :, 0]) - free - 25, np.maximum(nearby, lab[:, :, 0]) + free
    lab[:, :, 0] = np.clip(lab[:, :, 0] + matte * (found[:, :, 0] - light), low, high)
    lab[:, :, 1:] += matte[:, :, None] * (found[:, :, 1:3] + (found[:, :, 3:] - 1) * lab[:, :, 1:])
    return to_rgb(lab)


def _matte(fields: Field, pixels: Field) -> Field:
    """The alpha matte of hair (n, m), 0 to 1, for pixels (n, m, 3)."""
    return smoothstep(apply_coefficients(fields[:, :, :4], pixels), 0.12, 0.9)


EDGE_SHARE = 0.11
"""Half width of the band around the parsed hair border in which the matte is refined, as a share of the face's unit."""

SHADOW_SHARE, DEEPEST, DARKEST = 0.4, 30.0, 0.35
"""Reach of large shadows in units of the face, the most lightness that they take away, and the least share of light that hair has in them."""

MIXED, LEAST = 0.6, np.float32(0.03)
"""Width of the mixed edge as a share of that band, and the weight of edge pixels where hair has no inside."""


def hair_color(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour (#rrggbb); highlights, shadows and strands stay."""
    plan = plan_hair(photo, subject, lab_of_color(color))
    return photo if plan is None else plan.put(photo, strength)


def plan_hair(photo: Picture, subject: Subject, target: Field) -> HairPaint | None:
    """The colouring that gives the median of the subject's hair the colour `target`, Lab (3,); None without visible hair."""
    subject = subject.wide()
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return None
    reach = EDGE_SHARE * face_unit(subject)
    near = smoothstep(feather(dilate(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guided_filter_coefficients(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    lab = rgb_to_lab(view.picture)
    tone = hair_tone(lab[core >= min(0.7, float(core.max()))], target)
    # pixels at the hair's edge are mixed with lighter skin and would make it glow: the lightness comes from farther inside
    own = dilate(core, view, -MIXED * reach) + LEAST * core
    around = light_around(lab[:, :, 0], own, max(1.0, reach * view.scale))
    inside = feather(dilate(core, view, -0.5 * reach), view, 0.3 * reach)
    wide = light_around(lab[:, :, 0], core, max(1.0, SHADOW_SHARE * face_unit(subject) * view.scale))
    shade = np.minimum(tone.depth * np.maximum(tone.middle - wide, 0), DEEPEST)
    lighter = np.maximum(tone.at(around)[:, :, 0] - shade - around, 0)
    shade = shade + lighter * (1 - _light_on_skin(subject, view, lab[:, :, 0]))
    return HairPaint(view, share, np.dstack([weights, around, inside, shade]).astype(np.float32), tone)


def _light_on_skin(subject: Subject, view: View, light: Field) -> Field:
    """(h, w), `DARKEST` to 1: light on the skin nearest to each pixel relative to the well-lit parts of the face.

    Hair next to a shadowed cheek lies in that shadow as well, however dark the hair was before.
    """
    skin = part_cover(subject, view, "skin", "nose")
    if skin.sum() < 16:
        return np.ones(view.shape, dtype=np.float32)
    lit = float(np.percentile(light[skin > 0.5], 45)) if (skin > 0.5).any() else 100.0
    beside = light_around(light, skin, max(1.0, SHADOW_SHARE * face_unit(subject) * view.scale))
    found = skin > 0
    nearest = _nearest(beside, found)
    spread = max(1.0, 0.5 * SHADOW_SHARE * face_unit(subject) * view.scale)
    return wide_blur(np.clip(nearest / max(lit, 1.0), DARKEST, 1), spread)


def _nearest(values: Field, known: np.ndarray) -> Field:
    """`values` (h, w) with every unknown pixel replaced by its nearest known one."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    table[labels[known]] = values[known]
    return np.asarray(table[labels], dtype=np.float32)


def light_around(light: Field, core: Field, sigma: float) -> Field:
    """(h, w): mean lightness around each pixel of what `core` (h, w) covers, hair or skin; other pixels are ignored."""
    weight = core * core + np.float32(1e-4)
    total = wide_blur(np.dstack([light * weight, weight]), sigma)
    return np.asarray(total[:, :, 0] / total[:, :, 1], dtype=np.float32)


HAIR_COLORS = frozenset(("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
"""CelebA attributes that concern hair colour only."""

_UNNOTICED, _PLAIN = 2.0, 8.0
"""Colour differences (CIE76): none below the first, a certain change above the second."""

_COUNTED = 0.2
"""Share of the hair that determines the colour."""


def is_hair_color(attributes: Iterable[str]) -> bool:
    """Whether all attributes concern hair colour only."""
    names = set(attributes)
    return bool(names) and names <= HAIR_COLORS


def asked_color(crop: Picture, edited: Picture, weight: Field) -> tuple[Field, float] | None:
    """Median hair colour after the edit, Lab (3,), and the confidence (0 to 1) that the editor changed it; None without hair.

    Only the fifth of the hair that changed most counts: a small editor leaves the rest patchy.

    Args:
        crop: (S, S, 3), the editor's input.
        edited: (S, S, 3), its output.
        weight: (S, S), 0 to 1: coverage of hair.
    """
    hair = weight > 0.5
    if hair.sum() < 4:
        return None
    before, after = (rgb_to_lab(np.asarray(picture, dtype=np.float32) / np.float32(255))[hair] for picture in (crop, edited))
    amount = np.linalg.norm(after - before, axis=1)
    changed = amount >= np.quantile(amount, 1 - _COUNTED)
    target = np.median(after[changed], axis=0)
    apart = float(np.linalg.norm(target - np.median(before[changed], axis=0)))
    return target.astype(np.float32), float(smoothstep(np.array(apart), _UNNOTICED, _PLAIN))
