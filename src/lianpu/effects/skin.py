"""Smoother skin that is still skin: blotches and lines between the size of pores and the shape of the face are made fainter.

The picture is split by size. What is finer than a pore is left as it is at full resolution; what is coarser, and every strong edge, is what a
guided filter keeps; only what lies between is taken away.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.masks import face_unit, feathered, grown, part_cover
from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, view_of, with_change
from lianpu.image import Picture

_PORE, _COARSE = 0.008, 0.14
"""Sizes between which skin is evened out, as shares of the face's unit."""
_EDGE = 0.055
"""Differences of light (of 1) above about this are edges that stay."""


def smooth_skin(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's skin evened out; edges, pores, light and shadow stay."""
    view = view_of(photo, subject.window)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose", "neck", "l_ear", "r_ear")
    if skin.sum() < 4:
        return photo
    soft = feathered(grown(skin, view, -0.02 * unit), view, 0.02 * unit) * skin
    seen = _blurred(view.picture, _PORE * unit * view.scale)
    between = seen - _edges_kept(seen, soft, _COARSE * unit * view.scale)
    return with_change(photo, view, between * (soft * np.float32(-0.85 * strength))[:, :, None])


def _edges_kept(picture: Field, skin: Field, radius: float) -> Field:
    """The picture (h, w, 3), evened out over `radius` pixels where it has no edges; only skin counts.

    A guided filter of each channel by itself, weighted by the skin so that hair and background do not bleed in: He, Sun & Tang 2013.
    """
    side = (2 * max(1, round(radius)) + 1,) * 2
    weight = (skin + np.float32(1e-3))[:, :, None]

    def mean(values: Field) -> Field:
        found = cv2.blur(values * weight, side, borderType=cv2.BORDER_REFLECT)
        return np.asarray(found.reshape(picture.shape) / total, dtype=np.float32)

    total = cv2.blur(weight, side, borderType=cv2.BORDER_REFLECT).reshape(*skin.shape, 1)
    average = mean(picture)
    variance = np.maximum(mean(picture * picture) - average * average, 0)
    slope = (variance / (variance + np.float32(_EDGE**2))).max(axis=2, keepdims=True)
    return mean(np.broadcast_to(slope, picture.shape)) * picture + mean((1 - slope) * average)


def _blurred(picture: Field, sigma: float) -> Field:
    """The picture without what is finer than `sigma` pixels, which is as good as nothing below a third."""
    if sigma < 0.3:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)
