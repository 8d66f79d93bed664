"""Hair in any colour, with the light and the strands that it has.

Where the hair ends is read from the photo itself around the edge that the parser saw. What the colour does to it is a table over lightness, made
for each face: shadows, middle and shine go to where hair of that colour has them, so dark hair that becomes blond is neither flat nor grey.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.hair_tone import HairTone, hair_tone
from lianpu.effects.lab import to_lab, to_rgb
from lianpu.effects.masks import (
    applied,
    crop_fade,
    face_unit,
    feathered,
    grown,
    guide_weights,
    part_cover,
    smooth_step,
    widely_blurred,
)
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, View, enlarged, painted, view_of
from lianpu.image import Picture

_EDGE_SHARE = 0.11
"""How far from where the parser saw it hair's edge is looked for, as a share of the face's unit."""
_SHADOW_SHARE, _DEEPEST = 0.4, 30.0
_DARKEST = 0.35


def hair_color(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's hair in a colour (#rrggbb); what it has of light, shadow and strands stays."""
    subject = subject.wide()
    view = view_of(photo, subject.window)
    core = part_cover(subject, view, "hair")
    if core.sum() < 4:
        return photo
    reach = _EDGE_SHARE * face_unit(subject)
    near = smooth_step(feathered(grown(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guide_weights(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    lab = to_lab(view.picture)
    tone = hair_tone(lab[core >= min(0.7, float(core.max()))], color)
    around = _hair_light(lab[:, :, 0], core, max(1.0, reach * view.scale))
    inside = feathered(grown(core, view, -0.5 * reach), view, 0.3 * reach)
    wide = _hair_light(lab[:, :, 0], core, max(1.0, _SHADOW_SHARE * face_unit(subject) * view.scale))
    shade = np.minimum(tone.depth * np.maximum(tone.middle - wide, 0), _DEEPEST)
    lighter = np.maximum(tone.at(around)[:, :, 0] - shade - around, 0)
    shade = shade + lighter * (1 - _light_on_skin(subject, view, lab[:, :, 0]))
    fields = np.dstack([weights, around, inside, shade]).astype(np.float32)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        here = enlarged(fields, view, rows, columns)
        matte = smooth_step(applied(here[:, :, :4], pixels), 0.12, 0.9)
        return recolored(pixels, tone, matte, here[:, :, 4], here[:, :, 5], here[:, :, 6])

    return painted(photo, view, share * np.float32(strength), paint)


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
    return widely_blurred(np.clip(nearest / max(lit, 1.0), _DARKEST, 1), spread)


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
    total = widely_blurred(np.dstack([light * weight, weight]), sigma)
    return np.asarray(total[:, :, 0] / total[:, :, 1], dtype=np.float32)


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
    lab = to_lab(pixels)
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
