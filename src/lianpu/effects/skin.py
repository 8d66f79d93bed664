"""Skin smoothing, whiter teeth and brighter eyes.

Smoothing splits the picture by scale: detail finer than a pore stays at full resolution, coarse shapes and strong edges are what a guided
filter keeps, and only the scales between (blotches, fine lines) are weakened.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit, part_cover
from lianpu.effects.live import (
    add_in_place,
    live_skin,
    live_view,
    repaint,
    seen_in,
    soften,
    window_around,
)
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import outline
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, Paint, View, add_change, blend, view_of
from lianpu.imaging.masks import dilate, feather, smoothstep, window_mean
from lianpu.imaging.picture import Picture

_PORE, _COARSE = 0.008, 0.14
"""Scales between which skin is smoothed, as shares of the face's unit."""

_EDGE = 0.055
"""Differences of light (0 to 1) above about this count as edges and stay."""


_SMOOTHED_PX, _FINE_PX = 64.0, 150.0
"""Most pixels of the face's unit that live forms compute at: of skin, and of teeth and eyes."""

_STEADY_PX = 0.7
"""Least blur in the small copy of a live frame: what is finer than its pixels changes as they move over the face, and would flicker."""


def smooth_skin(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's skin smoothed; edges, pores, light and shadow stay."""
    view = view_of(photo, subject.window)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose", "neck", "l_ear", "r_ear")
    if skin.sum() < 4:
        return photo
    return add_change(photo, view, _smoothing(view, skin, unit, strength))


def live_smooth_skin(frame: Picture, face: LiveFace, strength: float) -> None:
    """`smooth_skin` in a live frame (H, W, 3), in place; what is finer than about a fiftieth of the eyes' distance stays."""
    unit = face.face.unit_px
    window = face.window(frame) if face.shares else window_around(frame, outline(face.mesh, "face_oval"), 0.1 * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _SMOOTHED_PX)
    skin = live_skin(face, view, "neck", "l_ear", "r_ear")
    if skin.sum() >= 4:
        add_in_place(frame, view, _smoothing(view, skin, unit, strength, least_px=_STEADY_PX))


def _smoothing(view: View, skin: Field, unit: float, strength: float, least_px: float = 0.0) -> Field:
    """The change (h, w, 3) that smooths the skin (h, w) of a view, without what is finer than a pore or `least_px`."""
    soft = feather(dilate(skin, view, -0.02 * unit), view, 0.02 * unit) * skin
    seen = _blurred(view.picture, max(_PORE * unit * view.scale, least_px))
    planes = cv2.split(seen)  # channel by channel: NumPy is several times as fast on whole planes
    kept = _edges_kept(planes, soft, _COARSE * unit * view.scale)
    weight = soft * np.float32(-0.85 * strength)
    return np.asarray(
        cv2.merge([(plane - smooth) * weight for plane, smooth in zip(planes, kept, strict=True)]), dtype=np.float32
    )


def _edges_kept(planes: Sequence[np.ndarray], skin: Field, radius: float) -> list[Field]:
    """The channels (h, w) of a picture, smoothed over `radius` pixels except at edges.

    A guided filter per channel (He, Sun & Tang 2013), weighted by the skin so that hair and background do not bleed in; an edge in one
    channel is one in all.
    """
    mean = window_mean(max(1, round(radius)), skin + np.float32(1e-3))
    averages = [mean(plane) for plane in planes]
    slope = np.zeros_like(skin)
    for plane, average in zip(planes, averages, strict=True):
        variance = mean(plane * plane) - average * average
        np.maximum(slope, variance / (variance + np.float32(_EDGE**2)), out=slope)
    mean_slope = mean(slope)
    return [mean_slope * plane + mean((1 - slope) * average) for plane, average in zip(planes, averages, strict=True)]


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
    return blend(photo, view, weight * np.float32(strength), _teeth_paint(light))


def live_whiten_teeth(frame: Picture, face: LiveFace, strength: float) -> None:
    """`whiten_teeth` in a live frame (H, W, 3), in place; it fades where few teeth show, so that it does not flicker."""
    unit = face.face.unit_px
    window = window_around(frame, outline(face.mesh, "lips_inner"), 0.07 * unit)
    if window is None or face.mouth_visible == 0:
        return
    view = live_view(frame, window, unit, _FINE_PX)
    mouth = seen_in(face, view, "lips_inner", "mouth")
    if mouth.sum() < 4:
        return
    lab = rgb_to_lab(view.picture)[mouth >= min(0.5, float(mouth.max()))]
    light = max(1.0, float(np.percentile(lab[:, 0], 90)))
    teeth = float(_like_teeth(lab, light).mean())
    sure = float(smoothstep(np.array(teeth), 0.5 * _FEWEST_TEETH, 1.5 * _FEWEST_TEETH) * smoothstep(np.array(light), 27, 33))
    weight = soften(mouth, 0.012 * unit * view.scale) * np.float32(strength * face.mouth_visible * sure)
    repaint(frame, view, weight, _teeth_paint(light))


def _teeth_paint(light: float) -> Paint:
    """A paint function that whitens what looks like teeth in a mouth whose lightest parts have the lightness `light`."""

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        like = _like_teeth(lab, light)
        lab[:, :, 2] -= like * 0.75 * np.maximum(lab[:, :, 2] - 2, 0)
        lab[:, :, 1] -= like * 0.35 * np.maximum(lab[:, :, 1] - 1, 0)
        lab[:, :, 0] += like * 0.22 * np.maximum(93 - lab[:, :, 0], 0)
        return to_rgb(lab)

    return paint


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
    return blend(photo, view, weight * np.float32(strength), _eye_paint(float(dark), float(light)))


def live_brighten_eyes(frame: Picture, face: LiveFace, strength: float) -> None:
    """`brighten_eyes` in a live frame (H, W, 3), in place; it fades where an eye closes."""
    unit = face.face.unit_px
    for region, part in (("left_eye", "l_eye"), ("right_eye", "r_eye")):
        window = window_around(frame, outline(face.mesh, region), 0.07 * unit)
        if window is None:
            continue
        view = live_view(frame, window, unit, _FINE_PX)
        eye = seen_in(face, view, region, part)
        if eye.sum() < 4:
            continue
        light = rgb_to_lab(view.picture)[:, :, 0][eye > min(0.5, float(eye.max()) / 2)]
        dark, bright = np.percentile(light, (15, 92)).tolist()
        weight = soften(eye, 0.012 * unit * view.scale) * np.float32(strength * smoothstep(np.array(bright - dark), 4, 8))
        repaint(frame, view, weight, _eye_paint(dark, max(bright, dark + 1)))


def _eye_paint(dark: float, light: float) -> Paint:
    """A paint function that whitens and clears an eye whose lightness reaches from `dark` to `light`."""

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

    return paint
