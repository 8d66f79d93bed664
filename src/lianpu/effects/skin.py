"""Skin smoothing and whiter teeth.

Smoothing splits the picture by scale: detail finer than a pore stays at full resolution, coarse shapes and strong edges are what a guided
filter keeps, and only the scales between (blotches, fine lines) are weakened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.effects.carried import Anchor, CarriedMaps, is_found_anew, rate_of
from lianpu.effects.face_masks import face_unit, part_cover
from lianpu.effects.live import (
    add_in_place,
    around_of,
    blank_view,
    live_skin,
    live_view,
    part_of,
    repaint,
    seen_in,
    soften,
)
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import outline, points_68
from lianpu.faces.results import Points, Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb
from lianpu.imaging.compositing import Field, Paint, View, add_change, blend, view_of
from lianpu.imaging.geometry import Window, window_around
from lianpu.imaging.masks import dilate, feather, grown, smoothstep, wide_blur, window_mean
from lianpu.imaging.picture import Picture

_PORE, _COARSE = 0.01, 0.12
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

_CLEARED = 0.95
"""Share of a spot that goes at a strength of 1."""

_LARGEST_SPOT = 0.17
"""In units of the face: what is larger is no spot."""

_SMALLEST_MOLE, _MOLE_CONTRAST, _CERTAIN_MOLE, _MOLE_REDNESS = 0.035, 8.0, 25.0, 0.45
"""A mole, which belongs to a face, is larger (in units) and at its core darker (L) than this; it is much darker, or redder (a) by
less than a share of that: redder spots are blemishes."""

_COVERED = (0.1, 0.6)
"""Probabilities of skin, blurred, that become 0 and 1 in live frames."""

_STEADY_PX = 0.7
"""Least blur in the small copy of a live frame: what is finer than its pixels changes as they move over the face, and would flicker."""


def smooth_skin(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the subject's skin smoothed, without blemishes; edges, pores, beards, moles, light and shadow stay."""
    kept = subject.carried.get(CARRIED)
    if isinstance(kept, SkinMemory):
        return kept.put(photo, subject, strength)
    view = view_of(photo, subject.window, _SPOT_VIEW_PX)
    unit = face_unit(subject)
    skin = _skin_of(subject, view)
    if skin.sum() < 4:
        return photo
    points = _points_of(subject)
    bare = skin * _off_features(view, points, unit)
    cleared = _cleared(view, bare, _spots(view, bare, _bearded(view, points), unit), unit, strength)
    clean = View(view.window, view.picture + cleared)
    return add_change(photo, view, cleared + _smoothing(clean, skin, unit, strength))


def clear_spots(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) without spots on the subject's skin, which is not smoothed; moles, freckles and stubble stay."""
    view = view_of(photo, subject.window, _SPOT_VIEW_PX)
    unit = face_unit(subject)
    skin = part_cover(subject, view, "skin", "nose")
    if skin.sum() < 4:
        return photo
    points = _points_of(subject)
    bare = skin * _off_features(view, points, unit)
    return add_change(photo, view, _cleared(view, bare, _spots(view, bare, _bearded(view, points), unit), unit, strength))


def _skin_of(subject: Subject, view: View) -> Field:
    return part_cover(subject, view, "skin", "nose", "neck", "l_ear", "r_ear")


def _points_of(subject: Subject) -> Points:
    return subject.landmarks.points if subject.mesh is None else points_68(subject.mesh)


def live_smooth_skin(frame: Picture, face: LiveFace, strength: float) -> None:
    """`smooth_skin` in a live frame (H, W, 3), in place; what is finer than about a fiftieth of the eyes' distance stays.

    Single spots are smoothed like all skin, not taken out: they would come and go from frame to frame.
    """
    unit = face.face.unit_px
    window = _live_window(frame, face)
    if window is None:
        return
    kept = face.carried.get(CARRIED)
    if isinstance(kept, LiveSkinMemory):
        view = blank_view(frame, window, unit, _SMOOTHED_PX)
        cover = soften(live_skin(face, view, "neck", "l_ear", "r_ear"), 0.03 * unit * view.scale)
        reached = around_of(cover > _COVERED[0])
        if reached is None:
            return
        view = part_of(view, reached)
        change = kept.maps.anchor.over_view(kept.maps.shown, points_68(face.mesh), view, bent=True)
        change *= (smoothstep(cover[reached], *_COVERED) * np.float32(strength))[:, :, None]
        add_in_place(frame, view, change)
        return
    view = live_view(frame, window, unit, _SMOOTHED_PX)
    skin = live_skin(face, view, "neck", "l_ear", "r_ear")
    if skin.sum() >= 4:
        add_in_place(frame, view, _smoothing(view, skin, unit, strength, least_px=_STEADY_PX))


