"""A change that was made to a small crop, brought into the large photo along the photo's own edges.

The change of a 128 px crop knows nothing of single hairs. Around every pixel of the crop it is written as a straight-line function of the crop's
colours (a guided filter), and that function is then asked again with the colours of the photo: the change ends where the photo's hair ends,
and strands keep their light. He, Sun & Tang 2013, Guided Image Filtering; at a small size and applied at a large one: He & Sun 2015, Fast Guided
Filter (arXiv:1505.00996), and Chen et al. 2016, Bilateral Guided Upsampling. What the function cannot say, because the edit drew something that
the photo has not (glasses, a beard), is enlarged smoothly and added.
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
from lianpu.faces.subject import Subject
from lianpu.imaging.compositing import view_of
from lianpu.imaging.geometry import Matrix, Window, enlarge, inverse, warp, warp_values
from lianpu.imaging.guided_filter import fit_windows, window_mean
from lianpu.imaging.picture import Picture

_FROM_AFAR = 0.02
"""How much all that counts says beside what is near."""

SMOOTHNESS = 0.004
"""He's epsilon, for colours from 0 to 1: below this variance colours are taken for noise, and the change for even."""

BY_FACTOR = 0.5
"""How much of a change of light is taken to be a factor: 0 adds the same everywhere, 1 multiplies."""

GAIN_LIMITS = (-0.5, 0.6)
"""By how much contrast falls or rises at most, when a change of light says so."""

GAIN_SPREAD = 0.25
"""By how much the edit itself may lower or raise it beside."""

_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)

_BLACK = 0.05

_ELSEWHERE, _ENOUGH = 0.02, 0.05

_BEYOND = 0.2
"""Changes of light smaller than about this are no turning from dark to light hair."""

_STRAND, _AHEAD = 0.15, 0.7

_BAND_PX = 256
"""Rows of the photo that are worked on at once: memory stays small however large the face is."""

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, eq=False)
class GuidedChange:
    """A change of a crop as a function of colours.

    Args:
        slopes: (S, S, 3, 3) [channel of the change, channel of the guide].
        offsets: (S, S, 3).
        left_over: (S, S, 3), what the function does not say, in grey levels from -255 to 255.
        light: (S, S, 2), how light it is around each pixel before and after the change, 0 to 1.
    """

    slopes: Floats
    offsets: Floats
    left_over: Floats
    light: Floats


def color_matched(change: Floats, weight: Floats, color_kept: float) -> Floats:
    """The change (S, S, 3) without what is no part of the edit: the tint that an editor gives to everything it touches.

    Args:
        change: edited minus crop, in grey levels.
        weight: (S, S), 0 to 1: where the edit belongs. The median change elsewhere is the tint.
        color_kept: of the change of colour beside light: below 1 its mean where the edit belongs is taken out, and this much of the rest stays.
    """
    elsewhere = change[weight < _ELSEWHERE]
    if len(elsewhere) >= _ENOUGH * weight.size:
        change = np.asarray(change - np.median(elsewhere, axis=0), dtype=np.float32)
    if color_kept < 1 and weight.any():
        light = (change @ _GREY)[..., None]
        color = change - light
        color = color - (color * weight[..., None]).sum(axis=(0, 1)) / weight.sum()
        change = light + color_kept * color
    return np.asarray(change, dtype=np.float32)


def where_changed(change: Floats, weight: Floats) -> Floats:
    """The weight (S, S), less where the change (S, S, 3) is smaller than it mostly is: there the editor did not get round to it."""
    amount = np.abs(change).mean(axis=2)
    if not (weight > 0.5).any():
        return weight
    usual = float(np.percentile(amount[weight > 0.5], 75)) + 1.0
    return np.asarray(weight * np.clip(amount / usual, 0, 1), dtype=np.float32)


def guided_change(crop: Picture, change: Floats, weight: Floats, radius: int, keep_left_over: float) -> GuidedChange:
    """The change (S, S, 3), in grey levels, as a function of the colours of the crop (S, S, 3) that it was made to.

    Args:
        crop: what was edited.
        change: edited minus crop.
        weight: (S, S), 0 to 1: what counts. Where little counts within the radius, the function is that of all that counts.
        radius: half the side, in pixels of the crop, of the squares in which the change is one function.
        keep_left_over: 0 drops what does not follow the crop's colours, 1 keeps all of it.
    """
    guide = crop.astype(np.float32) / np.float32(255)
    mean = window_mean(radius, weight, far=_FROM_AFAR)
    slopes, mean_guide, mean_change = fit_windows(change, guide, mean, SMOOTHNESS)
    slopes = _with_light(slopes, mean_guide, mean_change)
    offsets = mean_change - _through(slopes, mean_guide)
    slopes, offsets = mean(slopes), mean(offsets)
    left_over = keep_left_over * (change - _through(slopes, guide) - offsets)
    light = np.dstack([mean_guide @ _GREY, (mean_guide + mean_change / 255) @ _GREY])
    return GuidedChange(
        slopes.astype(np.float32), offsets.astype(np.float32), left_over.astype(np.float32), light.astype(np.float32)
    )


