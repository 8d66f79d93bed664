"""Another skin tone: tanned, lighter, warmer, cooler, rosier or more even, on the face, ears, neck and bare skin around, without a border."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import crop_fade, face_unit, fade_at_border, nearer_to_own
from lianpu.effects.live import inside, live_skin, live_view, repaint, share_in, sharpened, soften
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import outline
from lianpu.faces.person import people_in
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb, weighted_mean
from lianpu.imaging.compositing import Field, View, blend, upsample, view_of
from lianpu.imaging.geometry import Window, enlarge, window_around
from lianpu.imaging.masks import feather, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index


@dataclass(frozen=True)
class _Tone:
    """A change of skin at a strength of 1.

    Args:
        gamma: exponent of the lightness: above 1 darkens, without changing black and white.
        shift: added to a and b of CIE Lab, on skin of middle lightness.
        chroma: factor of a and b.
        even: share of blotches of colour that goes.
        calm: share of the differences of colour (not of light) within the skin that go: pink cheeks, a yellow forehead.
        hue: in degrees: the range of hues that the skin comes nearer to.
    """

    gamma: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    chroma: float = 1.0
    even: float = 0.0
    calm: float = 0.0
    hue: tuple[float, float] | None = None


TONES: dict[str, _Tone] = {
    "tan": _Tone(1.32, (2.2, 2.8), 1.06, calm=0.4, hue=(54.0, 66.0)),
    "light": _Tone(0.82, (-1.0, -2.0), 0.94),
    "warm": _Tone(1.0, (1.5, 6.0)),
    "cool": _Tone(1.0, (1.0, -6.0)),
    "rosy": _Tone(0.98, (5.0, -0.5)),
    "even": _Tone(even=0.75),
}

_SKIN = ("skin", "nose", "l_ear", "r_ear", "neck")
_OF_LIPS = 0.6
"""Share of the change that lips get, which are no skin but look strange without."""
_OF_BROWS = 0.8
"""The same of brows where skin gets darker: thin ones would look bleached."""
_OTHER = ("hair", "hat", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip", "ear_r")
"""What has skin's colours at times and is none. Hands, arms and shoulders a parser calls background or clothes."""

_VIEW_PX = 640
_LIVE_PX = 64.0
"""Longest side of the view of a photo; most pixels of the face's unit in live forms."""

_BLOTCH = 0.05
"""Standard deviation in units of the face: finer changes of colour are texture."""

_ALIKE = (2.2, 3.4)
"""Distances (in standard deviations of the face's own colours) of skin, and of what is none."""

_BLACK = 16.0

_COLORFUL, _TO_HUE = (20.0, 36.0), 0.35
"""Chroma of skin that may take more of it, and that must not; share of the way to a hue."""

_COLORLESS = 3.0
"""Chroma below which a face tells nothing of the chroma of its skin: a grey photo, or dim light."""


def skin_tone(photo: Picture, subject: Subject, strength: float, tone: str) -> Picture:
    """The photo (H, W, 3) with the subject's skin in another tone (a key of `TONES`).

    Beyond the parser's skin, the bare skin of the same person (hands, arms, shoulders) counts by its colour, where the network that finds
    people is on this machine; what is farther away than `_REACH`, or nearer to another face, keeps its tone, behind a soft transition.
    """
    unit = face_unit(subject)
    view = view_of(photo, _around(photo, subject), _VIEW_PX)
    skin = _cover(subject, view, *_SKIN)
    if skin.sum() < 4:
        return photo
    parsed = skin + _OF_LIPS * _cover(subject, view, "u_lip", "l_lip")
    if TONES[tone].gamma > 1:
        parsed = parsed + _OF_BROWS * _cover(subject, view, "l_brow", "r_brow")
    weight = feather(parsed, view, 0.015 * unit) * crop_fade(subject.wide(), view, photo.shape)
    bare = _bare(photo, subject, view, skin, unit)
    if bare is not None:
        weight = np.maximum(weight, bare * _window_fade(view, photo.shape))
    change = _planned(view, skin, TONES[tone], unit, strength)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        blotches = None if change.blotches is None else upsample(change.blotches, view.window, rows, columns)
        return change.of(pixels, blotches)

    return blend(photo, view, np.asarray(weight, dtype=np.float32), paint)


