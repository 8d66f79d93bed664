"""What a colour makes of hair: a table over lightness, made for the hair of one face."""

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
"""Lightness of real hair: how far the darkest and the lightest twentieth lie below and above the middle (L of CIE Lab).

Medians of the black, brown, grey and blond hair of 206 faces of CelebAMask-HQ; the last column is drawn on.
"""

_STEEPEST = 2.6
"""A step of lightness is made at most this much larger: beyond it a photo's noise shows."""

_STEPS = 1001


@dataclass(frozen=True, eq=False)
class HairTone:
    """What becomes of hair.

    Args:
        table: (1001, 4), for each lightness from 0 to 100: L, what is added to a and b, and how much of the old a and b stays.
        middle: the lightness that the colour is given to.
        depth: how much L is taken away beside for each L that hair lies in a shadow darker than the middle. Single strands may not be made
            that much darker: it would show the noise of dark photos.
    """

    table: Field
    middle: float
    depth: float

    def at(self, light: Field) -> Field:
        """Rows of the table (n, m, 4) at lightnesses (n, m)."""
        places = np.clip(np.rint(light * ((_STEPS - 1) / 100)), 0, _STEPS - 1).astype(np.int32)
        return np.asarray(self.table[places], dtype=np.float32)


def hair_tone(hair: Field, target: Field) -> HairTone:
    """What a colour makes of hair.

    Args:
        hair: Lab (n, 3) of the hair as it is.
        target: Lab (3,), which its middle shall have.
    """
    old = np.arange(_STEPS, dtype=np.float64) * (100 / (_STEPS - 1))
    light, middle, depth = _lightness(old, np.percentile(hair[:, 0], (5, 50, 95)), float(target[0]))
    chroma = float(np.hypot(target[1], target[2])) * np.minimum(_fullness(light) / _fullness(np.maximum(target[0], 1.0)), 1.5)
    hue = np.arctan2(target[2], target[1]) - _warmth(target) * np.clip((target[0] - light) / 30, -1, 1)
    kept = 0.35 * np.clip((old + 8) / (light + 8), 0.3, 1)  # the tones of dark pixels are mostly noise
    mean = hair[:, 1:].mean(axis=0)
    tone = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], axis=1) - kept[:, None] * mean
    return HairTone(np.column_stack([light, tone, kept]).astype(np.float32), middle, depth)


def _lightness(old: np.ndarray, percentiles: np.ndarray, target: float) -> tuple[np.ndarray, float, float]:
    """New lightness of each old one, by a smooth rising curve; and `middle` and `depth` of `HairTone`.

    Even light stays even: contrast is scaled by what is usual before and after.
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
    from scipy.interpolate import PchipInterpolator  # a third of a second, which other effects need not wait

    curve = PchipInterpolator(places, [min(first, values[0]), *values, max(last, values[2])])
    return np.clip(curve(old), 0, 100), float(middle), float((usual - below) / (middle - low))


def _even(ratio: float) -> float:
    return float(np.clip(np.sqrt(ratio), 0.5, 1.4))


def _fullness(light: np.ndarray) -> np.ndarray:
    """How colourful hair is at a lightness, beside what it is in the middle: little in deep shadow and in the shine."""
    return (np.clip(light, 0.01, 50) / 50) ** 0.45 * np.clip((102 - light) / 45, 0, 1) ** 0.6


def _warmth(target: Field) -> float:
    """How far the shadows turn towards red, in radians: blond and brown hair do, blue and green do not."""
    hue = np.degrees(np.arctan2(target[2], target[1]))
    return float(np.radians(9) * smoothstep(hue, 30, 60) * (1 - smoothstep(hue, 90, 110)))


Mask = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True, eq=False)
class HairPaint:
    """One face's hair, ready to be painted in a colour with any strength; see `hair_color.plan_hair`.

    Args:
        view: of the subject's window.
        share: (h, w) over the view, how far the paint reaches: 0 where no hair is near.
        fields: (h, w, 7): the function of colours that says what is hair, the light around, how far inside, and the shade.
        tone: what the colour makes of each lightness.
    """

    view: View
    share: Field
    fields: Field
    tone: HairTone

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the hair painted."""

        def paint(pixels: Field, rows: slice, columns: slice) -> Field:
            here = upsample(self.fields, self.view.window, rows, columns)
            matte = _matte(here, pixels)
            new = recolored(pixels, self.tone, matte, here[:, :, 4], here[:, :, 5], here[:, :, 6])
            np.copyto(new, pixels, where=matte[:, :, None] == 0)  # the way through Lab and back is not exact for every colour
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
    """Pixels (n, m, 3), 0 to 1, with another tone; a part of their own variation of it stays.

    Near the hair's edge skin and background shine through and are no shine of the hair: there a pixel gets what becomes of the hair around
    it, by the matte's share, and does not leave the range between that and what it was.

    Args:
        pixels: to be coloured.
        tone: of `hair_tone`.
        matte: (n, m), 0 to 1: how much of a pixel is hair.
        around: (n, m), how light the hair near it is.
        inside: (n, m), 0 at the hair's edge, 1 well inside.
        shade: (n, m), how much lightness is taken away where a part of the hair lies in shadow.
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
    """How much of each pixel (n, m, 3) is hair, 0 to 1."""
    return smoothstep(apply_coefficients(fields[:, :, :4], pixels), 0.12, 0.9)


_EDGE_SHARE = 0.11
"""How far from where the parser saw it hair's edge is looked for, as a share of the face's unit."""

_SHADOW_SHARE, _DEEPEST = 0.4, 30.0

_DARKEST = 0.35

_MIXED, _LEAST = 0.6, np.float32(0.03)
"""How wide the mixed edge is, as a share of the reach, and what it counts where hair is nothing but edge."""


def hair_color(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour (#rrggbb); what it has of light, shadow and strands stays."""
    plan = plan_hair(photo, subject, lab_of_color(color))
    return photo if plan is None else plan.put(photo, strength)


