"""Brighter eyes, and skin under the eyes without dark circles and bags: by the mesh's lids and irises."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit, filled, part_cover
from lianpu.effects.live import add_in_place, live_skin, live_view, repaint, share_in, sharpened, soften
from lianpu.faces.live import LiveFace
from lianpu.faces.mesh import IRIS_CENTRES, outline
from lianpu.faces.results import Mesh, Points, Subject
from lianpu.imaging.color import rgb_to_lab, to_rgb, weighted_mean
from lianpu.imaging.compositing import Field, Paint, View, add_change, blend, view_of
from lianpu.imaging.geometry import Window, window_around
from lianpu.imaging.masks import feather, grown, smoothstep, wide_blur
from lianpu.imaging.picture import Picture
from lianpu.part_names import part_index

_EYES_PX, _UNDER_PX = 150.0, 64.0
"""Most pixels of the face's unit that live forms compute at: of eyes, and of the skin under them."""

_IRIS = 0.093
"""Radius of an iris in units of the face: irises are all about 11.7 mm wide, eyes 63 mm apart (Rüfer et al. 2005; Dodgson 2004)."""

_OPEN = (5.0, 9.0)
"""Range of lightness within an eye, from which on it is open and large enough to tell white from iris."""


def brighten_eyes(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with the whites of the subject's eyes whiter and the irises clearer; pupils and catch lights stay."""
    unit = face_unit(subject)
    for place, part in enumerate(("r_eye", "l_eye")):
        points = subject.landmarks.points[36 + 6 * place : 42 + 6 * place]
        if subject.mesh is not None:
            points = outline(subject.mesh, _EYES[part])
        window = _within(subject.window, window_around(photo, points, 0.12 * unit))
        if window is None:
            continue
        view = view_of(photo, window)
        seen = _cover_in(subject, view, part)
        opening = filled(view, points) * grown(seen, 0.02 * unit * view.scale)
        eye = _eye_of(view, feather(opening, view, 0.006 * unit), subject.mesh, part, unit)
        if eye is not None and seen.sum() >= 4:
            photo = blend(photo, view, eye.white * np.float32(strength), _white_paint(eye))
            photo = blend(photo, view, eye.iris * np.float32(strength), _iris_paint(eye))
    return photo


def live_brighten_eyes(frame: Picture, face: LiveFace, strength: float) -> None:
    """`brighten_eyes` in a live frame (H, W, 3), in place; it fades where an eye closes."""
    unit = face.face.unit_px
    for part, region in _EYES.items():
        window = window_around(frame, outline(face.mesh, region), 0.12 * unit)
        if window is None:
            continue
        view = live_view(frame, window, unit, _EYES_PX)
        opening = filled(view, outline(face.mesh, region))
        if face.shares:
            opening = opening * grown(sharpened(share_in(face, view, part)), 0.02 * unit * view.scale)
        eye = _eye_of(view, soften(opening, 0.006 * unit * view.scale), face.mesh, part, unit)
        if eye is not None:
            repaint(frame, view, eye.white * np.float32(strength), _white_paint(eye))
            view = View(view.window, live_view(frame, window, unit, _EYES_PX).picture)
            repaint(frame, view, eye.iris * np.float32(strength), _iris_paint(eye))


_EYES = {"r_eye": "right_eye", "l_eye": "left_eye"}
"""The mesh's region of each part."""


@dataclass(frozen=True, eq=False)
class _Eye:
    """An open eye in a view.

    Args:
        white: (h, w) weight of the white.
        iris: (h, w) weight of the iris without its pupil and its dark rim, more in its lower half, opposite the light.
        dark: lightness of the darkest parts.
        light: lightness of the white.
        middle: lightness of the iris.
    """

    white: Field
    iris: Field
    dark: float
    light: float
    middle: float


def _eye_of(view: View, opening: Field, mesh: Mesh | None, part: str, unit: float) -> _Eye | None:
    """The eye in a view, by the coverage (h, w) between its lids; None where it is closed or too small to tell white from iris."""
    inside = opening > min(0.5, float(opening.max()) / 2)
    if inside.sum() < 12:
        return None
    lab = rgb_to_lab(view.picture)
    dark, light = np.percentile(lab[:, :, 0][inside], (12, 92)).tolist()
    sure = float(smoothstep(np.array(light - dark), *_OPEN))
    if sure == 0:
        return None
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    radius = _IRIS * unit * view.scale
    region = _EYES[part].replace("eye", "iris")
    if mesh is not None and len(mesh.points) > max(IRIS_CENTRES.values()):
        centre, rim = view.to_view(mesh.points[[IRIS_CENTRES[region]], :2])[0], view.to_view(outline(mesh, region))
        radius = float(np.clip(np.linalg.norm(rim - centre, axis=1).max(), 0.8 * radius, 1.2 * radius))
    else:  # the iris is the dark part of an eye
        darkness = np.where(inside, np.maximum(dark + 0.4 * (light - dark) - lab[:, :, 0], 0), 0)
        total = max(float(darkness.sum()), 1e-6)
        centre = np.array([float((darkness * x).sum()) / total, float((darkness * y).sum()) / total])
    away = np.hypot(x - np.float32(centre[0]), y - np.float32(centre[1])) / np.float32(max(radius, 0.5))
    soft = max(0.08, 0.7 / max(radius, 0.5))
    within = opening * (1 - smoothstep(away, 0.9 - soft, 0.9 + soft))
    irises = lab[:, :, 0][(within > 0.5) & (away > 0.45)]
    middle = float(np.median(irises)) if len(irises) >= 3 else dark + 0.2 * (light - dark)
    lower = 0.75 + 0.35 * np.clip((y - np.float32(centre[1])) / np.float32(max(radius, 0.5)), -1, 1)
    iris = within * smoothstep(away, 0.28, 0.5) * lower * np.float32(sure)
    white = opening * smoothstep(away, 1.0 - soft, 1.0 + soft) * np.float32(sure)
    return _Eye(np.asarray(white, dtype=np.float32), np.asarray(iris, dtype=np.float32), dark, light, middle)


def _white_paint(eye: _Eye) -> Paint:
    """A paint function that whitens what is light and hardly coloured, and takes the red from it; it stays darker than paper."""
    span = eye.light - eye.dark
    whitest = min(90.0, eye.light + 17.0)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        chroma = np.hypot(lab[:, :, 1], lab[:, :, 2])
        like = smoothstep(lab[:, :, 0], eye.dark + 0.3 * span, eye.dark + 0.7 * span) * (1 - smoothstep(chroma, 22, 38))
        lab[:, :, 0] += like * 0.6 * np.maximum(whitest - lab[:, :, 0], 0)
        lab[:, :, 1:] *= 1 - 0.65 * like[:, :, None]
        return to_rgb(lab)

    return paint


_BROWN = np.array([3.0, 6.0], dtype=np.float32)
"""a and b of CIE Lab that are added to brown irises that look black."""


_REDDEST, _RED = np.float32(0.7), np.float32(2.0)
"""a of an iris over its b, at most, and what a it may have in any case: brown is yellower than red, and no iris is red or purple."""

_DEEPER, _DEEPEST = np.float32(0.75), np.float32(7.0)
"""Share by which an iris gets more colourful, and the most (a and b of CIE Lab): more would be another colour."""


def _iris_paint(eye: _Eye) -> Paint:
    """A paint function that lightens an iris and makes its colour and pattern stand out; catch lights stay."""
    lift = np.float32(np.clip(min(11.0 + 0.25 * eye.middle, 0.45 * (eye.light - eye.middle)), 5.0, 18.0))  # well below the white
    dark = np.float32(1 - smoothstep(np.array(eye.middle), 14, 34))  # brown irises that look black get their brown

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        lab = rgb_to_lab(pixels)
        above = lab[:, :, 0] - np.float32(eye.middle)
        kept = 1 - smoothstep(above, 14, 30)  # a catch light
        seen, warm = smoothstep(lab[:, :, 0], 2, 10), smoothstep(lab[:, :, 2], 1, 6)
        dull = np.clip((92 - lab[:, :, 0]) / 20, 0, 1)  # a catch light that is not white yet
        brighter = 0.2 * (1 - kept) * dull * np.clip(above, 0, 40)
        lab[:, :, 0] += kept * seen * (lift + 0.4 * np.clip(above, -10, 16)) + brighter
        deeper = kept * seen * np.where(lab[:, :, 2] < 0, _DEEPER * (1 - dark), _DEEPER)  # a dark iris is blue by the light alone
        lab[:, :, 1:] += np.clip(deeper[:, :, None] * lab[:, :, 1:], -_DEEPEST, _DEEPEST)
        lab[:, :, 1:] += (kept * seen * dark * warm)[:, :, None] * _BROWN
        lab[:, :, 1] = np.minimum(lab[:, :, 1], np.maximum(_REDDEST * lab[:, :, 2], _RED))
        return to_rgb(lab)

    return paint


_UNDER = {
    "right": (
        (130, 25, 110, 24, 23, 22, 26, 112, 243),
        (143, 111, 117, 118, 119, 120, 121, 128, 245),
        (50, 101, 100, 36, 205),
    ),
    "left": (
        (359, 255, 339, 254, 253, 252, 256, 341, 463),
        (372, 340, 346, 347, 348, 349, 350, 357, 465),
        (280, 330, 329, 266, 425),
    ),
}
"""For each of the person's sides: points of the mesh below the lashes and along the lower edge of the hollow, from the outer corner, and
points on the cheek."""

_LIGHTENED, _TONED, _FLATTENED = 1.0, 0.9, 0.8
"""Shares at a strength of 1: of the way to the cheek's lightness and to its tone, and of bags and creases that are taken."""

_CONCEALED = 3.0
"""By how much (L of CIE Lab) the skin under the eyes gets lighter than the cheek, as concealer is."""


_MOST_LIGHTER = 16.0
"""By how much (L) at most it gets lighter: what is darker is a shadow of the light, or paint."""

_FADES = (0.04, 0.42)
"""Where, from the outer corner to the inner one, the change begins and is whole: make-up and shadows beside the eye stay, without a step."""


def under_eye(photo: Picture, subject: Subject, strength: float) -> Picture:
    """The photo (H, W, 3) with dark circles and bags under the subject's eyes lighter, towards the tone of the cheeks.

    Dark glasses stay as they are.
    """
    view = view_of(photo, subject.window)
    skin, lens = part_cover(subject, view, "skin", "nose"), part_cover(subject, view, "eye_g")
    hollows = _hollows_by_68(subject) if subject.mesh is None else _hollows(subject.mesh)
    return add_change(photo, view, _evening(view, skin, lens, hollows, face_unit(subject), strength))


def live_under_eye(frame: Picture, face: LiveFace, strength: float) -> None:
    """`under_eye` in a live frame (H, W, 3), in place."""
    unit = face.face.unit_px
    window = window_around(frame, outline(face.mesh, "face_oval"), 0.1 * unit)
    if window is None:
        return
    view = live_view(frame, window, unit, _UNDER_PX)
    lens = share_in(face, view, "eye_g") if face.shares else np.zeros(view.shape, dtype=np.float32)
    add_in_place(frame, view, _evening(view, live_skin(face, view), lens, _hollows(face.mesh), unit, strength))


@dataclass(frozen=True, eq=False)
class _Hollow:
    """The skin under an eye, by points (K, 2) of the photo: the eye's outline, below the lashes, along the lower edge, and on the cheek."""

    eye: Points
    lid: Points
    edge: Points
    cheek: Points


def _hollows(mesh: Mesh) -> list[_Hollow]:
    return [
        _Hollow(outline(mesh, f"{side}_eye"), *(mesh.points[list(points), :2] for points in groups))
        for side, groups in _UNDER.items()
    ]


def _hollows_by_68(subject: Subject) -> list[_Hollow]:
    """The same by the 68 points, for faces without a mesh."""
    points, five = np.asarray(subject.landmarks.points), np.asarray(subject.face.points)
    down = (five[3:] - five[:2]).mean(axis=0)
    down = down * np.float32(face_unit(subject) / max(float(np.linalg.norm(down)), 1e-6))
    found = []
    for first, lower in ((36, (36, 41, 40, 39)), (42, (45, 46, 47, 42))):
        lid = points[list(lower)] + 0.06 * down
        bow = np.array([0.06, 0.26, 0.26, 0.12], dtype=np.float32)[:, None]
        found.append(_Hollow(points[first : first + 6], lid, lid + bow * down, lid[1:] + 0.45 * down))
    return found


def _evening(view: View, skin: Field, lens: Field, hollows: list[_Hollow], unit: float, strength: float) -> Field:
    """The change (h, w, 3) of a view that lightens the skin under both eyes. What is finer than a crease stays.

    Skin seen through glasses counts by its colour, so that frames, reflections and dark lenses stay.
    """
    pixel = unit * view.scale
    change = np.zeros_like(view.picture)
    fine = wide_blur(view.picture, max(0.4, 0.012 * pixel))
    lab = rgb_to_lab(np.clip(fine, 0, 1))
    # a dark crease is no other thing than the skin around it
    coarse = np.asarray(cv2.GaussianBlur(lab, (0, 0), max(0.4, 0.03 * pixel)), dtype=np.float32)
    eyes = np.maximum(*(filled(view, hollow.eye) for hollow in hollows))
    free = np.clip(skin - grown(eyes, 0.02 * pixel), 0, 1)
    for hollow in hollows:
        own = _cheek_tone(view, lab, free, hollow.cheek, 0.11 * pixel)
        if own is None:
            continue
        bare = np.asarray(free * _alike(coarse, own) + lens * (1 - eyes) * _alike(lab, own), dtype=np.float32)
        lid = hollow.lid + 0.2 * (hollow.edge - hollow.lid)
        region = soften(filled(view, np.concatenate([lid, hollow.edge[::-1]])), 0.06 * pixel)
        weight = region * soften(bare, 0.012 * pixel) * bare * _from_outside(view, hollow)
        low = _mean_within(fine, bare, 0.04 * pixel)
        low_lab = rgb_to_lab(np.clip(low, 0, 1))
        toned = low_lab.copy()
        toned[:, :, 0] += np.float32(_LIGHTENED) * np.clip(own[0] + _CONCEALED - low_lab[:, :, 0], 0, _MOST_LIGHTER)
        toned[:, :, 1:] += np.float32(_TONED) * (own[1:] - low_lab[:, :, 1:])
        bags = np.float32(_FLATTENED) * (low - fine)
        change += (to_rgb(toned) - to_rgb(low_lab) + bags) * (weight * np.float32(strength))[:, :, None]
    return change


def _alike(lab: Field, tone: Field) -> Field:
    """(h, w): how much colours (h, w, 3) of CIE Lab are like a tone of skin (3,)."""
    apart = np.linalg.norm((lab - tone) * np.array([0.7, 1, 1], dtype=np.float32), axis=2)
    return np.asarray(1 - smoothstep(apart, 16, 28), dtype=np.float32)


def _from_outside(view: View, hollow: _Hollow) -> Field:
    """How much (h, w) of the change happens between the outer end of a hollow, whose points come first, and its inner end."""
    ends = view.to_view(np.stack([hollow.edge[0], hollow.edge[-1]]))
    along = ends[1] - ends[0]
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    share = ((x - ends[0, 0]) * along[0] + (y - ends[0, 1]) * along[1]) / max(float(along @ along), 1e-6)
    return np.asarray(smoothstep(share, *_FADES), dtype=np.float32)


def _cheek_tone(view: View, lab: Field, skin: Field, points: Points, radius: float) -> Field | None:
    """Lab (3,) of the skin around some points of the photo; None where there is none."""
    y, x = np.mgrid[: view.shape[0], : view.shape[1]].astype(np.float32)
    near = np.zeros(view.shape, dtype=np.float32)
    for at in view.to_view(points):
        far = ((x - np.float32(at[0])) ** 2 + (y - np.float32(at[1])) ** 2) / np.float32(max(radius, 1.0) ** 2)
        near = np.maximum(near, np.exp(-2 * far))
    weight = np.asarray(near * (skin > 0.7), dtype=np.float32)
    return None if weight.sum() < 3 else weighted_mean(lab, weight)


def _mean_within(picture: Field, weight: Field, sigma: float) -> Field:
    """The picture (h, w, 3) blurred within a mask (h, w); where there is none of it nearby, the picture itself."""
    share = wide_blur(weight, sigma)[:, :, None]
    inside = wide_blur(picture * weight[:, :, None], sigma) / (share + np.float32(1e-4))
    return np.asarray(picture + (inside - picture) * np.clip(4 * share, 0, 1), dtype=np.float32)


def _within(whole: Window, part: Window | None) -> Window | None:
    """The rows and columns of `part` that lie in `whole`; None if there are none."""
    if part is None:
        return None
    rows, columns = (
        slice(max(one.start, other.start), min(one.stop, other.stop)) for one, other in zip(whole, part, strict=True)
    )
    return None if rows.start >= rows.stop or columns.start >= columns.stop else (rows, columns)


def _cover_in(subject: Subject, view: View, name: str) -> Field:
    """Coverage (h, w) of a part; `view` lies within the subject's window."""
    (top, left), (rows, columns) = (span.start for span in subject.window), view.window
    part = subject.parts.mask[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    mask = (part == part_index(name)).astype(np.float32)
    if mask.shape == view.shape:
        return mask
    return np.asarray(cv2.resize(mask, view.shape[::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
