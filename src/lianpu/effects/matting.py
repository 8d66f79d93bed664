"""Person matting: faces and parsed parts, and the bodies below them, which the parser does not cover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.faces.person import people_in
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, View, upsample, view_of
from lianpu.imaging.geometry import enlarge, scale_points, scaled_size
from lianpu.imaging.masks import apply_coefficients, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture

FROM_MESH = "mesh"
"""The parser's name of parts made from the face mesh: they have no hair, so what is no part of theirs need not be background."""

_VIEW_PX = 768

_FULL = (0.12, 0.88)

_BAND_SHARE = 0.06

_SMOOTHNESS = 2e-4

_SURE_ISLAND, _LEAST_ISLAND = 0.9, 0.004

_PARSED, _PARSED_HEAD, _NOT_PARSED = 2.0, 6.0, 2.5
"""Log-odds that a parser adds to the network's: for a part anywhere and near a head; against what is no part near a head."""

_SEARCHED_PX = 224

_ROUNDS = 2

_NECK = 1.2

_WIDEST = ((1.2, 2.2, 5.0, 9.0), (1.8, 3.2, 5.0, 5.5))

_PROBABLE = ((1.2, 2.3, 3.4, 6.0), (0.5, 0.9, 2.4, 2.4))

_SURE = 1.0
"""Half widths that a body may have, probably has and surely has, at heights below the eyes, in units (the distance of the eyes)."""

_REACHES = (0.2, 0.14, 0.08)

_COLORS, _COLORS_FROM = 12, 4000

_UNLIKE = 12.0
"""A pixel in a possible body area that differs by more than this (CIE76) from the sure background is no background."""


@dataclass(frozen=True, eq=False)
class PersonMatte:
    """How much of each pixel of a photo is a person, and the colours on both sides of the edges.

    Args:
        view: the whole photo, downscaled.
        coefficients: (h, w, 4), of a linear function of a pixel's colour: the matte follows the photo's edges at full resolution.
        matte: (h, w), 0 background to 1 person, over the view.
        person: (h, w, 3), colours of the nearest people.
        ground: (h, w, 3), colours of the nearest background.
    """

    view: View
    coefficients: Field
    matte: Field
    person: Field
    ground: Field

    def alpha(self, pixels: Field, rows: slice, columns: slice) -> Field:
        """(n, m): the matte of some of the photo's rows and columns, whose pixels (n, m, 3) are given."""
        return _contrast(apply_coefficients(upsample(self.coefficients, self.view.window, rows, columns), pixels))

    def remove_ground(self, pixels: Field, alpha: Field, rows: slice, columns: slice) -> None:
        """Estimate, in place, the person's own colour where a pixel mixes person and background: no halo of the old background.

        Forte 2021, Approximate Fast Foreground Colour Estimation ("blur fusion"), with colours from several scales.
        """
        mixed = (alpha > 0) & (alpha < 1)
        across = np.flatnonzero(mixed.any(axis=0))
        if not len(across):
            return
        part = slice(int(across[0]), int(across[-1]) + 1)
        inside = slice(columns.start + part.start, columns.start + part.stop)
        mixed = mixed[:, part]
        person = upsample(self.person, self.view.window, rows, inside)[mixed]
        ground = upsample(self.ground, self.view.window, rows, inside)[mixed]
        share = alpha[:, part][mixed][:, None]
        wanted = pixels[:, part][mixed]
        own = person + share * (wanted - share * person - (1 - share) * ground)
        pixels[:, part][mixed] = np.clip(own, 0, 1)


def person_matte(photo: Picture, subjects: Sequence[Subject]) -> PersonMatte:
    """The matte of the people of a photo (H, W, 3): the subjects, and other people that the network sees."""
    view = view_of(photo, (slice(0, photo.shape[0]), slice(0, photo.shape[1])), _VIEW_PX)
    unit = view.scale * float(np.median([face_unit(subject) for subject in subjects]))
    own = _own(photo, subjects, view)
    rough = _rough(photo, subjects, own, view)
    coefficients = _projected(_aligned(_without_islands(rough, own), own, view, unit), view, unit)
    matte = _contrast(apply_coefficients(coefficients, view.picture))
    return PersonMatte(
        view, coefficients, matte, _nearby(view.picture, matte**2, unit), _nearby(view.picture, (1 - matte) ** 2, unit)
    )