_REACH = ((3.7, 3.7), (2.2, 5.0))
"""How far the window reaches around the point between the eyes, in units: left and right, up and down."""


def _around(photo: Picture, subject: Subject) -> Window:
    """Rows and columns of the photo around a head and its shoulders, at least the windows of its parts."""
    unit, (x, y) = face_unit(subject), np.asarray(subject.face.points[:2]).mean(axis=0).tolist()
    spans = []
    for axis, (middle, (before, after)) in enumerate(((y, _REACH[1]), (x, _REACH[0]))):
        known = (subject.window[axis], subject.wide().window[axis])
        start = min(max(0, int(middle - before * unit)), *(span.start for span in known))
        stop = max(min(photo.shape[axis], int(middle + after * unit) + 1), *(span.stop for span in known))
        spans.append(slice(start, stop))
    return spans[0], spans[1]


def _cover(subject: Subject, view: View, *names: str) -> Field:
    """Coverage (h, w) of some parts: those of the crop, and around it those of the wide crop."""
    table = np.zeros(256, dtype=np.uint8)
    table[[part_index(name) for name in names]] = 255
    cover = np.zeros(view.shape, dtype=np.uint8)
    for one in (subject.wide(), subject):  # the nearer look counts
        (top, left), (rows, columns) = (span.start for span in one.window), view.window
        corners = np.array([(left, top), (one.window[1].stop, one.window[0].stop)], dtype=np.float64)
        by = (view.shape[1] / (columns.stop - columns.start), view.shape[0] / (rows.stop - rows.start))
        (x0, y0), (x1, y1) = np.rint((corners - (columns.start, rows.start)) * by).astype(int).tolist()
        x0, y0, x1, y1 = max(0, x0), max(0, y0), min(view.shape[1], x1), min(view.shape[0], y1)
        if x1 <= x0 or y1 <= y0:
            continue
        mask = cv2.LUT(one.parts.mask, table)
        cover[y0:y1, x0:x1] = cv2.resize(mask, (x1 - x0, y1 - y0), interpolation=cv2.INTER_AREA)
    return cover.astype(np.float32) / np.float32(255)


def _window_fade(view: View, shape: tuple[int, ...]) -> Field:
    """(h, w): 1, falling to 0 at borders of the view that are none of the photo."""
    high, wide = view.shape
    y, x = np.mgrid[:high, :wide].astype(np.float32)
    far = np.full(view.shape, np.float32(1))
    rows, columns = view.window
    for within, distance in (
        (rows.start > 0, y / high),
        (rows.stop < shape[0], 1 - y / high),
        (columns.start > 0, x / wide),
        (columns.stop < shape[1], 1 - x / wide),
    ):
        if within:
            far = far * smoothstep(distance, 0.0, 0.12)
    return np.asarray(far, dtype=np.float32)


def live_skin_tone(frame: Picture, face: LiveFace, strength: float, tone: str) -> None:
    """`skin_tone` in a live frame (H, W, 3), in place: on what the parser takes for skin."""
    unit = face.face.unit_px
    window = face.window(frame) if face.shares else window_around(frame, outline(face.mesh, "face_oval"), 0.1 * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _LIVE_PX)
    skin = live_skin(face, view, "neck", "l_ear", "r_ear")
    if skin.sum() >= 4:
        lips = share_in(face, view, "u_lip", "l_lip") if face.shares else inside(face, view, "lips_outer")
        brows = share_in(face, view, "l_brow", "r_brow") if face.shares and TONES[tone].gamma > 1 else np.zeros_like(skin)
        if face.shares:
            skin, lips = sharpened(skin), sharpened(lips)
        parsed = skin + np.float32(_OF_LIPS) * lips + np.float32(_OF_BROWS) * brows
        weight = soften(np.minimum(parsed, 1), 0.015 * unit * view.scale)
        weight = np.asarray(weight * fade_at_border(face.alignment, view, frame.shape), dtype=np.float32)
        change = _planned(view, skin, TONES[tone], unit, strength)
        repaint(frame, view, weight, lambda pixels, _rows, _columns: change.of(pixels, change.blotches))


