"""Skin smoothing, whiter teeth and brighter eyes.

Smoothing splits the picture by scale: detail finer than a pore stays at full resolution, coarse shapes and strong edges are what a guided
filter keeps, and only the scales between (blotches, fine lines) are weakened.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit, part_cover
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, View, add_change, blend, view_of
from lianpu.imaging.masks import dilate, feather, fit_windows, smoothstep, window_mean
from lianpu.imaging.picture import Picture

_PORE, _COARSE = 0.008, 0.14
"""Scales between which skin is smoothed, as shares of the face's unit."""

_EDGE = 0.055
"""Differences of light (0 to 1) above about this count as edges and stay."""


def smooth_skin(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's skin smoothed; edges, pores, light and shadow stay."""
    view = view_of(photo, subject.window)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose", "neck", "l_ear", "r_ear")
    if skin.sum() < 4:
        return photo
    soft = feather(dilate(skin, view, -0.02 * unit), view, 0.02 * unit) * skin
    seen = _blurred(view.picture, _PORE * unit * view.scale)
    between = seen - _edges_kept(seen, soft, _COARSE * unit * view.scale)
    return add_change(photo, view, between * (soft * np.float32(-0.85 * strength))[:, :, None])


def _edges_kept(picture: Field, skin: Field, radius: float) -> Field:
    """The picture (h, w, 3) smoothed over `radius` pixels except at edges.

    A guided filter per channel (He, Sun & Tang 2013), weighted by the skin so that hair and background do not bleed in.
    """
    mean = window_mean(max(1, round(radius)), skin + np.float32(1e-3))
    fits = [fit_windows(picture[..., one, None], picture[..., one, None], mean, _EDGE**2) for one in range(3)]
    slope = np.maximum(np.dstack([slopes[..., 0] for slopes, _, _ in fits]).max(axis=2, keepdims=True), 0)
    average = np.dstack([channel_mean for _, channel_mean, _ in fits])
    return mean(slope) * picture + mean((1 - slope) * average)


def _blurred(picture: Field, sigma: float) -> Field:
    """The picture (h, w, C) after a Gaussian blur; unchanged for a negligible sigma (below a third)."""
    if sigma < 0.3:
        return picture
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


_FEWEST_TEETH = 0.06
"""A mouth shows teeth if at least this share of its inside looks like them."""


def whiten_teeth(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's teeth less yellow and slightly lighter; unchanged if no teeth show."""
    view = view_of(photo, subject.window)
    mouth = part_cover(subject, view, "mouth")
    if mouth.sum() < 4:
        return photo
    lab = rgb_to_lab(view.picture)
    inside = lab[mouth > 0.5] if (mouth > 0.5).any() else lab[mouth > 0]
    light = float(np.percentile(inside[:, 0], 90))
    if light < 30 or float(_like_teeth(inside, light).mean()) < _FEWEST_TEETH:
        return photo
    weight = feather(mouth, view, 0.012 * face_unit(subject))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        like = _like_teeth(lab, light)
        lab[:, :, 2] -= like * 0.75 * np.maximum(lab[:, :, 2] - 2, 0)
        lab[:, :, 1] -= like * 0.35 * np.maximum(lab[:, :, 1] - 1, 0)
        lab[:, :, 0] += like * 0.22 * np.maximum(93 - lab[:, :, 0], 0)
        return to_rgb(lab)

    return blend(photo, view, weight * np.float32(strength), paint)


def _like_teeth(lab: Field, light: float) -> Field:
    """Likeness to teeth, 0 to 1, of colours (..., 3): about as light as the mouth's lightest, and less red than gums, lips and tongue."""
    redness = lab[..., 1] - 0.45 * np.maximum(lab[..., 2], 0)
    return np.asarray(smoothstep(lab[..., 0], 0.5 * light, 0.8 * light) * (1 - smoothstep(redness, 5, 13)), dtype=np.float32)


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
    inside = rgb_to_lab(view.picture)[eye > min(0.5, float(eye.max()) / 2)]
    dark, light = np.percentile(inside[:, 0], (15, 92))
    if light - dark < 6:
        return photo  # closed, or too small to tell white from iris
    weight = feather(eye, view, 0.012 * face_unit(subject))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        chroma = np.hypot(lab[:, :, 1], lab[:, :, 2])
        white = smoothstep(lab[:, :, 0], dark + 0.4 * (light - dark), dark + 0.85 * (light - dark)) * (
            1 - smoothstep(chroma, 20, 34)
        )
        lab[:, :, 0] += white * 0.25 * np.maximum(90 - lab[:, :, 0], 0)
        lab[:, :, 1:] *= 1 - 0.55 * white[:, :, None]
        iris = (1 - white) * smoothstep(lab[:, :, 0], 8, 25)
        lab[:, :, 0] += iris * 0.10 * (lab[:, :, 0] - dark)
        lab[:, :, 1:] *= 1 + 0.25 * iris[:, :, None]
        return to_rgb(lab)

    return blend(photo, view, weight * np.float32(strength), paint)
