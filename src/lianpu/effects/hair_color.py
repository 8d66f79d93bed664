"""Hair in any colour, with the light and the strands that it has.

Where the hair ends is read from the photo itself around the edge that the parser saw. What the colour does to it is a table over lightness, made
for each face: shadows, middle and shine go to where hair of that colour has them, so dark hair that becomes blond is neither flat nor grey.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.hair_paint import HairPaint
from lianpu.effects.hair_tone import hair_tone
from lianpu.effects.lab import lab_of_color, to_lab
from lianpu.effects.masks import (
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
from lianpu.effects.view import Field, View, view_of
from lianpu.image import Picture

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
    near = smooth_step(feathered(grown(core, view, 0.5 * reach), view, 0.3 * reach), 0.05, 0.6)
    weights = guide_weights(core, view.picture, max(1, round(reach * view.scale)), 2e-4)
    share = near * crop_fade(subject, view, photo.shape)
    lab = to_lab(view.picture)
    tone = hair_tone(lab[core >= min(0.7, float(core.max()))], target)
    # hair at the edge is mixed with skin that shines through: what lies further inside says how light it is, or the edge would glow
    own = grown(core, view, -_MIXED * reach) + _LEAST * core
    around = _hair_light(lab[:, :, 0], own, max(1.0, reach * view.scale))
    inside = feathered(grown(core, view, -0.5 * reach), view, 0.3 * reach)
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
