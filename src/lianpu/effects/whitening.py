"""Whiter teeth and eyes: only what looks like a tooth, or like the white of an eye, within the mouth and the eyes that the parser saw."""

from __future__ import annotations

import numpy as np

from lianpu.effects.lab import to_lab, to_rgb
from lianpu.effects.masks import face_unit, feathered, part_cover, smooth_step
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, View, painted, view_of
from lianpu.image import Picture

_FEWEST_TEETH = 0.06
"""Where less than this share of the inside of a mouth looks like teeth, there are none to whiten."""


def whiten_teeth(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's teeth less yellow and a little lighter. Where the mouth shows no teeth, the same photo."""
    view = view_of(photo, subject.window)
    mouth = part_cover(subject, view, "mouth")
    if mouth.sum() < 4:
        return photo
    lab = to_lab(view.picture)
    inside = lab[mouth > 0.5] if (mouth > 0.5).any() else lab[mouth > 0]
    light = float(np.percentile(inside[:, 0], 90))
    if light < 30 or float(_like_teeth(inside, light).mean()) < _FEWEST_TEETH:
        return photo
    weight = feathered(mouth, view, 0.012 * face_unit(subject))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = to_lab(pixels)
        like = _like_teeth(lab, light)
        lab[:, :, 2] -= like * 0.75 * np.maximum(lab[:, :, 2] - 2, 0)
        lab[:, :, 1] -= like * 0.35 * np.maximum(lab[:, :, 1] - 1, 0)
        lab[:, :, 0] += like * 0.22 * np.maximum(93 - lab[:, :, 0], 0)
        return to_rgb(lab)

    return painted(photo, view, weight * np.float32(strength), paint)


def _like_teeth(lab: Field, light: float) -> Field:
    """0 to 1 for each of (..., 3): light beside the mouth's lightest, and less red than gums, lips and tongue."""
    redness = lab[..., 1] - 0.45 * np.maximum(lab[..., 2], 0)
    return np.asarray(smooth_step(lab[..., 0], 0.5 * light, 0.8 * light) * (1 - smooth_step(redness, 5, 13)), dtype=np.float32)


def brighten_eyes(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the whites of the subject's eyes whiter and the irises a little clearer."""
    view = view_of(photo, subject.window)
    result = photo
    for name in ("l_eye", "r_eye"):
        result = _brighten(result, subject, view, name, strength)
    return result


def _brighten(photo: Picture, subject: Subject, view: View, name: str, strength: float) -> Picture:
    eye = part_cover(subject, view, name)
    if eye.sum() < 4:
        return photo
    inside = to_lab(view.picture)[eye > min(0.5, float(eye.max()) / 2)]
    dark, light = np.percentile(inside[:, 0], (15, 92))
    if light - dark < 6:
        return photo  # closed, or too small to tell white from iris
    weight = feathered(eye, view, 0.012 * face_unit(subject))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = to_lab(pixels)
        chroma = np.hypot(lab[:, :, 1], lab[:, :, 2])
        white = smooth_step(lab[:, :, 0], dark + 0.4 * (light - dark), dark + 0.85 * (light - dark)) * (
            1 - smooth_step(chroma, 20, 34)
        )
        lab[:, :, 0] += white * 0.25 * np.maximum(90 - lab[:, :, 0], 0)
        lab[:, :, 1:] *= 1 - 0.55 * white[:, :, None]
        iris = (1 - white) * smooth_step(lab[:, :, 0], 8, 25)
        lab[:, :, 0] += iris * 0.10 * (lab[:, :, 0] - dark)
        lab[:, :, 1:] *= 1 + 0.25 * iris[:, :, None]
        return to_rgb(lab)

    return painted(photo, view, weight * np.float32(strength), paint)