@dataclass(frozen=True, eq=False)
class _Change:
    """What makes a face's skin another tone.

    Args:
        light: L of CIE Lab of the skin as it is.
        lighter: (K,), what is added to L, for L from 0 to 100 in even steps.
        chroma: factor of a and b.
        shift: (2,), added to a and b of skin of that lightness.
        blotches: (h, w, 2) over the view: what takes blotches out of a and b; None leaves them.
    """

    light: float
    lighter: Field
    chroma: np.float32
    shift: Field
    blotches: Field | None

    def of(self, pixels: Field, blotches: Field | None) -> Field:
        """Pixels (n, m, 3), 0 to 1, in the other tone; `blotches` (n, m, 2) are those at these pixels."""
        lab = rgb_to_lab(pixels)
        if blotches is not None:
            lab[:, :, 1:] += blotches
        light, a, b = cv2.split(lab)
        lit = np.clip((light + np.float32(_BLACK)) * np.float32(1 / (self.light + _BLACK)), 0, np.float32(1.2))
        step = (light * np.float32((len(self.lighter) - 1) / 100) + np.float32(0.5)).astype(np.int32)
        light += self.lighter.take(step, mode="clip")
        for plane, by in ((a, self.shift[0]), (b, self.shift[1])):
            plane *= self.chroma
            plane += by * lit
        return to_rgb(np.asarray(cv2.merge([light, a, b]), dtype=np.float32))


def _planned(view: View, skin: Field, tone: _Tone, unit: float, strength: float) -> _Change:
    """What gives skin (h, w) of a view another tone."""
    lab = rgb_to_lab(view.picture)
    sure = np.asarray(skin * (skin > 0.6), dtype=np.float32)
    mean = weighted_mean(lab, sure if sure.sum() >= 1 else skin)
    gamma = tone.gamma**strength
    if gamma > 1:  # dark skin would get muddy, and colourful skin orange
        gamma = 1 + (gamma - 1) * float(np.interp(mean[0], (15, 50), (0.4, 1.0)))
    own = float(np.hypot(mean[1], mean[2]))
    less = 1 - 0.06 * min(strength, 1.0) if gamma > 1 else 1.0
    chroma = np.float32(tone.chroma**strength * float(np.interp(own, _COLORFUL, (1.0, less))))
    # a shift of colour is as visible on dark skin with less of it
    shift = np.array(tone.shift, dtype=np.float32) * np.float32(strength * np.clip((mean[0] + 20) / 80, 0.5, 1.1))
    if tone.hue is not None and own > _COLORLESS:
        angle = np.radians(np.clip(np.degrees(np.arctan2(mean[2], mean[1])), *tone.hue))
        there = own * np.array([np.cos(angle), np.sin(angle)])
        shift = shift * np.float32(np.interp(own, _COLORFUL, (1.0, 0.3))) + np.float32(_TO_HUE * strength) * (there - mean[1:])
    calm = np.float32(tone.calm * min(strength, 1.0))
    chroma, shift = chroma - calm, shift + calm * mean[1:]
    blotches = None
    if tone.even:
        sigma = max(0.5, _BLOTCH * unit * view.scale)
        share = wide_blur(skin, sigma)[:, :, None] + np.float32(1e-3)
        low = wide_blur(lab[:, :, 1:] * skin[:, :, None], sigma) / share
        far = np.clip(low - mean[1:], -14, 14)
        blotches = np.asarray(-tone.even * strength * far * np.clip(share * 2, 0, 1), dtype=np.float32)
    steps, light = np.linspace(0, 100, 4001, dtype=np.float32), float(mean[0])
    lighter = (100 * (steps / 100) ** gamma - steps) * smoothstep(steps, 0.1 * light, 0.65 * max(light, 1.0))
    return _Change(light, np.asarray(lighter, dtype=np.float32), chroma, shift, blotches)  # no edge is seen in deep shadow


