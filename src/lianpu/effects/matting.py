"""Alpha mattes of people that follow a photo's edges at full resolution, and the people's own colours at mixed pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from lianpu.effects.face_masks import face_unit
from lianpu.effects.people import parsed_people, people_mask
from lianpu.faces.results import Subject
from lianpu.imaging.compositing import Field, View, upsample, upsample_at, view_of
from lianpu.imaging.geometry import enlarge, scaled_size, shrink
from lianpu.imaging.masks import apply_coefficients, guided_filter_coefficients, smoothstep, wide_blur
from lianpu.imaging.picture import Picture

_VIEW_PX = 768

_ROUGH, _FULL = (0.2, 0.8), (0.12, 0.88)
"""Probabilities of the rough mask, and results of the guided filter, that become 0 and 1."""

_REACHES = (0.2, 0.14, 0.08)
"""How far the mask's edges may move in each round of the guided filter, in distances of the eyes; narrower rounds keep thinner things."""

_SMOOTHNESS = 2e-4
"""Variance of colour below which there is no edge."""

_SURE_ISLAND, _LEAST_ISLAND = 0.9, 0.004
"""A component without a face stays if its mean is above the one and its area above the other (a share of the photo): someone's back."""

_HOLE = 0.35
"""Holes with an area below that of a square with this side, in distances of the eyes, are filled."""

_BAND, _SHRUNK = 0.06, (1.5, 3.0)
"""Half the width of the band along edges in which colours decide, in distances of the eyes; and how much smaller they are averaged."""

_CERTAIN = 0.95
"""Colours are averaged where the matte is above this, or below 1 minus this, and no edge is near."""

_NOISE = 0.01
"""Squared difference of two colours that is worth as much as nothing, plus four times their variances."""

_COARSER = 0.05
"""Weight of colours found at half the resolution beside those found at the resolution itself."""


@dataclass(frozen=True, eq=False)
class PersonMatte:
    """How much of each pixel of a photo is a person, and the colours on both sides of the edges.

    Args:
        view: the whole photo, downscaled.
        coefficients: (h, w, 4), of a linear function of a pixel's colour: the matte follows the photo's edges at full resolution.
        matte: (h, w), 0 background to 1 person, over the view.
        sides: (h, w, 6), colours of the nearest person and of the nearest background.
    """

    view: View
    coefficients: Field
    matte: Field
    sides: Field

    def alpha(self, pixels: Field, rows: slice, columns: slice) -> Field:
        """(n, m): the matte of some of the photo's rows and columns, whose pixels (n, m, 3) are given."""
        return _contrast(apply_coefficients(upsample(self.coefficients, self.view.window, rows, columns), pixels))

    def remove_ground(self, pixels: Field, alpha: Field, rows: slice, columns: slice) -> None:
        """Estimate, in place, the person's own colour where a pixel mixes person and background: no halo of the old background.
        `pixels` is C-contiguous.

        Forte 2021, Approximate Fast Foreground Colour Estimation ("blur fusion"), with colours from several scales.
        """
        mixed = np.flatnonzero((alpha > 0) & (alpha < 1))
        sides = upsample_at(self.sides, self.view.window, rows, columns, mixed)
        person, ground = sides[:, :3], sides[:, 3:]
        share = alpha.reshape(-1, 1)[mixed]
        flat = pixels.reshape(-1, 3)
        flat[mixed] = np.clip(person + share * (flat[mixed] - ground - share * (person - ground)), 0, 1)


def person_matte(photo: Picture, subjects: Sequence[Subject], *, network: bool = True) -> PersonMatte:
    """The matte of the people of a photo (H, W, 3): the subjects, one or more, and other people that the network sees.

    Without `network`, or where it is absent, people are found by colour.
    """
    view = view_of(photo, (slice(0, photo.shape[0]), slice(0, photo.shape[1])), _VIEW_PX)
    unit = view.scale * float(np.median([face_unit(subject) for subject in subjects]))
    parsed = parsed_people(photo, subjects, view)
    rough = people_mask(photo, subjects, parsed, view, network=network)
    coefficients, sides = _projected(_aligned(rough, parsed, view, unit), view, unit)
    return PersonMatte(view, coefficients, _contrast(apply_coefficients(coefficients, view.picture)), sides)


def _contrast(values: Field) -> Field:
    return smoothstep(values, *_FULL)


def _without_islands(mask: Field, faces: Field, unit: float) -> Field:
    """The mask (h, w) without connected components that hold no face, unless the network is sure of them, and without small holes."""
    labels, areas = _components(mask > 0.5)
    sums = np.bincount(labels.ravel(), weights=mask.ravel())
    kept = (sums > _SURE_ISLAND * areas) & (areas > _LEAST_ISLAND * mask.size)
    kept[np.unique(labels[faces > 0.5])] = True
    kept[0] = True
    gone = ~kept[labels]
    if gone.any():
        near = cv2.dilate(gone.astype(np.uint8), np.ones((5, 5), dtype=np.uint8)) > 0
        mask = np.where(near & (gone | (mask < 0.5)), np.float32(0), mask)
    labels, areas = _components(mask <= 0.5)
    holes = areas < (_HOLE * unit) ** 2
    holes[0] = False
    for borders in (labels[[0, -1]], labels[:, [0, -1]]):
        holes[np.unique(borders)] = False
    return np.where(holes[labels], np.float32(1), mask)


