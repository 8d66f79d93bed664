"""Residual transfer: what an editor changed in a small crop, applied to the large photo along the photo's own edges.

A residual at 128 px resolves no single hair. So it is fitted, window by window, as an affine function of the crop's colours (a guided filter), and
the coefficients are applied to the colours of the photo: the edit ends where the photo's hair ends, and strands keep their light. He, Sun & Tang
2013, Guided Image Filtering; fitted small and applied large: He & Sun 2015, Fast Guided Filter (arXiv:1505.00996), and Chen et al. 2016, Bilateral
Guided Upsampling. What the function cannot express, because the edit drew something new (glasses, a beard), is upsampled smoothly and added.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from lianpu.editing.attribute_masks import Mask, attribute_mask, parts_of
from lianpu.effects.face_masks import FACE_PARTS, crop_fade
from lianpu.faces.alignment import Aligned
from lianpu.faces.results import Subject
from lianpu.imaging.compositing import view_of
from lianpu.imaging.geometry import Matrix, Window, enlarge, inverse, warp, warp_values
from lianpu.imaging.masks import fit_windows, window_mean
from lianpu.imaging.picture import Picture

_FROM_AFAR = 0.02
"""Weight of the global mean in each window's mean."""

SMOOTHNESS = 0.004
"""He's epsilon, for colours from 0 to 1: windows with less variance get a constant residual."""

BY_FACTOR = 0.5
"""Share of a change of lightness that multiplies: 0 adds the same everywhere, 1 scales."""

GAIN_LIMITS = (-0.5, 0.6)
"""Limits of the change of contrast that follows from a change of lightness."""