def _live_window(frame: Picture, face: LiveFace) -> Window | None:
    return face.window(frame) if face.shares else window_around(frame, outline(face.mesh, "face_oval"), 0.1 * face.face.unit_px)


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


def _cleared(view: View, skin: Field, spots: Field, unit: float, strength: float) -> Field:
    """The change (h, w, 3) that takes spots (h, w) from the skin (h, w): what is coarser than pores becomes as the skin around it is."""
    pixel = unit * view.scale
    if not spots.any():
        return np.zeros_like(view.picture)
    around = np.asarray((skin > 0.6) & (grown(spots, 0.012 * pixel, 1) == 0), dtype=np.float32)
    there = np.asarray(cv2.GaussianBlur(grown(spots, 0.012 * pixel, 1), (0, 0), max(0.5, 0.01 * pixel)), dtype=np.float32)
    sigma = 0.05 * pixel
    share = wide_blur(around, sigma)[:, :, None]
    filled = wide_blur(view.picture * around[:, :, None], sigma) / (share + np.float32(1e-4))
    change = filled - _blurred(view.picture, 0.6 * _PORE * pixel)
    sure = np.clip(5 * share[:, :, 0] - 0.2, 0, 1) * there * np.clip(2 * skin - 1, 0, 1)
    return np.asarray(change * (sure * np.float32(min(1.0, _CLEARED * strength)))[:, :, None], dtype=np.float32)


CARRIED = "skin"
"""The name in `Subject.carried` of what `SkinMemory` keeps."""

_CARRIED_PX = 512
"""Side of the maps that carry what is done to a face's skin, and longest side of the view of a frame in which it is found."""

_FOUND_EVERY = 6
"""What is done to the skin is found anew in every frame of so many."""

_READINGS_S, _FOLLOWED_S = 0.6, 0.25
"""Time constants, in seconds: of the mean over the spots that were found, and with which all changes are followed."""

_COMES, _GOES = 0.55, 0.25
"""Mean of the findings from which on a place counts as a spot, and below which it no longer does."""


@dataclass(frozen=True, eq=False)
class SkinMemory:
    """A tracked face's skin, carried from frame to frame in maps that lie still on it and bend as its points move.

    Args:
        maps: (s, s, 6), the changes that take out spots, and that smooth, at a strength of 1.
        often: (s, s), 0 to 1: how often a spot was found there.
        spots: (s, s), 0 or 1: what counts as a spot, until it is found rarely.
        readings: how many findings there were.
        unread_s: seconds since the last one.
    """

    maps: CarriedMaps
    often: Field
    spots: Field
    readings: int = 1
    unread_s: float = 0.0

    def put(self, photo: Picture, subject: Subject, strength: float) -> Picture:
        """A frame (H, W, 3) of that face, smoothed."""
        view = _blank_view(subject, _CARRIED_PX)
        shown, unit = self.maps.shown, face_unit(subject)
        change = np.float32(min(1.0, _CLEARED * strength) / _CLEARED) * shown[:, :, :3] + np.float32(strength) * shown[:, :, 3:]
        change = self.maps.anchor.over_view(change, _points_of(subject), view, bent=True)
        cover = feather(dilate(_skin_of(subject, view), view, 0.02 * unit), view, 0.02 * unit)  # a hand comes before the face
        change *= cover[:, :, None]
        edited = photo.copy()
        add_in_place(edited, view, change)
        return edited

    def followed(self, seconds: float) -> SkinMemory:
        """The memory so many seconds later."""
        return replace(self, maps=self.maps.followed(rate_of(seconds, _FOLLOWED_S)), unread_s=self.unread_s + seconds)


