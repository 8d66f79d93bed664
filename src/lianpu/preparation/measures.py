"""What is measured on a face: its quality, which decides whether it is kept, and its parts, from which labels are made."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import binary_erosion

from lianpu.faces.results import Face
from lianpu.imaging.color import rgb_to_lab
from lianpu.imaging.geometry import Matrix, inverse, scale_points
from lianpu.imaging.picture import Picture
from lianpu.part_names import PART_INDEX
from lianpu.preparation.settings import PrepareSettings

SHARPNESS_SIDE_PX = 128
"""Faces are compared at this side of the crop, so that a large face is not sharper for being large."""

_NOSE_FORWARD = 0.60
"""How far the tip of the nose stands out of the plane of the eyes, in eye distances (a mean head)."""

_INNER = slice(SHARPNESS_SIDE_PX // 4, -SHARPNESS_SIDE_PX // 8)
"""The part of the crop that holds eyes, nose and mouth: a sharp background does not make a face sharp."""


@dataclass(frozen=True)
class FaceQuality:
    """What was measured on one face.

    Args:
        width_px: width of its box in the photo.
        eye_distance_px: distance of its eyes in the photo.
        sharpness: variance of the Laplacian over the variance of grey, on the inner face at one size.
        yaw_deg: how far it is turned to a side, 0 to 90; an estimate from five points, within some 10 degrees.
        outside: share of its crop that lies outside of the photo, 0 to 1.
    """

    width_px: float
    eye_distance_px: float
    sharpness: float
    yaw_deg: float
    outside: float


@dataclass(frozen=True)
class Rejection:
    """Why a face is not kept: one of `REASONS`, and the number that decided."""

    reason: str
    detail: str


REASONS: dict[str, str] = {
    "broken": "the photo cannot be read",
    "failed": "a model stopped on the photo; it is tried again on the next run",
    "no face": "no face was found in the photo",
    "animal/other": "the face is an animal's, or none",
    "small": "the face has too few pixels: its crop would be enlarged",
    "cut off": "too much of the crop lies outside of the photo",
    "turned away": "the face looks to a side",
    "blurred": "the face is out of focus or moved",
    "doubled": "a near-identical picture of the face was kept already",
}
"""Why a photo or face is not kept, in the order of the checks."""


NO_PERSON = Rejection("animal/other", "the face mesh and the parser take it for an animal or another thing")


def quality_of(face: Face, crop: Picture, matrix: Matrix, photo_size_px: tuple[int, int]) -> FaceQuality:
    """The quality of a face.

    Args:
        face: as it was found in the photo.
        crop: (S, S, 3), the face in the CelebA crop, 256 px or a multiple of 128.
        matrix: (2, 3), takes a point of the photo to the crop.
        photo_size_px: width and height of the photo.
    """
    return FaceQuality(
        width_px=min(face.width_px, face.height_px),
        eye_distance_px=face.eye_distance_px,
        sharpness=sharpness_of(crop),
        yaw_deg=yaw_of(face.points),
        outside=outside_share(matrix, crop.shape[0], photo_size_px),
    )


def rejection_of(quality: FaceQuality, settings: PrepareSettings) -> Rejection | None:
    """Why a face of this quality is not kept; None when it is."""
    if quality.width_px < settings.least_face_px:
        return Rejection("small", f"{quality.width_px:.0f} px wide, {settings.least_face_px:.0f} are needed")
    if quality.outside > settings.max_outside:
        return Rejection("cut off", f"{quality.outside:.0%} of the crop, {settings.max_outside:.0%} at most")
    if quality.yaw_deg > settings.max_yaw_deg:
        return Rejection("turned away", f"about {quality.yaw_deg:.0f} degrees, {settings.max_yaw_deg:.0f} at most")
    if quality.sharpness < settings.min_sharpness:
        return Rejection("blurred", f"sharpness {quality.sharpness:.4f}, {settings.min_sharpness:.4f} is needed")
    return None


def sharpness_of(crop: Picture) -> float:
    """Variance of the Laplacian of the inner face, divided by the variance of its grey values, at 128 px of the CelebA crop.

    Divided by the variance, it does not depend on contrast or light. Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield
    microscopy, is where the variance of the Laplacian comes from. 0 for a face of one colour.

    900 faces of CelebAMask-HQ have 0.29 in the median, and none less than 0.053. Blurred by a Gaussian of 4 px at 512 px three of four
    fall below 0.05, by one of 6 px all; a photo with plain motion blur has 0.019.
    """
    grey = Image.fromarray(crop).convert("L").resize((SHARPNESS_SIDE_PX, SHARPNESS_SIDE_PX), Image.Resampling.BOX)
    inner = np.asarray(grey, dtype=np.float64)[_INNER, _INNER]
    laplacian = inner[:-2, 1:-1] + inner[2:, 1:-1] + inner[1:-1, :-2] + inner[1:-1, 2:] - 4 * inner[1:-1, 1:-1]
    variance = float(inner.var())
    return float(laplacian.var()) / variance if variance > 1e-6 else 0.0


def yaw_of(points: np.ndarray) -> float:
    """How many degrees a face is turned to a side, 0 to 90, from its five points (5, 2) in InsightFace's order.

    The tip of the nose stands out of the plane of the eyes; turned by an angle, it moves aside by its height times the sine, while
    the distance of the eyes shrinks with the cosine. Tilting the head changes nothing, nodding little.
    """
    left, right, nose, mouth_left, mouth_right = np.asarray(points, dtype=np.float64)
    down = (mouth_left + mouth_right) / 2 - (left + right) / 2
    length = float(np.linalg.norm(down))
    if length < 1e-9:
        return 90.0
    across = np.array([down[1], -down[0]]) / length  # at a right angle to the axis from the eyes to the mouth
    eyes = float((right - left) @ across)
    aside = float((nose - (left + right) / 2) @ across)
    if eyes <= 1e-9:
        return 90.0
    return math.degrees(math.atan2(abs(aside), _NOSE_FORWARD * eyes))


def outside_share(matrix: Matrix, crop_px: int, photo_size_px: tuple[int, int]) -> float:
    """The share of a crop's pixels that the photo does not have, 0 to 1, counted on a grid of 32 x 32."""
    place = scale_points(np.arange(32), crop_px / 32)
    grid = np.stack(np.meshgrid(place, place), axis=-1).reshape(-1, 2)
    back = inverse(matrix)
    in_photo = grid @ back[:, :2].T + back[:, 2]
    inside = (in_photo > -0.5).all(axis=1) & (in_photo < np.array(photo_size_px) - 0.5).all(axis=1)
    return 1.0 - float(inside.mean())


