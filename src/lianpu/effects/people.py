"""A rough mask of the people of a photo: a network's, with what the parser knows of heads; or by colour where the network is absent."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.faces.mesh import MESH_PARTS
from lianpu.faces.person import people_in
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.compositing import Field, View
from lianpu.imaging.geometry import enlarge, scale_points, scaled_size
from lianpu.imaging.masks import smoothstep
from lianpu.imaging.picture import Picture

_PARSED, _PARSED_HEAD, _NOT_PARSED = 2.0, 6.0, 4.0
"""Log-odds that a parser adds to the network's: for a part anywhere, for a part near a head, against what is no part near a head."""

_COARSE = 3
"""Where the parser is reliable is smooth: it is computed at a view this many times smaller."""

_SEARCHED_PX = 224

_ROUNDS = 2

_NECK = 1.2

_WIDEST = ((1.2, 2.2, 5.0, 9.0), (1.8, 3.2, 5.0, 5.5))

_PROBABLE = ((1.2, 2.3, 3.4, 6.0), (0.5, 0.9, 2.4, 2.4))

_SURE = 1.0
"""Half widths that a body may have, probably has and surely has, at heights below the eyes, in units (the distance of the eyes)."""

_COLORS, _COLORS_FROM = 12, 4000

_UNLIKE = 12.0
"""A pixel in a possible body area that differs by more than this (CIE76) from the sure background is no background."""


def people_mask(photo: Picture, subjects: Sequence[Subject], parsed: Field, view: View, *, network: bool = True) -> Field:
    """Probability (h, w), 0 to 1, that a pixel of `view`, the whole photo, shows a person: from the network and the parser, or from
    GrabCut where the network is absent. Its edges are rough.

    Args:
        photo: (H, W, 3) uint8.
        subjects: the faces that were found in it, one or more.
        parsed: of `parsed_people`.
        view: of the whole photo.
        network: take the network where it is; False for GrabCut.
    """
    people = people_in(photo, [subject.face for subject in subjects], view.shape) if network else None
    if people is None:
        return _searched(photo, subjects, parsed, view)
    odds = np.log(people) - np.log1p(-people)
    heads = _reliable(photo, subjects, view)
    odds += parsed * (_PARSED + (_PARSED_HEAD - _PARSED) * heads)
    odds -= _NOT_PARSED * (1 - parsed) * heads
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float32)


def parsed_people(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """How much of each pixel of `view`, the whole photo, a parser took for a part of a person: (h, w), 0 to 1."""
    seen = _seen(photo, subjects)
    small = cv2.resize(seen, view.shape[::-1], interpolation=cv2.INTER_AREA).reshape(view.shape)
    return small.astype(np.float32) / np.float32(255)


def _reliable(photo: Picture, subjects: Sequence[Subject], view: View) -> Field:
    """(h, w): 1 around heads, where what a parser calls background is background; 0 over other people's bodies."""
    width, height = scaled_size(view.picture, 1 / _COARSE)
    known = np.zeros((height, width), dtype=np.float32)
    for subject in subjects:
        if subject.parts.parser != MESH_PARTS:
            known = np.maximum(known, _heads(subject, known.shape, photo))
    if len(subjects) > 1:  # the parser sees one face and labels other people's bodies as background
        for subject in subjects:
            u, v = _body_coordinates(subject, known.shape, photo)
            known[(v > _NECK) & (np.abs(u) < np.interp(v, *_WIDEST))] = 0
    return np.asarray(enlarge(known, view.shape[::-1]), dtype=np.float32)


def _searched(photo: Picture, subjects: Sequence[Subject], parsed: Field, view: View) -> Field:
    """(h, w): mask of people: the parser's faces, hair, necks and clothes, and bodies segmented by GrabCut.

    Rother, Kolmogorov & Blake 2004, "GrabCut": Interactive Foreground Extraction using Iterated Graph Cuts; in OpenCV.
    """
    size = scaled_size(view.picture, min(1.0, _SEARCHED_PX / max(view.shape)))
    if min(size) < 8 or not (parsed > 0.5).any():
        return parsed
    small = np.asarray(cv2.resize(view.picture, size, interpolation=cv2.INTER_AREA) * 255, dtype=np.uint8)
    guess = _guess(cv2.resize(_seen(photo, subjects), size, interpolation=cv2.INTER_AREA), subjects, photo)
    found = _cut(np.ascontiguousarray(small[:, :, ::-1]), guess)
    body = enlarge(found.astype(np.float32), view.shape[::-1])
    known = _reliable(photo, subjects, view)
    return np.asarray(known * parsed + (1 - known) * np.maximum(body, parsed), dtype=np.float32)


def _seen(photo: Picture, subjects: Sequence[Subject]) -> np.ndarray:
    """(H, W) uint8: 255 where a parser found any part of a person."""
    whole = np.zeros(photo.shape[:2], dtype=np.uint8)
    for subject in (one.wide() for one in subjects):
        part = whole[subject.window]
        np.maximum(part, (subject.parts.mask > 0).astype(np.uint8) * 255, out=part)
    return whole


def _heads(subject: Subject, shape: tuple[int, ...], photo: Picture) -> Field:
    """(h, w): 1 around the head, where the parser is reliable, falling to 0 towards the shoulders and the crop's border."""
    u, v = _face_coordinates(subject, shape, photo)
    return 1 - smoothstep(np.hypot(u / 1.75, (v + 0.1) / 1.9), 0.8, 1.0)


def _face_coordinates(subject: Subject, shape: tuple[int, ...], photo: Picture) -> tuple[Field, Field]:
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
    bodies = [_body_coordinates(subject, seen.shape, photo) for subject in subjects]
    for subject, (u, v) in zip(subjects, bodies, strict=True):
        near = max(1, round(0.25 * face_unit(subject) * seen.shape[1] / photo.shape[1]))
        around = cv2.dilate((seen > 100).astype(np.uint8), np.ones((2 * near + 1, 2 * near + 1), dtype=np.uint8)) > 0
        guess[around & (np.hypot(u, v) < 4)] = cv2.GC_PR_BGD
        guess[(v > _NECK) & (np.abs(u) < np.interp(v, *_WIDEST))] = cv2.GC_PR_BGD
    for subject in subjects:
        if subject.parts.parser == MESH_PARTS:  # its hair is unknown
            u, v = _face_coordinates(subject, seen.shape, photo)
            guess[np.hypot(u / 2.3, (v + 0.3) / 2.6) < 1] = cv2.GC_PR_BGD
            guess[np.hypot(u / 1.4, (v + 0.3) / 1.8) < 1] = cv2.GC_PR_FGD
    for u, v in bodies:
        guess[(v > _NECK) & (np.abs(u) < np.interp(v, *_PROBABLE))] = cv2.GC_PR_FGD
    for u, v in bodies:
        guess[(v > 3.2) & (np.abs(u) < _SURE)] = cv2.GC_FGD
    guess[seen > 100] = cv2.GC_PR_FGD
    guess[cv2.erode(seen, np.ones((3, 3), dtype=np.uint8)) > 200] = cv2.GC_FGD
    return guess


def _body_coordinates(subject: Subject, shape: tuple[int, ...], photo: Picture) -> tuple[Field, Field]:
    """Like `_face_coordinates`, but down is the photo's down unless the face lies on its side."""
    left, right, _, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    down = (mouth - eyes) / max(float(np.linalg.norm(mouth - eyes)), 1e-6)
    if down[1] < 0.5:
        return _face_coordinates(subject, shape, photo)
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
