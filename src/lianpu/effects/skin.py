"""Skin smoothing and whiter teeth.

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
from lianpu.faces.mesh import outline, points_68
from lianpu.faces.results import Points, Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, Paint, View, add_change, blend, view_of
from lianpu.imaging.masks import dilate, feather, grown, smoothstep, wide_blur, window_mean
from lianpu.imaging.picture import Picture

_PORE, _COARSE = 0.008, 0.12
"""Scales between which skin is smoothed, as shares of the face's unit."""

_EDGE = 0.05
"""Differences of light (0 to 1) above about this count as edges and stay."""

_SMOOTHED = 0.8
"""Share of what lies between the scales that goes at a strength of 1: all of it would look like plastic."""

_ROUGH = (0.02, 0.045)
"""Local deviation of light (0 to 1) finer than a blotch, of skin and of beards, brows and strands of hair."""

_SMOOTHED_PX, _FINE_PX = 64.0, 150.0
"""Most pixels of the face's unit that live forms compute at: of skin, and of teeth."""

_SPOT_VIEW_PX = 768
"""Longest side of the view in which spots are found."""

_SPOT_SCALES = (0.009, 0.016, 0.028)
"""Standard deviations of spots that are looked for, in units of the face: from a pimple to a blotch."""

_SPOT_LEAST, _SPOT_OVER_NOISE = 1.5, 2.6
"""Least contrast of a spot after a band-pass filter: in Lab, and as a multiple of what is usual around it (freckles, stubble)."""

_DENSE = (0.035, 0.09)
"""Share of the skin around that spots may cover: where beards grow, and elsewhere."""

_LARGEST_SPOT, _SMALLEST_MOLE, _MOLE_CONTRAST = 0.17, 0.05, 13.0
"""In units of the face: what is larger is no spot; what is larger and darker (in L) is a mole, which belongs to a face."""

_STEADY_PX = 0.7
"""Least blur in the small copy of a live frame: what is finer than its pixels changes as they move over the face, and would flicker."""