Measures = dict[str, float]
"""Numbers by name; what could not be measured on a face is not in it."""

_LEAST_HAIR = 0.004
"""Least share of the crop that hair must cover, without its rim, for its colour to be measured."""
_LEAST_LIPS = 0.0005
_LEAST_SKIN = 0.02
_GREY_CHROMA = 5.0
"""Median chroma of skin below this: a black and white photo, whose hair has no colour to measure."""
_EYE_LINE = 0.39
"""Glasses above this height of the crop are pushed up on the head."""
_TINY = 1e-5
"""Smaller shares of the crop count as this."""


def part_measures(crop: Picture, mask: np.ndarray) -> Measures:
    """The measures of one face.

    Args:
        crop: (S, S, 3), the face in CelebAMask-HQ's place.
        mask: (S, S) uint8, its parts in CelebAMask-HQ's order.

    Returns:
        hair_lightness, hair_a, hair_b (medians in Lab) and hair_chroma, when enough hair is visible in colour; glasses, hat, earrings,
        hair (logarithm to base 10 of the share of the crop, -5 for none) and mouth_open (the logarithm of inner mouth over lips,
        when lips are visible).
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
    skin_a, skin_b = np.median(_lab(crop[skin][::7]), axis=0)[1:]
    if np.hypot(skin_a, skin_b) < _GREY_CHROMA:
        return {}
    lightness, a, b = np.median(_lab(crop[hair][::7]), axis=0).tolist()
    return {"hair_lightness": lightness, "hair_a": a, "hair_b": b, "hair_chroma": float(np.hypot(a, b))}


def _log(share: float) -> float:
    return float(np.log10(max(share, _TINY)))


def _lab(pixels: np.ndarray) -> np.ndarray:
    """Lab (n, 3) of pixels (n, 3) uint8."""
    return rgb_to_lab(pixels[None].astype(np.float32) / np.float32(255))[0]
