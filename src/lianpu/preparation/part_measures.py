"""What a parsed face says about hair colour, glasses, hat, earrings and mouth, in a few numbers that do not depend on its size."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import binary_erosion

from lianpu.imaging.color import lab_of
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX

Measures = dict[str, float]
"""Numbers by name; what could not be measured on a face is not in it."""

_LEAST_HAIR = 0.004
"""Share of the crop that is left of the hair, its rim taken off, for its colour to be measured."""
_LEAST_LIPS = 0.0005
_LEAST_SKIN = 0.02
_GREY_CHROMA = 5.0
"""Median chroma of skin below this: a black and white photo, whose hair has no colour to see."""
_EYE_LINE = 0.39
"""Glasses above this height of the crop are pushed up on the head."""
_TINY = 1e-5
"""Share of the crop below which an area is none."""


def part_measures(crop: Picture, mask: np.ndarray) -> Measures:
    """The measures of one face.

    Args:
        crop: (S, S, 3), the face in CelebAMask-HQ's place.
        mask: (S, S) uint8, its parts in CelebAMask-HQ's order.

    Returns:
        hair_lightness, hair_a, hair_b (medians in Lab) and hair_chroma, when enough hair is seen in colour; glasses, hat, earrings,
        hair (logarithm to base 10 of the share of the crop, -5 for none) and mouth_open (the logarithm of inner mouth over lips,
        when lips are seen).
    """
    counts = np.bincount(mask.ravel(), minlength=len(PART_INDEX)) / mask.size
    glasses = mask[round(_EYE_LINE * len(mask)) :] == PART_INDEX["eye_g"]
    measures = {
        "glasses": _log(np.count_nonzero(glasses) / mask.size),
        "hat": _log(counts[PART_INDEX["hat"]]),
        "earrings": _log(counts[PART_INDEX["ear_r"]]),
        "hair": _log(counts[PART_INDEX["hair"]]),
    }
    lips = counts[PART_INDEX["u_lip"]] + counts[PART_INDEX["l_lip"]]
    if lips >= _LEAST_LIPS:
        measures["mouth_open"] = float(np.log10(counts[PART_INDEX["mouth"]] / lips + 0.01))
    return measures | _hair_color(crop, mask)


def _hair_color(crop: Picture, mask: np.ndarray) -> Measures:
    skin = mask == PART_INDEX["skin"]
    hair = binary_erosion(mask == PART_INDEX["hair"], iterations=max(1, round(len(mask) / 100)))
    if np.count_nonzero(hair) < _LEAST_HAIR * mask.size or np.count_nonzero(skin) < _LEAST_SKIN * mask.size:
        return {}
    skin_a, skin_b = np.median(lab_of(crop[skin][::7]), axis=0)[1:]
    if np.hypot(skin_a, skin_b) < _GREY_CHROMA:
        return {}
    lightness, a, b = np.median(lab_of(crop[hair][::7]), axis=0).tolist()
    return {"hair_lightness": lightness, "hair_a": a, "hair_b": b, "hair_chroma": float(np.hypot(a, b))}


def _log(share: float) -> float:
    return float(np.log10(max(share, _TINY)))
