"""A change that was made to a small crop, brought into the large photo along the photo's own edges.

The change of a 128 px crop knows nothing of single hairs. Around every pixel of the crop it is written as a straight-line function of the crop's
colours (a guided filter), and that function is then asked again with the colours of the photo: the change ends where the photo's hair ends,
and strands keep their light. He, Sun & Tang 2013, Guided Image Filtering; at a small size and applied at a large one: He & Sun 2015, Fast Guided
Filter (arXiv:1505.00996), and Chen et al. 2016, Bilateral Guided Upsampling. What the function cannot say, because the edit drew something that
the photo has not (glasses, a beard), is enlarged smoothly and added.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lianpu.image import Picture
from lianpu.perception.alignment import Matrix, Window, inverse

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
    guide = crop.astype(np.float32) / 255
    total = float(weight.mean()) + 1e-6
    counted = _box(weight, radius) + _FROM_AFAR * total

    def mean(values: np.ndarray) -> np.ndarray:
        weighted = values * weight.reshape(*weight.shape, *[1] * (values.ndim - 2))
        near, all_over = _box(weighted, radius), weighted.mean(axis=(0, 1))
        return np.asarray(
            (near + _FROM_AFAR * all_over) / counted.reshape(*weight.shape, *[1] * (values.ndim - 2)), dtype=np.float32
        )

    mean_guide, mean_change = mean(guide), mean(change)
    spread = mean(guide[..., :, None] * guide[..., None, :]) - mean_guide[..., :, None] * mean_guide[..., None, :]
    together = mean(change[..., :, None] * guide[..., None, :]) - mean_change[..., :, None] * mean_guide[..., None, :]
    slopes = np.swapaxes(np.linalg.solve(spread + SMOOTHNESS * np.eye(3, dtype=np.float32), np.swapaxes(together, 2, 3)), 2, 3)
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


def _box(values: np.ndarray, radius: int) -> Floats:
    """Means over squares of (2 radius + 1) pixels, plane by plane."""
    flat = np.ascontiguousarray(values.reshape(*values.shape[:2], -1), dtype=np.float32)
    side = (2 * radius + 1,) * 2
    planes = [cv2.boxFilter(flat[:, :, index], -1, side, borderType=cv2.BORDER_REFLECT) for index in range(flat.shape[2])]
    return np.asarray(np.stack(planes, axis=2).reshape(values.shape), dtype=np.float32)


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
    change = _enlarged(guided.offsets + guided.left_over, back, size)
    for channel in range(3):
        slopes = _enlarged(guided.slopes[:, :, channel], back, size)
        change[:, :, channel] += np.einsum("hwc,hwc->hw", slopes, guide)
    change *= _not_beyond(guide @ _GREY, _enlarged(guided.light, back, size))[:, :, None]
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


def _enlarged(values: np.ndarray, back: Matrix, size: tuple[int, int]) -> Floats:
    large = cv2.warpAffine(np.ascontiguousarray(values), back, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(large, dtype=np.float32)


def _through(slopes: np.ndarray, guide: np.ndarray) -> np.ndarray:
    """(H, W, 3): the slopes (H, W, 3, 3) times the colours (H, W, 3)."""
    return np.einsum("hwcd,hwd->hwc", slopes, guide)