GAIN_SPREAD = 0.25
"""How far the edit's own change of contrast may be from that."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_BLACK = 0.05

_ELSEWHERE, _ENOUGH = 0.02, 0.05

_BEYOND = 0.2
"""Changes of lightness below about this are not a change from dark to light hair."""

_STRAND, _AHEAD = 0.15, 0.7

_BAND_PX = 256
"""Rows per band: memory stays flat however large the face is."""

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class GuidedResidual:
    """The residual of a crop as an affine function of its colours at each pixel.

    Args:
        slopes: (S, S, 3, 3) [channel of the residual, channel of the guide].
        offsets: (S, S, 3).
        remainder: (S, S, 3), what the function does not express, in grey levels from -255 to 255.
        light: (S, S, 2), mean lightness around each pixel before and after the edit, 0 to 1.
    """

    slopes: Floats
    offsets: Floats
    remainder: Floats
    light: Floats


def without_tint(change: Floats, weight: Floats, keep_color: float) -> Floats:
    """The residual (S, S, 3) without the tint that an editor gives to everything.

    Args:
        change: edited minus crop, in grey levels.
        weight: (S, S), 0 to 1: where the edit belongs. The median residual elsewhere is the tint.
        keep_color: share of the residual's chroma that stays; below 1 its mean where the edit belongs is removed, too.
    """
    elsewhere = change[weight < _ELSEWHERE]
    if len(elsewhere) >= _ENOUGH * weight.size:
        change = np.asarray(change - np.median(elsewhere, axis=0), dtype=np.float32)
    if keep_color < 1 and weight.any():
        light = (change @ _GREY)[..., None]
        color = change - light
        color = color - (color * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
        change = light + keep_color * color
    return np.asarray(change, dtype=np.float32)


def weighted_by_change(change: Floats, weight: Floats) -> Floats:
    """The weight (S, S), lowered where the residual (S, S, 3) is smaller than usual: there the editor has not finished its edit."""
    amount = np.abs(change).mean(axis=2)
    if not (weight > 0.5).any():
        return weight
    usual = float(np.percentile(amount[weight > 0.5], 75)) + 1.0
    return np.asarray(weight * np.clip(amount / usual, 0, 1), dtype=np.float32)


def fit_guided_residual(crop: Picture, change: Floats, weight: Floats, radius: int, keep_remainder: float) -> GuidedResidual:
    """Fit the residual (S, S, 3), in grey levels, as an affine function of the colours of the crop (S, S, 3).

    Args:
        crop: the editor's input.
        change: edited minus crop.
        weight: (S, S), 0 to 1: the weight of each pixel in the fit. Windows with little weight take the global fit.
        radius: half the side of a window, in pixels of the crop.
        keep_remainder: 0 drops what does not follow the crop's colours, 1 keeps all of it.
    """
    guide = crop.astype(np.float32) / np.float32(255)
    mean = window_mean(radius, weight, far=_FROM_AFAR)
    slopes, mean_guide, mean_change = fit_windows(change, guide, mean, SMOOTHNESS)
    slopes = _with_light(slopes, mean_guide, mean_change)
    offsets = mean_change - _through(slopes, mean_guide)
    slopes, offsets = mean(slopes), mean(offsets)
    remainder = keep_remainder * (change - _through(slopes, guide) - offsets)
    light = np.dstack([mean_guide @ _GREY, (mean_guide + mean_change / 255) @ _GREY])
    return GuidedResidual(
        slopes.astype(np.float32), offsets.astype(np.float32), remainder.astype(np.float32), light.astype(np.float32)
    )


def _with_light(slopes: np.ndarray, mean_guide: np.ndarray, mean_change: np.ndarray) -> np.ndarray:
    """The slopes (S, S, 3, 3) with their grey part adjusted so that shading and texture stay.

    A change of lightness multiplies in part, as light does: shadows in dark hair stay shadows when it turns blond. The edit's own change of
    contrast is limited to `GAIN_SPREAD` around that, so that it neither flattens texture nor makes it harsh.
    """
    gain = slopes.sum(axis=3) @ _GREY / 255
    relative = (mean_change @ _GREY / 255) / (mean_guide @ _GREY + _BLACK)
    middle = np.clip(BY_FACTOR * relative, *GAIN_LIMITS)
    wanted = np.clip(gain, middle - GAIN_SPREAD, middle + GAIN_SPREAD)
    return np.asarray(slopes + 255 * (wanted - gain)[..., None, None] * _GREY, dtype=np.float32)


def residual_bands(guided: GuidedResidual, photo: Picture, matrix: Matrix, window: Window) -> Iterator[tuple[Window, Floats]]:
    """The residual in the photo (H, W, 3), band by band over a window: rows and columns, and the residual there (h, w, 3) in grey levels.

    Args:
        guided: of the crop.
        photo: the photo that the crop was cut from.
        matrix: (2, 3), takes a point of the photo to the crop.
        window: where in the photo.
    """
    rows, columns = window
    for top in range(rows.start, rows.stop, _BAND_PX):
        band = (slice(top, min(top + _BAND_PX, rows.stop)), columns)
        back = inverse(matrix)
        back[:, 2] -= (columns.start, top)
        yield band, _change_of(guided, photo[band], back)


def _change_of(guided: GuidedResidual, part: Picture, back: Matrix) -> Floats:
    size = part.shape[1::-1]
    guide = part.astype(np.float32) / 255
    change = warp_values(guided.offsets + guided.remainder, back, size)
    for channel in range(3):
        slopes = warp_values(guided.slopes[:, :, channel], back, size)
        change[:, :, channel] += np.einsum("hwc,hwc->hw", slopes, guide)
    change *= _not_beyond(guide @ _GREY, warp_values(guided.light, back, size))[:, :, None]
    return change


def _not_beyond(grey: np.ndarray, light: np.ndarray) -> Floats:
    """(h, w): 1; less where a pixel is lighter (or darker) than its surroundings in the direction of the edit; 0 where it is beyond the goal.

    When dark hair turns blond, highlights on it and skin behind it are as light as blond hair already and must not become lighter. Strands
    that differ from the hair around them by less than `_STRAND` change fully.
    """
    before, after = light[..., 0], light[..., 1]
    way = after - before
    beyond = (grey - after) * np.sign(way) / np.maximum(np.abs(way), _BEYOND)
    large = way * way / (way * way + _BEYOND * _BEYOND)
    ahead = np.maximum((grey - before) * np.sign(way) - _STRAND, 0) / np.maximum(np.abs(way), _BEYOND)
    return np.asarray((1 - large * np.clip(beyond, 0, 1)) * (1 - large * np.clip(_AHEAD * ahead, 0, 1)), dtype=np.float32)


def _through(slopes: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """(H, W, 3): the slopes (H, W, 3, 3) times the colours (H, W, 3)."""
    return np.einsum("hwcd,hwd->hwc", slopes, guide)


_SPOT_SHARE = 0.025
"""Size of a blotch as a share of the crop's side; the eyes are 0.24 apart, and wrinkles a tenth of that wide."""

_LIGHT_LIMIT, _COLOR_LIMIT = 24.0, 8.0
"""Limits of a blotch against the mean residual of the skin, in grey levels: lightness and chroma."""