def _contrast(values: Field) -> Field:
    return smoothstep(values, *_FULL)


def _without_islands(mask: Field, faces: Field) -> Field:
    """The mask (h, w) without connected components that hold no face, unless the network is sure of them."""
    _, labels = cv2.connectedComponents((mask > 0.5).astype(np.uint8))
    sums = np.bincount(labels.ravel(), weights=mask.ravel())
    areas = np.bincount(labels.ravel())
    kept = (sums > _SURE_ISLAND * areas) & (areas > _LEAST_ISLAND * mask.size)
    kept[np.unique(labels[faces > 0.5])] = True
    kept[0] = True
    near = cv2.dilate((~kept[labels]).astype(np.uint8), np.ones((5, 5), dtype=np.uint8))
    return np.where(near & (mask < 0.5) | ~kept[labels], np.float32(0), mask)


def _aligned(rough: Field, faces: Field, view: View, unit: float) -> Field:
    """Coefficients (h, w, 4) that align a rough mask (h, w) with the photo's edges; `faces` (h, w): where parsed people are."""
    matte = smoothstep(rough, 0.2, 0.8)
    for share in _REACHES:
        matte = _without_islands(matte, faces)
        reach = max(2, round(share * unit))
        coefficients = guided_filter_coefficients(matte, view.picture, reach, _SMOOTHNESS)
        matte = _contrast(apply_coefficients(coefficients, view.picture))
    return coefficients


def _projected(coefficients: Field, view: View, unit: float) -> Field:
    """The coefficients, at edges mixed with those of a pixel's position between the colours of the nearest person and background."""
    matte = _contrast(apply_coefficients(coefficients, view.picture))
    reach = 2 * max(1, round(_BAND_SHARE * unit)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    sure = np.asarray(cv2.erode((matte > 0.95).astype(np.float32), kernel), dtype=np.float32)
    none = np.asarray(cv2.erode((matte < 0.05).astype(np.float32), kernel), dtype=np.float32)
    picture = view.picture
    person, ground = _nearby(picture, sure, unit), _nearby(picture, none, unit)
    spread = (_nearby(picture**2, sure, unit) - person**2 + _nearby(picture**2, none, unit) - ground**2).clip(0).sum(axis=2)
    apart = person - ground
    length = (apart**2).sum(axis=2)
    share = length / (length + 4 * spread + np.float32(0.01))
    share = share * wide_blur(((1 - sure) * (1 - none)).astype(np.float32), 1.0)
    slopes = apart / np.maximum(length, 1e-4)[:, :, None]
    offset = -(slopes * ground).sum(axis=2)
    between = np.dstack([slopes, offset])
    return np.asarray(coefficients + share[:, :, None] * (between - coefficients), dtype=np.float32)


def _nearby(picture: Field, weight: Field, unit: float) -> Field:
    """(h, w, 3): for each pixel the mean colour of the nearest pixels that have a weight (h, w)."""
    planes = np.dstack([picture * weight[:, :, None], weight])
    total = np.zeros_like(planes)
    for sigma, share in zip((0.06, 0.25, 1.0, 4.0), (1, 1e-2, 1e-4, 1e-6), strict=True):
        total += np.float32(share) * wide_blur(planes, max(1.0, sigma * unit))
    return np.asarray(total[:, :, :3] / np.maximum(total[:, :, 3:], 1e-12), dtype=np.float32)


def _rough(photo: Picture, subjects: Sequence[Subject], own: Field, view: View) -> Field:
    """(h, w): probability of people, from the network and the parser, or from GrabCut where the network is absent."""
    people = people_in(photo, [subject.face for subject in subjects], view.shape)
    if people is None:
        return _searched(photo, subjects, own, view)
    odds = np.log(people) - np.log1p(-people)
    heads = _reliable(photo, subjects, view)
    odds += own * (_PARSED + (_PARSED_HEAD - _PARSED) * heads)
    odds -= _NOT_PARSED * (1 - own) * heads
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float32)


