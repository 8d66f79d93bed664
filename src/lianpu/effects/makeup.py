"""Colour on lips, cheeks and lids: laid on the skin's own light, so that lips keep their lines and their shine."""

from __future__ import annotations

import numpy as np

from lianpu.effects.lab import lab_of_color, to_lab, to_rgb, weighted_mean
from lianpu.effects.masks import face_unit, feathered, largest_piece, part_cover
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, painted, view_of
from lianpu.image import Picture

_LIP_FEATHER = 0.018


def lipstick(photo: Picture, subject: Subject, strength: float, color: str) -> Picture:
    """The photo (H, W, 3) with the subject's lips in a colour (#rrggbb). A face whose lips are covered stays as it is."""
    view = view_of(photo, subject.window)
    lips = largest_piece(part_cover(subject, view, "u_lip", "l_lip"))
    if lips.sum() < 4:
        return photo
    weight = feathered(lips, view, _LIP_FEATHER * face_unit(subject))
    mean = weighted_mean(to_lab(view.picture), lips)
    target = lab_of_color(color)
    light = 0.6 * (target[0] - mean[0])

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = to_lab(pixels)
        shine = np.clip((lab[:, :, :1] - mean[0] - 14) / 30, 0, 1)
        lab[:, :, :1] += light * (1 - 0.7 * shine)
        lab[:, :, 1:] = (target[1:] + 0.5 * (lab[:, :, 1:] - mean[1:])) * (1 - 0.6 * shine)
        return to_rgb(lab)

    return painted(photo, view, weight * np.float32(0.85 * strength), paint)