def smooth_skin(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's skin smoothed, without blemishes; edges, pores, beards, moles, light and shadow stay."""
    view = view_of(photo, subject.window, _SPOT_VIEW_PX)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose", "neck", "l_ear", "r_ear")
    if skin.sum() < 4:
        return photo
    points = subject.landmarks.points if subject.mesh is None else points_68(subject.mesh)
    cleared = _cleared(view, skin * _off_features(view, points, unit), _bearded(view, points), unit, strength)
    clean = View(view.window, view.picture + cleared)
    return add_change(photo, view, cleared + _smoothing(clean, skin, unit, strength))


def clear_spots(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) without spots on the subject's skin, which is not smoothed; moles, freckles and stubble stay."""
    view = view_of(photo, subject.window, _SPOT_VIEW_PX)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose")
    if skin.sum() < 4:
        return photo
    points = subject.landmarks.points if subject.mesh is None else points_68(subject.mesh)
    return add_change(
        photo, view, _cleared(view, skin * _off_features(view, points, unit), _bearded(view, points), unit, strength)
    )


def live_smooth_skin(frame: Picture, face: LiveFace, strength: float) -> None:
    """`smooth_skin` in a live frame (H, W, 3), in place; what is finer than about a fiftieth of the eyes' distance stays.

    Single spots are smoothed like all skin, not taken out: they would come and go from frame to frame.
    """
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
    pixel = unit * view.scale
    seen = _blurred(view.picture, max(_PORE * pixel, least_px))
    planes = cv2.split(seen)  # channel by channel: NumPy is several times as fast on whole planes
    kept = _edges_kept(planes, soft, _COARSE * pixel)
    green = _blurred(np.asarray(planes[1], dtype=np.float32), 0.012 * pixel) - cv2.GaussianBlur(
        planes[1], (0, 0), max(0.6, 0.04 * pixel)
    )
    rough = np.sqrt(np.maximum(window_mean(max(1, round(0.05 * pixel)), soft + np.float32(1e-3))(green * green), 0))
    weight = soft * (1 - smoothstep(rough, *_ROUGH)) * np.float32(-_SMOOTHED * strength)
    return np.asarray(
        cv2.merge([(plane - smooth) * weight for plane, smooth in zip(planes, kept, strict=True)]), dtype=np.float32
    )


def _cleared(view: View, skin: Field, bearded: np.ndarray, unit: float, strength: float) -> Field:
    """The change (h, w, 3) that takes spots from the skin (h, w): what is coarser than pores becomes as the skin around it is."""
    pixel = unit * view.scale
    spots = _spots(view, skin, bearded, unit)
    if not spots.any():
        return np.zeros_like(view.picture)
    around = np.asarray((skin > 0.6) & (grown(spots, 0.012 * pixel, 1) == 0), dtype=np.float32)
    there = np.asarray(cv2.GaussianBlur(grown(spots, 0.012 * pixel, 1), (0, 0), max(0.5, 0.01 * pixel)), dtype=np.float32)
    sigma = 0.05 * pixel
    share = wide_blur(around, sigma)[:, :, None]
    filled = wide_blur(view.picture * around[:, :, None], sigma) / (share + np.float32(1e-4))
    change = filled - _blurred(view.picture, 0.6 * _PORE * pixel)
    sure = np.clip(5 * share[:, :, 0] - 0.2, 0, 1) * there * np.clip(2 * skin - 1, 0, 1)
    return np.asarray(change * (sure * np.float32(min(1.0, 0.95 * strength)))[:, :, None], dtype=np.float32)


def _spots(view: View, skin: Field, bearded: np.ndarray, unit: float) -> Field:
    """(h, w): 1 on small, round pieces of skin (h, w) that are darker or redder than the skin around, more than is usual there.

    Where there are many, they are freckles, or, where a beard may be (`bearded`, (h, w) bool), stubble, and stay.
    """
    pixel = unit * view.scale
    inner = np.asarray(grown(np.asarray(skin < 0.6, dtype=np.float32), 0.035 * pixel, 1) == 0, dtype=np.float32)
    if inner.sum() < 16:
        return np.zeros(view.shape, dtype=np.float32)
    lab = rgb_to_lab(view.picture)
    stain = np.asarray(0.8 * -lab[:, :, 0] + lab[:, :, 1], dtype=np.float32)
    usual = window_mean(max(2, round(0.35 * pixel)), inner + np.float32(1e-4))
    found = np.zeros(view.shape, dtype=np.uint8)
    for scale in _SPOT_SCALES:
        sigma = scale * pixel
        if sigma < 0.7:
            continue
        band = _band(stain, inner, sigma)
        floor = np.maximum(np.float32(_SPOT_LEAST), np.float32(_SPOT_OVER_NOISE) * usual(np.abs(band)))
        core = np.asarray((band > floor) & (inner > 0), dtype=np.uint8)
        _, labels = cv2.connectedComponents(np.asarray((band > 0.6 * floor) & (inner > 0), dtype=np.uint8))
        with_core = np.unique(labels[core > 0])
        found |= np.isin(labels, with_core[with_core > 0]).astype(np.uint8)
    spots = _round_ones(found, lab, pixel)
    dense = usual(spots) > np.where(bearded, *_DENSE)
    return np.asarray(spots * (grown(np.asarray(spots * dense, dtype=np.float32), 1) == 0), dtype=np.float32)


def _bearded(view: View, points: Points) -> np.ndarray:
    """(h, w) bool: below the nose, from the 68 points in the photo, where beards grow."""
    points = view.to_view(points)
    down = points[8] - points[27]
    y, x = np.ogrid[: view.shape[0], : view.shape[1]]
    return np.asarray((x - points[33, 0]) * down[0] + (y - points[33, 1]) * down[1] > 0)


def _band(values: Field, within: Field, sigma: float) -> Field:
    """What of values (h, w) within a mask (h, w) has about the size of `sigma` pixels."""
    near, far = (_normalized(values, within, by) for by in (sigma, 2.5 * sigma))
    return np.asarray((near - far) * within, dtype=np.float32)


def _normalized(values: Field, within: Field, sigma: float) -> Field:
    share = cv2.GaussianBlur(within, (0, 0), sigma) + np.float32(1e-3)
    return np.asarray(cv2.GaussianBlur(values * within, (0, 0), sigma) / share, dtype=np.float32)


def _round_ones(found: np.ndarray, lab: Field, pixel: float) -> Field:
    """(h, w): the connected components of `found` (h, w) uint8 that are no lines, not too large, and no moles."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(found)
    kept = np.zeros(count, dtype=np.float32)
    for index in range(1, count):
        left, top, wide, high, area = stats[index]
        longest = max(wide, high)
        if longest > _LARGEST_SPOT * pixel or area < 0.34 * longest * longest or area < 3:
            continue
        margin = max(2, round(0.03 * pixel))
        part = (slice(max(0, top - margin), top + high + margin), slice(max(0, left - margin), left + wide + margin))
        own = labels[part] == index
        light = lab[:, :, 0][part]
        darker = float(np.median(light[~own]) - light[own].mean())
        kept[index] = not (darker > _MOLE_CONTRAST and longest > _SMALLEST_MOLE * pixel)
    return np.asarray(kept[labels], dtype=np.float32)


def _off_features(view: View, points: Points, unit: float) -> Field:
    """(h, w): 0 on eyes, brows, lips and nostrils and close to them, 1 elsewhere, from the 68 points in the photo."""
    points = view.to_view(points)
    pixel = unit * view.scale
    off = np.ones(view.shape, dtype=np.float32)
    for first, last, reach in ((36, 42, 0.13), (42, 48, 0.13), (17, 22, 0.08), (22, 27, 0.08), (48, 60, 0.07), (31, 36, 0.1)):
        hull = cv2.convexHull(np.rint(points[first:last] * 16).astype(np.int32))
        cv2.fillPoly(off, [hull], 0.0, shift=4)
        cv2.polylines(off, [hull], True, 0.0, max(1, round(2 * reach * pixel)), shift=4)
    return off


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