def _blank_view(subject: Subject, longest_px: int) -> View:
    """The view of the subject's window for maps alone: nobody looks at its picture."""
    rows, columns = subject.window
    high, wide = rows.stop - rows.start, columns.stop - columns.start
    by = min(1.0, longest_px / max(high, wide))
    return View(subject.window, np.empty((max(1, round(high * by)), max(1, round(wide * by)), 3), dtype=np.float32))


def carry_skin(before: SkinMemory | None, photo: Picture, subject: Subject, seconds: float, turn: int) -> SkinMemory | None:
    """What is kept of a tracked face's skin after another frame; None as long as none was seen. Arguments as of `carry_hair`."""
    points = _points_of(subject)
    if before is not None and not before.maps.anchor.is_near(points):
        before = None
    if before is not None and turn % _FOUND_EVERY:
        return before.followed(seconds)
    view = view_of(photo, subject.window, _CARRIED_PX)
    skin = _skin_of(subject, view)
    if skin.sum() < 4:
        return None if before is None else before.followed(seconds)
    unit = face_unit(subject)
    bare = skin * _off_features(view, points, unit)
    spots = _spots(view, bare, _bearded(view, points), unit)
    anchor = Anchor.of(subject.face.points, points, _CARRIED_PX) if before is None else before.maps.anchor
    found = anchor.from_view(spots, points, view, bent=True)
    if before is None:
        often, decided = found, np.asarray(found > 0.5, dtype=np.float32)
    else:
        rate = max(1 / (before.readings + 1), rate_of(before.unread_s + seconds, _READINGS_S))
        often = np.asarray(before.often + np.float32(rate) * (found - before.often), dtype=np.float32)
        decided = np.where(often > _COMES, np.float32(1), np.where(often < _GOES, np.float32(0), before.spots))
        spots = np.asarray(anchor.over_view(decided, points, view, bent=True) > 0.5, dtype=np.float32)
    cleared = _cleared(view, bare, spots, unit, 1.0)
    smoothed = _smoothing(View(view.window, view.picture + cleared), skin, unit, 1.0)
    changes = np.dstack([cleared, smoothed])
    if before is None:
        return SkinMemory(CarriedMaps.begin(changes, points, view, anchor, bent=True), often, decided)
    maps = before.maps.found_again(changes, points, view, bent=True)
    return SkinMemory(maps, often, decided, before.readings + 1, -seconds).followed(seconds)


_LIVE_PX = 224
"""Side of the map that carries what is done to skin in a live picture."""


@dataclass(frozen=True, eq=False)
class LiveSkinMemory:
    """A live face's skin: the change (s, s, 3) that smooths it at a strength of 1, carried from frame to frame."""

    maps: CarriedMaps


def carry_live_skin(
    before: LiveSkinMemory | None, frame: Picture, face: LiveFace, seconds: float, turn: int
) -> LiveSkinMemory | None:
    """What is kept of a live face's skin after another frame. Arguments as of `carry_hair`."""
    points = points_68(face.mesh)
    maps = None if before is None else before.maps.followed(rate_of(seconds, _FOLLOWED_S))
    if maps is not None and not is_found_anew(face, turn):
        return LiveSkinMemory(maps)
    if maps is not None and not maps.anchor.is_near(points):
        maps = maps.anchored_anew(face.face.points, points)
    unit, window = face.face.unit_px, _live_window(frame, face)
    if window is None:
        return None
    view = live_view(frame, window, unit, _SMOOTHED_PX)
    skin = live_skin(face, view, "neck", "l_ear", "r_ear")
    change = _smoothing(view, skin, unit, 1.0, least_px=_STEADY_PX) if skin.sum() >= 4 else np.zeros_like(view.picture)
    if maps is None:
        return LiveSkinMemory(CarriedMaps.begin(change, points, view, Anchor.of(face.face.points, points, _LIVE_PX), bent=True))
    return LiveSkinMemory(maps.found_again(change, points, view, bent=True))


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
        light, red = lab[:, :, 0][part], lab[:, :, 1][part]
        core = own & (light <= np.quantile(light[own], 0.25))
        darker = float(np.median(light[~own]) - light[core].mean())
        redder = float(red[core].mean() - np.median(red[~own]))
        brown = redder < _MOLE_REDNESS * darker or darker > _CERTAIN_MOLE
        mole = darker > _MOLE_CONTRAST and brown and longest > _SMALLEST_MOLE * pixel
        kept[index] = not mole
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