def _with_light(slopes: np.ndarray, mean_guide: np.ndarray, mean_change: np.ndarray) -> np.ndarray:
    """The slopes (S, S, 3, 3), changed in grey alone so that light and texture stay.

    What becomes lighter or darker on the whole does so partly by a factor, as light does, not by a sum alone: shadows among dark hair stay
    shadows when it turns blond. An edit that would flatten what is there, or make it harsh, is held to that within `GAIN_SPREAD`.
    """
    gain = slopes.sum(axis=3) @ _GREY / 255
    relative = (mean_change @ _GREY / 255) / (mean_guide @ _GREY + _BLACK)
    middle = np.clip(BY_FACTOR * relative, *GAIN_LIMITS)
    wanted = np.clip(gain, middle - GAIN_SPREAD, middle + GAIN_SPREAD)
    return np.asarray(slopes + 255 * (wanted - gain)[..., None, None] * _GREY, dtype=np.float32)


def change_bands(guided: GuidedChange, photo: Picture, matrix: Matrix, window: Window) -> Iterator[tuple[Window, Floats]]:
    """The change in the photo (H, W, 3), band by band over a window: rows and columns, and the change there (h, w, 3) in grey levels.

    Args:
        guided: the change of the crop.
        photo: the photo that the crop was cut out of.
        matrix: (2, 3), takes a point of the photo to the crop.
        window: where in the photo.
    """
    rows, columns = window
    for top in range(rows.start, rows.stop, _BAND_PX):
        band = (slice(top, min(top + _BAND_PX, rows.stop)), columns)
        back = inverse(matrix)
        back[:, 2] -= (columns.start, top)
        yield band, _change_of(guided, photo[band], back)


def _change_of(guided: GuidedChange, part: Picture, back: Matrix) -> Floats:
    size = part.shape[1::-1]
    guide = part.astype(np.float32) / 255
    change = warp_values(guided.offsets + guided.left_over, back, size)
    for channel in range(3):
        slopes = warp_values(guided.slopes[:, :, channel], back, size)
        change[:, :, channel] += np.einsum("hwc,hwc->hw", slopes, guide)
    change *= _not_beyond(guide @ _GREY, warp_values(guided.light, back, size))[:, :, None]
    return change


def _not_beyond(grey: np.ndarray, light: np.ndarray) -> Floats:
    """(h, w): 1, less where a pixel is already on the way that the change wants its surroundings to go, 0 where it is beyond.

    When dark hair turns blond, a gleam on it or skin behind it is as light as blond hair, and shall not become lighter still. Strands
    that differ from the hair around them by less than `_STRAND` go all the way.
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
"""Spots are what is larger than this share of the crop's side; the eyes are 0.24 apart, and wrinkles a tenth of that wide."""

_LIGHT_LIMIT, _COLOR_LIMIT = 24.0, 8.0
"""How far such spots may be from the mean change of the skin, in grey levels: light, and colour beside light."""

_MEAN_LIMIT = 12.0

_FINE_LIGHT_LIMIT, _FINE_COLOR_LIMIT = 56.0, 12.0
"""How far a single pixel may be from its surroundings' change: a wrinkle is grey, and fainter than a brow."""


def steadied(change: Floats, skin: Floats, face: Floats) -> Floats:
    """The change (S, S, 3), in grey levels, without large spots on the skin.

    Args:
        change: edited minus crop.
        skin: (S, S), 0 to 1: skin without eyes, brows, lips and hair, by which spots are told, and which gets no strong marks.
        face: (S, S), 0 to 1: where spots are taken out, and nothing changes its colour but in a small measure: all of the face but the lips.
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


FADED_SHARE = 0.1
"""Over this share of the crop's side the edit fades towards the crop's border, so that no edge is seen there."""


@dataclass(frozen=True)
class Carrying:
    """How a change is carried from the crop into the photo.

    Args:
        radius_share: within this share of the crop's side the change is one function of colours.
        left_over: how much of what is no such function is added: what the edit drew anew.
        color_kept: how much of the change of colour, beside light, is kept; its mean over the face goes altogether where it is below 1.
        even: take the function from where the editor changed most, for all that the attribute is about.
        steady: take spots of light and colour on the skin for mistakes (`steady_light`).
    """

    radius_share: float
    left_over: float
    color_kept: float
    even: bool
    steady: bool = False


HAIR = Carrying(36 / 128, 0.0, 1.0, even=True)
"""Hair changes as a whole and keeps its light: what a small editor leaves patchy becomes even."""

FACE = Carrying(3 / 128, 1.0, 0.95, even=False)
"""A face gets new lines and edges, and keeps its complexion."""

_STEADY = frozenset(("Young", "Male"))
"""What is no matter of light on the skin, as a beard or a pale skin are."""

_SKIN = ("skin", "nose")

_FACE = tuple(part for part in FACE_PARTS if part not in ("u_lip", "l_lip", "mouth"))


@dataclass(frozen=True, eq=False)
class CarriedChange:
    """The change of one face's crop, ready to be put into its photo with any strength; see `carried_change`.

    Args:
        guided: the change, as a function of colours.
        matrix: (2, 3), takes a point of the photo to the crop.
        window: of the subject.
        allowed: how far each pixel of the window may change, (h, w) uint8.
    """

    guided: GuidedChange
    matrix: Matrix
    window: Window
    allowed: Mask

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""
        return self.allowed

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the change in it."""
        result = photo.copy()
        rows, columns = self.window
        left, top, width, height = cv2.boundingRect(self.allowed)
        if not width or not strength:
            return result
        mask = self.allowed[top : top + height, left : left + width]
        first = rows.start + top
        touched = (slice(first, first + height), slice(columns.start + left, columns.start + left + width))
        for band, change in change_bands(self.guided, result, self.matrix, touched):
            part = mask[band[0].start - first : band[0].stop - first]
            change *= (part.astype(np.float32) * (strength / 255))[:, :, None]
            change += result[band]
            result[band] = np.clip(np.rint(change), 0, 255).astype(np.uint8)
        return result