def _bare(photo: Picture, subject: Subject, view: View, skin: Field, unit: float) -> Field | None:
    """(h, w): hands, arms and shoulders, that the parser has no name for: of the face's colours, on the person, and next to known skin.

    None where there is nothing of the kind, or without the network that finds people.
    """
    lab = rgb_to_lab(view.picture)
    known = lab[skin > 0.9]
    if len(known) < 50:
        return None
    middle, spread = np.median(known, axis=0), known.std(axis=0) + np.array([4.0, 2.0, 2.0], dtype=np.float32)
    blurred = cv2.GaussianBlur(lab, (0, 0), max(0.5, 0.02 * unit * view.scale))
    apart = (blurred - middle) / spread
    like = 1 - smoothstep(np.sqrt((apart * apart * np.array([0.6, 1, 1], dtype=np.float32)).sum(axis=2)), *_ALIKE)
    own_chroma = float(np.hypot(middle[1], middle[2]))
    if own_chroma >= _COLORLESS:  # below it chroma is noise
        chroma = np.hypot(blurred[:, :, 1], blurred[:, :, 2])
        like *= smoothstep(chroma, 0.5 * own_chroma, 0.8 * own_chroma)  # a white shirt in warm light is none
    like *= (1 - _cover(subject, view, *_OTHER)) * _near_body(subject, view) * nearer_to_own(subject, view)
    least = (0.25 * unit * view.scale) ** 2
    if np.count_nonzero((like > 0.4) & (skin < 0.1)) < least:
        return None
    odds = people_in(photo, [subject.face], _whole_shape(photo, view))
    if odds is None:
        return None
    rows, columns = view.window
    by = (odds.shape[0] / photo.shape[0], odds.shape[1] / photo.shape[1])
    top, bottom = int(rows.start * by[0]), max(int(rows.start * by[0]) + 1, round(rows.stop * by[0]))
    left, right = int(columns.start * by[1]), max(int(columns.start * by[1]) + 1, round(columns.stop * by[1]))
    person = enlarge(np.ascontiguousarray(odds[top:bottom, left:right]), view.shape[::-1])
    found = np.asarray(like * smoothstep(person, 0.4, 0.8), dtype=np.float32)
    touching = np.asarray((found > 0.4) | (skin > 0.6), dtype=np.uint8)
    marks = np.asarray(cv2.morphologyEx(touching, cv2.MORPH_CLOSE, np.ones((3, 3), dtype=np.uint8)))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(marks)
    own = np.unique(labels[skin > 0.9])
    large = np.flatnonzero(stats[:, cv2.CC_STAT_AREA] > least)
    kept = np.isin(labels, np.intersect1d(np.setdiff1d(large, [0]), own))
    near = feather(np.asarray(kept, dtype=np.float32) * found, view, 0.02 * unit)
    return np.asarray(np.clip(near, 0, 1), dtype=np.float32)


def _near_body(subject: Subject, view: View) -> Field:
    """(h, w): 1 near the head and where shoulders and hands of the same person are, 0 where those of others may be."""
    five = view.to_view(subject.face.points)
    eyes, mouth = five[:2].mean(axis=0), five[3:].mean(axis=0)
    down = (mouth - eyes) / max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    x, y = x - np.float32(eyes[0]), y - np.float32(eyes[1])
    pixel = max(face_unit(subject) * view.scale, 1e-3)
    aside, below = np.abs(x * down[1] - y * down[0]) / pixel, (x * down[0] + y * down[1]) / pixel
    half = 1.35 + 1.5 * smoothstep(below, 1.2, 2.4)
    return np.asarray((1 - smoothstep(aside / half, 0.8, 1.1)) * smoothstep(below, -0.9, -0.6), dtype=np.float32)


def _whole_shape(photo: Picture, view: View) -> tuple[int, int]:
    """Height and width of a small copy of the photo, no finer than the view and at most 512 pixels wide or high."""
    scale = min(view.scale, 512 / max(photo.shape[:2]))
    return max(1, round(photo.shape[0] * scale)), max(1, round(photo.shape[1] * scale))