_MEAN_LIMIT = 12.0

_FINE_LIGHT_LIMIT, _FINE_COLOR_LIMIT = 56.0, 12.0
"""Limits of a single pixel against the residual around it: a wrinkle is grey, and fainter than a brow."""


def suppress_blotches(change: Floats, skin: Floats, face: Floats) -> Floats:
    """The residual (S, S, 3), in grey levels, without large blotches on the skin.

    A small editor draws age and sex in lines, edges and features. A patch on a cheek that is larger than an eye is an artefact: it is recognised by
    its size and limited.

    Args:
        change: edited minus crop.
        skin: (S, S), 0 to 1: skin without eyes, brows, lips and hair: measures blotches, and gets no strong marks.
        face: (S, S), 0 to 1: where blotches are removed and chroma is limited: the face without the lips.
    """
    if not (skin > 0.5).any():
        return change
    sigma = _SPOT_SHARE * len(change)
    weight = skin + np.float32(1e-3)
    total = cv2.GaussianBlur(np.dstack([change * weight[..., None], weight]), (0, 0), sigma, borderType=cv2.BORDER_REPLICATE)
    coarse = total[..., :3] / total[..., 3:]
    light = coarse @ _GREY
    color = coarse - light[..., None]
    mean_light, mean_color = (np.tensordot(skin, values, axes=2) / skin.sum() for values in (light, color))
    fine = change - coarse
    fine_light = fine @ _GREY
    fine_color = fine - fine_light[..., None]
    held_light = _held(mean_light, _MEAN_LIMIT) + _held(light - mean_light, _LIGHT_LIMIT)
    held_light += fine_light + skin * (_held(fine_light, _FINE_LIGHT_LIMIT) - fine_light)
    held_color = mean_color + _held(color - mean_color, _COLOR_LIMIT) + _held(fine_color, _FINE_COLOR_LIMIT)
    held = held_light[..., None] + held_color
    return np.asarray(change + face[..., None] * (held - change), dtype=np.float32)


def _held(values: np.ndarray, limit: float) -> np.ndarray:
    return limit * np.tanh(values / limit)


FADE_SHARE = 0.1
"""Share of the crop's side over which the edit fades out at the crop's border."""


@dataclass(frozen=True)
class TransferSettings:
    """How a residual is transferred from the crop to the photo.

    Args:
        radius_share: half the side of a window of the guided filter, as a share of the crop's side.
        remainder: share of what does not follow the crop's colours (what the edit drew anew) that is added.
        keep_color: share of the residual's chroma that stays (`without_tint`).
        even: fit where the editor changed most, and apply that everywhere in the mask.
        steady: remove blotches from the skin (`suppress_blotches`).
    """

    radius_share: float
    remainder: float
    keep_color: float
    even: bool
    steady: bool = False


HAIR = TransferSettings(36 / 128, 0.0, 1.0, even=True)
"""Hair changes as a whole and keeps its shading: patchy edits become even."""

FACE = TransferSettings(3 / 128, 1.0, 0.95, even=False)
"""A face gets new lines and edges and keeps its complexion."""

_STEADY = frozenset(("Young", "Male"))
"""Attributes that do not change the light on the skin, as a beard or pale skin would."""

_SKIN = ("skin", "nose")

_FACE = tuple(part for part in FACE_PARTS if part not in ("u_lip", "l_lip", "mouth"))


@dataclass(frozen=True, eq=False)
class TransferredResidual:
    """The residual of one face, to be applied to its photo at any strength: see `transfer_residual`.

    Args:
        guided: the residual as a function of colours.
        matrix: (2, 3), takes a point of the photo to the crop.
        window: of the subject.
        allowed: the alpha matte of the edit over the window, (h, w) uint8.
    """

    guided: GuidedResidual
    matrix: Matrix
    window: Window
    allowed: Mask

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: the alpha matte of the edit."""
        return self.allowed

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the residual added."""
        result = photo.copy()
        rows, columns = self.window
        left, top, width, height = cv2.boundingRect(self.allowed)
        if not width or not strength:
            return result
        mask = self.allowed[top : top + height, left : left + width]
        first = rows.start + top
        touched = (slice(first, first + height), slice(columns.start + left, columns.start + left + width))
        for band, change in residual_bands(self.guided, result, self.matrix, touched):
            part = mask[band[0].start - first : band[0].stop - first]
            change *= (part.astype(np.float32) * (strength / 255))[:, :, None]
            change += result[band]
            result[band] = np.clip(np.rint(change), 0, 255).astype(np.uint8)
        return result


