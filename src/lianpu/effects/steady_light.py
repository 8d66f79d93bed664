"""A face keeps its light: spots of light, shadow or colour that a small editor puts on skin are taken out of its change.

What makes a face older or another is drawn in lines and edges and at its features. A patch on a cheek, larger than an eye, is what a generator of
a few million weights leaves where it is not sure (a face turned aside, hard light). It is told by its size, and held small.
"""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.change_transfer import Floats

_SPOT_SHARE = 0.025
"""Spots are what is larger than this share of the crop's side; the eyes are 0.24 apart, and wrinkles a tenth of that wide."""
_LIGHT_LIMIT, _COLOR_LIMIT = 24.0, 8.0
"""How far such spots may be from the mean change of the skin, in grey levels: light, and colour beside light."""
_MEAN_LIMIT = 12.0
_FINE_LIGHT_LIMIT, _FINE_COLOR_LIMIT = 56.0, 12.0
"""How far a single pixel may be from its surroundings' change: a wrinkle is grey, and fainter than a brow."""
_GREY = np.array([0.299, 0.587, 0.114], dtype=np.float32)


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