def plan_hair(photo: Picture, subject: Subject, target: Field) -> HairPaint | None:
    """What painting the subject's hair so that its middle has the colour `target`, Lab (3,), takes; None where no hair is seen."""
    subject = subject.wide()
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return None
    reach = _EDGE_SHARE * face_unit(subject)
    near = smoothstep(feather(dilate(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guided_filter_coefficients(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    lab = rgb_to_lab(view.picture)
    tone = hair_tone(lab[core >= min(0.7, float(core.max()))], target)
    # hair at the edge is mixed with skin that shines through: what lies further inside says how light it is, or the edge would glow
    own = dilate(core, view, -_MIXED * reach) + _LEAST * core
    around = _hair_light(lab[:, :, 0], own, max(1.0, reach * view.scale))
    inside = feather(dilate(core, view, -0.5 * reach), view, 0.3 * reach)
    wide = _hair_light(lab[:, :, 0], core, max(1.0, _SHADOW_SHARE * face_unit(subject) * view.scale))
    shade = np.minimum(tone.depth * np.maximum(tone.middle - wide, 0), _DEEPEST)
    lighter = np.maximum(tone.at(around)[:, :, 0] - shade - around, 0)
    shade = shade + lighter * (1 - _light_on_skin(subject, view, lab[:, :, 0]))
    return HairPaint(view, share, np.dstack([weights, around, inside, shade]).astype(np.float32), tone)


def _light_on_skin(subject: Subject, view: View, light: Field) -> Field:
    """(h, w): how much light falls on the skin nearest to each pixel beside the well-lit parts of the face, `_DARKEST` to 1.

    Hair beside a cheek in shadow lies in that shadow too, however dark it was before.
    """
    skin = part_cover(subject, view, "skin", "nose")
    if skin.sum() < 16:
        return np.ones(view.shape, dtype=np.float32)
    lit = float(np.percentile(light[skin > 0.5], 45)) if (skin > 0.5).any() else 100.0
    beside = _hair_light(light, skin, max(1.0, _SHADOW_SHARE * face_unit(subject) * view.scale))
    found = skin > 0
    nearest = _nearest(beside, found)
    spread = max(1.0, 0.5 * _SHADOW_SHARE * face_unit(subject) * view.scale)
    return wide_blur(np.clip(nearest / max(lit, 1.0), _DARKEST, 1), spread)


def _nearest(values: Field, known: np.ndarray) -> Field:
    """Values (h, w), each the one of the nearest pixel that is known."""
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_PIXEL
    )
    table = np.zeros(int(labels.max()) + 1, dtype=np.float32)
    table[labels[known]] = values[known]
    return np.asarray(table[labels], dtype=np.float32)


def _hair_light(light: Field, core: Field, sigma: float) -> Field:
    """(h, w): how light the hair around each pixel is, on average; what is no hair does not count."""
    weight = core * core + np.float32(1e-4)
    total = wide_blur(np.dstack([light * weight, weight]), sigma)
    return np.asarray(total[:, :, 0] / total[:, :, 1], dtype=np.float32)


HAIR_COLORS = frozenset(("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair"))
"""Attributes of CelebA that are about the colour of hair and nothing else."""

_UNNOTICED, _PLAIN = 2.0, 8.0
"""Differences of colour (CIE76) that are no change yet, and one that is plainly meant."""

_COUNTED = 0.2
"""Share of the hair that says the colour."""


def is_hair_color(attributes: Iterable[str]) -> bool:
    """Whether the attributes are about the colour of hair alone."""
    names = set(attributes)
    return bool(names) and names <= HAIR_COLORS


def asked_color(crop: Picture, edited: Picture, weight: Field) -> tuple[Field, float] | None:
    """The colour that the middle of the hair has after the edit, Lab (3,), and how sure it is that the editor meant a change, 0 to 1.

    A fifth of the hair counts, the one that the editor changed most: a small editor leaves the rest patchy, or in its shadow. None where no hair is.

    Args:
        crop: (S, S, 3) as the editor saw it.
        edited: (S, S, 3) as it gave it back.
        weight: (S, S), 0 to 1: how much of a pixel is hair.
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