def _own(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """(h, w): how much of each pixel a parser took for a part of a person."""
    seen = _seen(photo, subjects)
    small = cv2.resize(seen, view.shape[::-1], interpolation=cv2.INTER_AREA).reshape(view.shape)
    return small.astype(np.float32) / np.float32(255)


def _reliable(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """(h, w): 1 around heads, where what a parser calls background is background; 0 over other people's bodies."""
    known = np.zeros(view.shape, dtype=np.float32)
    for subject in subjects:
        if subject.parts.parser != FROM_MESH:
            known = np.maximum(known, _heads(subject, view, photo))
    if len(subjects) > 1:  # the parser sees one face and labels other people's bodies as background
        for subject in subjects:
            u, v = _body_places(subject, view.shape, photo)
            known[(v > _NECK) & (np.abs(u) < np.interp(v, *_WIDEST))] = 0
    return known


def _searched(photo: Picture, subjects: Sequence[Subject], own: Field, view: View) -> Field:
    """(h, w): mask of people: the parser's faces, hair, necks and clothes, and bodies segmented by GrabCut.

    Rother, Kolmogorov & Blake 2004, "GrabCut": Interactive Foreground Extraction using Iterated Graph Cuts; in OpenCV.
    """
    size = scaled_size(view.picture, min(1.0, _SEARCHED_PX / max(view.shape)))
    if min(size) < 8 or not (own > 0.5).any():
        return own
    small = np.asarray(cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA) * 255, dtype=np.uint8)
    guess = _guess(cv2.resize(_seen(photo, subjects), size, interpolation=cv2.INTER_AREA), subjects, photo)
    found = _cut(np.ascontiguousarray(small[:, :, ::-1]), guess)
    body = enlarge(found.astype(np.float32), view.shape[::-1])
    known = _reliable(photo, subjects, view)
    return np.asarray(known * own + (1 - known) * np.maximum(body, own), dtype=np.float32)


def _seen(photo: Picture, subjects: Sequence[Subject]) -> np.ndarray:
    """(H, W) uint8: 255 where a parser found any part of a person."""
    whole = np.zeros(photo.shape[:2], dtype=np.uint8)
    for subject in (one.wide() for one in subjects):
        part = whole[subject.window]
        np.maximum(part, (subject.parts.mask > 0).astype(np.uint8) * 255, out=part)
    return whole


def _heads(subject: Subject, view: View, photo: Picture) -> Field:
    """(h, w): 1 around the head, where the parser is reliable, falling to 0 towards the shoulders and the crop's border."""
    u, v = _face_places(subject, view.shape, photo)
    return 1 - smoothstep(np.hypot(u / 1.75, (v + 0.1) / 1.9), 0.8, 1.0)


def _face_places(subject: Subject, shape: tuple[int, ...], photo: Picture) -> tuple[Field, Field]:
    """Coordinates (h, w) across and down a face, in units from the point between its eyes; bodies follow the photo's vertical."""
    left, right, _, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    eyes = (left + right) / 2
    down = (mouth_left + mouth_right) / 2 - eyes
    down = down / max(float(np.linalg.norm(down)), 1e-6)
    unit = face_unit(subject)
    x, y = _pixel_centres(shape, photo)
    x, y = (x - eyes[0]) / unit, (y - eyes[1]) / unit
    return (x * down[1] - y * down[0]).astype(np.float32), (x * down[0] + y * down[1]).astype(np.float32)


def _guess(seen: np.ndarray, subjects: Sequence[Subject], photo: Picture) -> np.ndarray:
    """(h, w) uint8: GrabCut's initial labels (sure and probable, background and person)."""
    guess = np.full(seen.shape, cv2.GC_BGD, dtype=np.uint8)
    bodies = [_body_places(subject, seen.shape, photo) for subject in subjects]
    for subject, (u, v) in zip(subjects, bodies, strict=True):
        near = max(1, round(0.25 * face_unit(subject) * seen.shape[1] / photo.shape[1]))
        around = cv2.dilate((seen > 100).astype(np.uint8), np.ones((2 * near + 1, 2 * near + 1), dtype=np.uint8)) > 0
        guess[around & (np.hypot(u, v) < 4)] = cv2.GC_PR_BGD
        guess[(v > _NECK) & (np.abs(u) < np.interp(v, *_WIDEST))] = cv2.GC_PR_BGD
    for u, v in bodies:
        guess[(v > _NECK) & (np.abs(u) < np.interp(v, *_PROBABLE))] = cv2.GC_PR_FGD
    for u, v in bodies:
        guess[(v > 3.2) & (np.abs(u) < _SURE)] = cv2.GC_FGD
    guess[seen > 100] = cv2.GC_PR_FGD
    guess[cv2.erode(seen, np.ones((3, 3), dtype=np.uint8)) > 200] = cv2.GC_FGD
    return guess


def _body_places(subject: Subject, shape: tuple[int, ...], photo: Picture) -> tuple[Field, Field]:
    """Like `_face_places`, but down is the photo's down unless the face lies on its side."""
    left, right, _, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = (mouth - eyes) / max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    if down[1] < 0.5:
        return _face_places(subject, shape, photo)
    unit = face_unit(subject)
    neck = eyes + 1.4 * unit * down
    x, y = _pixel_centres(shape, photo)
    x, y = np.broadcast_arrays((x - neck[0]) / unit, (y - neck[1]) / unit + 1.4)
    return x.astype(np.float32), y.astype(np.float32)


def _pixel_centres(shape: tuple[int, ...], photo: Picture) -> tuple[np.ndarray, np.ndarray]:
    """Pixel centres of a small copy (h, w) in the photo: x (1, w) and y (h, 1)."""
    x = scale_points(np.arange(shape[1]), photo.shape[1] / shape[1])
    return x[None], scale_points(np.arange(shape[0]), photo.shape[0] / shape[0])[:, None]


def _with_unlike(picture: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """The labels, with probable background that resembles no sure background changed to probable person: GrabCut models both kinds of
    background together and would otherwise take a sleeve for background."""
    sure, probable = guess == cv2.GC_BGD, guess == cv2.GC_PR_BGD
    if sure.sum() < 16 * _COLORS or not probable.any():
        return guess.copy()
    lab = rgb_to_lab(np.ascontiguousarray(picture[:, :, ::-1]).astype(np.float32) / np.float32(255))
    some = lab[sure][:: max(1, int(sure.sum()) // _COLORS_FROM)]
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    _, _, colors = cv2.kmeans(some, _COLORS, np.empty(0), ends, 1, cv2.KMEANS_PP_CENTERS)
    usual = float(np.percentile(_from_nearest(some, colors), 98))
    result = guess.copy()
    result[probable] = np.where(_from_nearest(lab[probable], colors) > usual + _UNLIKE, cv2.GC_PR_FGD, cv2.GC_PR_BGD)
    return result


def _from_nearest(values: np.ndarray, colors: np.ndarray) -> np.ndarray:
    """Distance of each value (n, 3) to the nearest of the colours (k, 3)."""
    return np.asarray(np.linalg.norm(values[:, None] - colors[None], axis=2).min(axis=1))


def _cut(picture: np.ndarray, guess: np.ndarray) -> np.ndarray:
    """(h, w) bool: GrabCut's people, without components that touch no sure person."""
    sure = guess == cv2.GC_FGD
    if not sure.any():
        return np.asarray(guess == cv2.GC_PR_FGD)
    cut = _with_unlike(picture, guess)
    if (guess != cv2.GC_FGD).any() and ((guess == cv2.GC_BGD) | (guess == cv2.GC_PR_BGD)).any():
        cv2.setRNGSeed(0)  # its clusters start at random: the same photo must give the same mask
        cv2.grabCut(picture, cut, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), _ROUNDS, cv2.GC_INIT_WITH_MASK)
    found = ((cut == cv2.GC_FGD) | (cut == cv2.GC_PR_FGD)).astype(np.uint8)
    found = cv2.morphologyEx(found, cv2.MORPH_CLOSE, np.ones((3, 3), dtype=np.uint8))
    _, labels = cv2.connectedComponents(found)
    return np.isin(labels, np.setdiff1d(np.unique(labels[sure]), [0]))