def carried_change(
    photo: Picture, subject: Subject, aligned: Aligned, edited: Picture, attributes: Iterable[str]
) -> CarriedChange:
    """What an editor made of the crop `aligned`, (S, S, 3), as a change of the photo where the attributes may change it."""
    names = tuple(attributes)
    if is_about_hair(names):
        subject = subject.wide()
        mask = _faded_as_hair(attribute_mask(photo, subject, names), subject, photo)
        return CarriedChange(_guided(aligned, edited, mask, subject, HAIR), aligned.matrix, subject.window, mask)
    mask = _faded(attribute_mask(photo, subject, names), aligned, subject)
    carrying = replace(FACE, steady=set(names) <= _STEADY)
    return CarriedChange(_guided(aligned, edited, mask, subject, carrying), aligned.matrix, subject.window, mask)


def is_about_hair(attributes: Iterable[str]) -> bool:
    """Whether the attributes are about hair and nothing else."""
    return parts_of(attributes) == ("hair",)


def _guided(aligned: Aligned, edited: Picture, mask: Mask, subject: Subject, carrying: Carrying) -> GuidedChange:
    side = len(edited)
    counted = in_crop(mask, aligned, subject)
    change = color_matched(np.subtract(edited, aligned.picture, dtype=np.float32), counted, carrying.color_kept)
    if carrying.steady:
        skin, face = (_parts_in_crop(aligned, subject, names) for names in (_SKIN, _FACE))
        change = steadied(change, skin, face)
    if carrying.even:
        counted = where_changed(change, counted)
    return guided_change(aligned.picture, change, counted, max(1, round(carrying.radius_share * side)), carrying.left_over)


def in_crop(mask: Mask, aligned: Aligned, subject: Subject) -> np.ndarray:
    """A mask over the subject's window, (h, w) uint8, as the crop sees it: (S, S) float32, 0 to 1."""
    side = len(aligned.picture)
    seen = warp(np.repeat(mask[:, :, None], 3, axis=2), matrix_of_window(aligned, subject), (side, side))[:, :, 0]
    return np.asarray(seen / 255, dtype=np.float32)


def _parts_in_crop(aligned: Aligned, subject: Subject, names: tuple[str, ...]) -> Floats:
    """(S, S), 0 to 1: how much of each pixel of the crop the named parts cover."""
    shown = in_crop(255 * subject.parts.where(*names).astype(np.uint8), aligned, subject)
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.012 * len(shown)), dtype=np.float32)


def _faded_as_hair(mask: Mask, subject: Subject, photo: Picture) -> Mask:
    """The mask, falling to 0 where what is known of the hair ends inside the photo. The editor's crop does not count: hair changes as a whole."""
    fade = crop_fade(subject, view_of(photo, subject.window), photo.shape)
    wide = enlarge(np.rint(255 * fade).astype(np.uint8), mask.shape[::-1])
    return np.asarray(cv2.multiply(mask, wide, scale=1 / 255), dtype=np.uint8)


def _faded(mask: Mask, aligned: Aligned, subject: Subject) -> Mask:
    """The mask, 0 outside of the editor's crop and falling to 0 towards its border."""
    back = inverse(matrix_of_window(aligned, subject))
    fading = np.rint(255 * _fading(len(aligned.picture))).astype(np.uint8)
    shown = warp_values(fading, back, mask.shape[::-1], outside=0)
    return np.asarray(cv2.multiply(mask, shown, scale=1 / 255), dtype=np.uint8)


def matrix_of_window(aligned: Aligned, subject: Subject) -> Matrix:
    """The matrix that takes a point of the subject's window to the crop."""
    rows, columns = subject.window
    matrix = aligned.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ (columns.start, rows.start)
    return matrix


def _fading(side_px: int) -> np.ndarray:
    """(S, S): 1 in the middle, falling to 0 at the border along half a cosine."""
    reach = max(1.0, FADED_SHARE * side_px)
    distance = np.minimum(np.arange(side_px), np.arange(side_px)[::-1])
    along = 0.5 - 0.5 * np.cos(np.pi * np.clip(distance / reach, 0, 1))
    return np.outer(along, along).astype(np.float32)
