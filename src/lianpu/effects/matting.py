"""Person matting: faces and parsed parts, and the bodies below them, which the parser does not cover."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, View, upsample
from lianpu.imaging.geometry import enlarge, scale_points, scaled_size
from lianpu.imaging.masks import apply_coefficients, guided_filter_coefficients, smoothstep
from lianpu.imaging.picture import Picture

_SEARCHED_PX = 224

_ROUNDS = 2

_NECK = 1.2

_WIDEST = ((1.2, 2.2, 5.0, 9.0), (1.8, 3.2, 5.0, 5.5))

_PROBABLE = ((1.2, 2.3, 3.4, 6.0), (0.5, 0.9, 2.4, 2.4))

_SURE = 1.0
"""Half widths that a body may have, probably has and surely has, at heights below the eyes, in units (the distance of the eyes)."""

_EDGE_SHARE = 0.16

_COLORS, _COLORS_FROM = 12, 4000

_UNLIKE = 12.0
"""A pixel in a possible body area that differs by more than this (CIE76) from the sure background is no background."""


def person_weights(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """Coefficients (h, w, 4) of a guided filter that separates people from background (`apply_coefficients`); `view`: the whole photo."""
    persons = _searched(photo, subjects, view)
    reach = max(1, round(_EDGE_SHARE * view.scale * float(np.median([face_unit(subject) for subject in subjects]))))
    return guided_filter_coefficients(persons, view.picture, max(2, reach), 4e-4)


def person_matte(weights: Field, view: View, pixels: Field, rows: slice, columns: slice) -> Field:
    """(n, m): alpha matte of people, 0 for background."""
    return smoothstep(apply_coefficients(upsample(weights, view.window, rows, columns), pixels), 0.12, 0.88)


def _searched(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """(h, w): mask of people: the parser's faces, hair, necks and clothes, and bodies segmented by GrabCut.

    Rother, Kolmogorov & Blake 2004, "GrabCut": Interactive Foreground Extraction using Iterated Graph Cuts; in OpenCV.
    """
    size = scaled_size(view.picture, min(1.0, _SEARCHED_PX / max(view.shape)))
    seen = _seen(photo, subjects)
    own = cv2.resize(seen, view.shape[::-1], interpolation=cv2.INTER_AREA).reshape(view.shape).astype(np.float32) / np.float32(
        255
    )
    if min(size) < 8 or not (own > 0.5).any():
        return own
    small = np.asarray(cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA) * 255, dtype=np.uint8)
    guess = _guess(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), subjects, photo)
    found = _cut(np.ascontiguousarray(small[:, :, ::-1]), guess)
    body = enlarge(found.astype(np.float32), view.shape[::-1])
    known = np.zeros(view.shape, dtype=np.float32)
    for subject in subjects:
        known = np.maximum(known, _heads(subject, view, photo))
    if len(subjects) > 1:  # the parser sees one face and labels other people's bodies as background
        for subject in subjects:
            u, v = _body_places(subject, view.shape, photo)
            known[(v > _NECK) & (np.abs(u) < np.interp(v, *_WIDEST))] = 0
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