def transfer_residual(
    photo: Picture, subject: Subject, aligned: Aligned, edited: Picture, attributes: Iterable[str]
) -> TransferredResidual:
    """What an editor changed in the crop `aligned`, as a residual of the photo within the mask of the attributes."""
    names = tuple(attributes)
    if is_about_hair(names):
        subject = subject.wide()
        mask = _faded_as_hair(attribute_mask(photo, subject, names), subject, photo)
        return TransferredResidual(_guided(aligned, edited, mask, subject, HAIR), aligned.matrix, subject.window, mask)
    mask = _faded(attribute_mask(photo, subject, names), aligned, subject)
    transfer = replace(FACE, steady=set(names) <= _STEADY)
    return TransferredResidual(_guided(aligned, edited, mask, subject, transfer), aligned.matrix, subject.window, mask)


def is_about_hair(attributes: Iterable[str]) -> bool:
    """Whether the attributes are about hair only."""
    return parts_of(attributes) == ("hair",)


def _guided(aligned: Aligned, edited: Picture, mask: Mask, subject: Subject, transfer: TransferSettings) -> GuidedResidual:
    side = len(edited)
    counted = in_crop(mask, aligned, subject)
    change = without_tint(np.subtract(edited, aligned.picture, dtype=np.float32), counted, transfer.keep_color)
    if transfer.steady:
        skin, face = (_parts_in_crop(aligned, subject, names) for names in (_SKIN, _FACE))
        change = suppress_blotches(change, skin, face)
    if transfer.even:
        counted = weighted_by_change(change, counted)
    return fit_guided_residual(aligned.picture, change, counted, max(1, round(transfer.radius_share * side)), transfer.remainder)


def in_crop(mask: Mask, aligned: Aligned, subject: Subject) -> np.ndarray:
    """A mask over the subject's window, (h, w) uint8, resampled to the crop: (S, S) float32, 0 to 1."""
    side = len(aligned.picture)
    seen = warp(np.repeat(mask[:, :, None], 3, axis=2), matrix_of_window(aligned, subject), (side, side))[:, :, 0]
    return np.asarray(seen / 255, dtype=np.float32)


def _parts_in_crop(aligned: Aligned, subject: Subject, names: tuple[str, ...]) -> Floats:
    """(S, S), 0 to 1: how much of each pixel of the crop the named parts cover."""
    shown = in_crop(255 * subject.parts.where(*names).astype(np.uint8), aligned, subject)
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.012 * len(shown)), dtype=np.float32)


def _faded_as_hair(mask: Mask, subject: Subject, photo: Picture) -> Mask:
    """The mask, fading to 0 where the parsed region ends inside the photo. The editor's crop does not matter: hair changes as a whole."""
    fade = crop_fade(subject, view_of(photo, subject.window), photo.shape)
    wide = enlarge(np.rint(255 * fade).astype(np.uint8), mask.shape[::-1])
    return np.asarray(cv2.multiply(mask, wide, scale=1 / 255), dtype=np.uint8)


def _faded(mask: Mask, aligned: Aligned, subject: Subject) -> Mask:
    """The mask, fading to 0 at the border of the editor's crop and 0 outside of it."""
    back = inverse(matrix_of_window(aligned, subject))
    fading = np.rint(255 * crop_border_fading(len(aligned.picture))).astype(np.uint8)
    shown = warp_values(fading, back, mask.shape[::-1], outside=0)
    return np.asarray(cv2.multiply(mask, shown, scale=1 / 255), dtype=np.uint8)


def matrix_of_window(aligned: Aligned, subject: Subject) -> Matrix:
    """The matrix (2, 3) from points of the subject's window to points of the crop."""
    rows, columns = subject.window
    matrix = aligned.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ (columns.start, rows.start)
    return matrix


def crop_border_fading(side_px: int) -> np.ndarray:
    """(S, S): 1 in the middle, falling to 0 at the border along half a cosine (a Tukey window)."""
    reach = max(1.0, FADE_SHARE * side_px)
    distance = np.minimum(np.arange(side_px), np.arange(side_px)[::-1])
    along = 0.5 - 0.5 * np.cos(np.pi * np.clip(distance / reach, 0, 1))
    return np.outer(along, along).astype(np.float32)
