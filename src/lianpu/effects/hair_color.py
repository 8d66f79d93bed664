"""Hair in any colour, with the light and the strands that it has.

Where the hair ends is read from the photo itself around the edge that the parser saw. What the colour does to it is a table over lightness, made
for each face: shadows, middle and shine go to where hair of that colour has them, so dark hair that becomes blond is neither flat nor grey.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from lianpu.effects.lab import lab_of_color, to_lab, to_rgb
from lianpu.effects.masks import applied, crop_fade, face_unit, feathered, grown, guide_weights, part_cover, smooth_step
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, enlarged, painted, view_of
from lianpu.image import Picture

_EDGE_SHARE = 0.11
"""How far from where the parser saw it hair's edge is looked for, as a share of the face's unit."""
_MIDDLE = (5.5, 23.1, 47.8, 55.5, 85.0)
_BELOW = (4.2, 17.1, 25.2, 31.5, 36.0)
_ABOVE = (19.7, 29.2, 24.5, 21.7, 10.0)
"""Lightness of real hair: how far the darkest and the lightest twentieth lie below and above the middle (L of CIE Lab).

Medians of the black, brown, grey and blond hair of 206 faces of CelebAMask-HQ; the last column is drawn on.
"""
_STEEPEST = 2.6
"""A step of lightness is made at most this much larger: beyond it a photo's noise shows."""
_STEPS = 1001


def hair_color(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour (#rrggbb); what it has of light, shadow and strands stays."""
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return photo
    reach = _EDGE_SHARE * face_unit(subject)
    near = smooth_step(feathered(grown(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guide_weights(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    lab = to_lab(view.picture)
    table = hair_table(lab[core >= min(0.7, float(core.max()))], color)
    around = _hair_light(lab[:, :, 0], core, max(1.0, reach * view.scale))
    inside = feathered(grown(core, view, -0.5 * reach), view, 0.3 * reach)
    fields = np.dstack([weights, around, inside])

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        here = enlarged(fields, view, rows, columns)
        matte = smooth_step(applied(here[:, :, :4], pixels), 0.12, 0.9)
        return recolored(pixels, table, matte, here[:, :, 4], here[:, :, 5])

    return painted(photo, view, share * np.float32(strength), paint)


def _hair_light(light: Field, core: Field, sigma: float) -> Field:
    """(h, w): how light the hair around each pixel is, on average; what is no hair does not count."""
    weight = core * core + np.float32(1e-4)
    total = cv2.GaussianBlur(np.dstack([light * weight, weight]), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(total[:, :, 0] / total[:, :, 1], dtype=np.float32)


def recolored(pixels: Field, table: Field, matte: Field, around: Field, inside: Field) -> Field:
    """Pixels (n, m, 3), 0 to 1, as a table (1001, 4) of `hair_table` has them; a part of their own variation of tone stays.

    Near the hair's edge skin and background shine through and are no shine of the hair: there a pixel gets what becomes of the hair around
    it, by the matte's share, and does not leave the range between that and what it was.

    Args:
        pixels: to be coloured.
        table: see `hair_table`.
        matte: (n, m), 0 to 1: how much of a pixel is hair.
        around: (n, m), how light the hair near it is.
        inside: (n, m), 0 at the hair's edge, 1 well inside.
    """
    lab = to_lab(pixels)
    light = around + np.maximum(inside, lab[:, :, 0] < around) * (lab[:, :, 0] - around)
    found = _looked_up(table, light)
    nearby = _looked_up(table[:, 0], around)
    free = np.float32(60) * inside
    low, high = np.minimum(nearby, lab[:, :, 0]) - free - 25, np.maximum(nearby, lab[:, :, 0]) + free
    lab[:, :, 0] = np.clip(lab[:, :, 0] + matte * (found[:, :, 0] - light), low, high)
    lab[:, :, 1:] += matte[:, :, None] * (found[:, :, 1:3] + (found[:, :, 3:] - 1) * lab[:, :, 1:])
    return to_rgb(lab)


def _looked_up(table: Field, light: Field) -> Field:
    places = np.clip(np.rint(light * ((_STEPS - 1) / 100)), 0, _STEPS - 1).astype(np.int32)
    return np.asarray(table[places], dtype=np.float32)


def hair_table(hair: Field, color: str) -> Field:
    """What becomes of each lightness (0 to 100 in 1001 steps): L, what is added to a and b, and how much of the old a and b stays.

    Args:
        hair: Lab (n, 3) of the hair as it is.
        color: `#rrggbb`, which its middle shall have.
    """
    target = lab_of_color(color)
    old = np.arange(_STEPS, dtype=np.float64) * (100 / (_STEPS - 1))
    light = _lightness(old, np.percentile(hair[:, 0], (5, 50, 95)), float(target[0]))
    chroma = float(np.hypot(target[1], target[2])) * np.minimum(_fullness(light) / _fullness(np.maximum(target[0], 1.0)), 1.5)
    hue = np.arctan2(target[2], target[1]) - _warmth(target) * np.clip((target[0] - light) / 30, -1, 1)
    kept = 0.35 * np.clip((old + 8) / (light + 8), 0.3, 1)  # the tones of dark pixels are mostly noise
    mean = hair[:, 1:].mean(axis=0)
    tone = np.stack([chroma * np.cos(hue), chroma * np.sin(hue)], axis=1) - kept[:, None] * mean
    return np.column_stack([light, tone, kept]).astype(np.float32)


def _lightness(old: np.ndarray, percentiles: np.ndarray, target: float) -> np.ndarray:
    """New lightness of each old one: a smooth rising curve. Even light stays even: contrast is scaled by what is usual before and after."""
    low, middle, high = np.clip(percentiles, 0.5, 99.5)
    low, high = min(low, middle - 0.4), max(high, middle + 0.4)
    below = np.interp(target, _MIDDLE, _BELOW) * _even((middle - low) / np.interp(middle, _MIDDLE, _BELOW))
    above = np.interp(target, _MIDDLE, _ABOVE) * _even((high - middle) / np.interp(middle, _MIDDLE, _ABOVE))
    below, above = min(below, _STEEPEST * (middle - low), 0.9 * target), min(above, _STEEPEST * (high - middle))
    places = [-1.0, low, middle, high, 101.0]
    values = [target - below, target, min(target + above, 97.0)]
    first = max(0.0, values[0] - min(_STEEPEST, below / (middle - low)) * (low + 1))
    last = min(100.0, values[2] + (101 - high))
    return np.clip(PchipInterpolator(places, [min(first, values[0]), *values, max(last, values[2])])(old), 0, 100)


def _even(ratio: float) -> float:
    return float(np.clip(np.sqrt(ratio), 0.5, 1.4))


def _fullness(light: np.ndarray) -> np.ndarray:
    """How colourful hair is at a lightness, beside what it is in the middle: little in deep shadow and in the shine."""
    return (np.clip(light, 0.01, 50) / 50) ** 0.45 * np.clip((102 - light) / 45, 0, 1) ** 0.6


def _warmth(target: Field) -> float:
    """How far the shadows turn towards red, in radians: blond and brown hair do, blue and green do not."""
    hue = np.degrees(np.arctan2(target[2], target[1]))
    return float(np.radians(9) * smooth_step(hue, 30, 60) * (1 - smooth_step(hue, 90, 110)))