def _components(inside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (h, w) of the connected components, 0 outside, and their areas."""
    _, labels = cv2.connectedComponents(inside.astype(np.uint8))
    return labels, np.bincount(labels.ravel())


def _aligned(rough: Field, faces: Field, view: View, unit: float) -> Field:
    """Coefficients (h, w, 4) that align a rough mask (h, w) with the photo's edges; `faces` (h, w): where parsed people are."""
    matte = smoothstep(rough, *_ROUGH)
    for reach in dict.fromkeys(max(2, round(share * unit)) for share in _REACHES):
        matte = _without_islands(matte, faces, unit)
        coefficients = _fast_coefficients(matte, view.picture, reach)
        matte = _contrast(apply_coefficients(coefficients, view.picture))
    return coefficients


def _fast_coefficients(matte: Field, picture: Field, reach: int) -> Field:
    """The guided filter's coefficients, computed at a smaller size where the filter is wide (He & Sun 2015, Fast Guided Filter)."""
    shrinks = min(4, reach // 2)
    if shrinks < 2 or min(matte.shape) < 8 * shrinks:
        return guided_filter_coefficients(matte, picture, reach, _SMOOTHNESS)
    size = scaled_size(picture, 1 / shrinks)
    mask, guide = (
        np.asarray(cv2.resize(each, size, interpolation=cv2.INTER_AREA), dtype=np.float32) for each in (matte, picture)
    )
    coefficients = guided_filter_coefficients(mask, guide, round(reach / shrinks), _SMOOTHNESS)
    return np.asarray(enlarge(coefficients, matte.shape[::-1]), dtype=np.float32)


def _projected(coefficients: Field, view: View, unit: float) -> tuple[Field, Field]:
    """The coefficients, at edges mixed with those of a pixel's position between the colours of the nearest person and background; and
    these colours (h, w, 6), perhaps smaller."""
    shrinks = float(np.clip(_BAND * unit / 3, *_SHRUNK))
    picture = shrink(view.picture, max(1, round(max(view.shape) / shrinks)))
    small = np.asarray(cv2.resize(coefficients, picture.shape[1::-1], interpolation=cv2.INTER_AREA), dtype=np.float32)
    here = small.reshape(*picture.shape[:2], -1)
    matte = _contrast(apply_coefficients(here, picture))
    reach = 2 * max(1, round(_BAND * unit / shrinks)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach))
    sure, none = (
        np.asarray(cv2.erode(part.astype(np.float32), kernel), dtype=np.float32)
        for part in (matte > _CERTAIN, matte < 1 - _CERTAIN)
    )
    colors = np.dstack([picture, (picture**2).sum(axis=2)])
    near, far = nearest_values(colors, sure), nearest_values(colors, none)
    person, ground = near[:, :, :3], far[:, :, :3]
    spread = near[:, :, 3] - (person**2).sum(axis=2) + far[:, :, 3] - (ground**2).sum(axis=2)
    apart = person - ground
    length = (apart**2).sum(axis=2)
    share = length / (length + 4 * np.maximum(spread, 0) + np.float32(_NOISE))
    share *= wide_blur(((1 - sure) * (1 - none)).astype(np.float32), 1.0)
    slopes = apart / np.maximum(length, 1e-4)[:, :, None]
    between = np.dstack([slopes, -(slopes * ground).sum(axis=2)])
    differ = np.abs(apply_coefficients(between, picture).clip(0, 1) - matte)
    share *= np.clip(1.6 - 2 * differ, 0, 1)  # a grey earring before a grey wall is no hole
    change = (between - here) * share[:, :, None]
    return coefficients + enlarge(change, view.shape[::-1]), np.dstack([person, ground])


def nearest_values(values: Field, weight: Field) -> Field:
    """(h, w, C): at each pixel the mean of the nearest values (h, w, C) that have a weight (h, w).

    Gortler et al. 1996, The Lumigraph ("pull-push"): what is near outweighs what is found at the next coarser scale.
    """
    levels = [np.dstack([values * weight[:, :, None], weight])]
    while max(levels[-1].shape[:2]) > 2:
        levels.append(np.asarray(cv2.pyrDown(levels[-1])))
    total = levels[-1]
    for level in levels[-2::-1]:
        total = level + np.float32(_COARSER) * np.asarray(cv2.pyrUp(total, dstsize=level.shape[1::-1]))
    return np.asarray(total[:, :, :-1] / np.maximum(total[:, :, -1:], 1e-20), dtype=np.float32)
