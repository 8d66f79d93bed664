"""Alpha mattes of attributes: the parts that each may change, along the photo's own edges."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np

from lianpu.faces.results import Subject
from lianpu.imaging.compositing import upsample
from lianpu.imaging.geometry import scaled_size
from lianpu.imaging.masks import smoothstep, window_mean
from lianpu.imaging.picture import Picture

FACE = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip", "l_lip")

HEAD = (*FACE, "neck", "hair")

REGIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair", "Straight_Hair", "Wavy_Hair"), ("hair",)),
    **dict.fromkeys(("Young", "Male", "Bald", "Bangs", "Receding_Hairline", "Pale_Skin", "Chubby", "Double_Chin"), HEAD),
    **dict.fromkeys(("Eyeglasses", "Bags_Under_Eyes", "Narrow_Eyes", "Arched_Eyebrows", "Bushy_Eyebrows"), ("eyes",)),
}
"""CelebA's attributes and the parts that each may change (`eyes`: a region around both eyes and brows); others change the face."""

OF_HAIR = (*(name for name, parts in REGIONS.items() if parts == ("hair",)), "Bald", "Bangs", "Receding_Hairline")
"""The attributes that are about hair, which a face mesh does not see."""

FEATHER_SHARE = 0.016
"""How far a matte's edge may move from the parsed edge, as a share of the side of the face's crop."""

_WORKED_ON_PX = 512

_SMOOTHNESS = 0.01
"""Squared difference of colours below which they do not tell where the edge runs."""

_BAND_PX = 256
"""Rows per band: memory stays flat."""

Mask = np.ndarray[Any, np.dtype[np.uint8]]


def parts_of(attributes: Iterable[str]) -> tuple[str, ...]:
    """The parts that any of the attributes may change."""
    return tuple(dict.fromkeys(part for name in attributes for part in REGIONS.get(name, FACE)))


def attribute_mask(photo: Picture, subject: Subject, attributes: Iterable[str]) -> Mask:
    """The alpha matte of an edit over the subject's window, (h, w) uint8: 255 inside the parts of the attributes, 0 outside.

    The edge is drawn where the photo's colours change near the edge that the parser saw (a guided filter as for mattes; He, Sun & Tang
    2013), so that it runs along strands of hair. Beyond `FEATHER_SHARE` of the crop's side from that edge the mask is 0 or 255.

    Args:
        photo: (H, W, 3) that the subject was found in.
        subject: the face.
        attributes: what is set.
    """
    core = _core(subject, parts_of(attributes))
    side = _crop_side(subject)
    scale = min(1.0, _WORKED_ON_PX / side)
    small_size = scaled_size(core, scale)
    small = cv2.resize(core.astype(np.float32), small_size, interpolation=cv2.INTER_AREA)
    part = photo[subject.window]
    guide = cv2.resize(part, small_size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    reach = max(1.5, FEATHER_SHARE * side * scale)
    inner, outer = _local_colors(guide, small, max(1, round(2 * reach)))
    return _matte(part, inner, outer, *_limits(small, reach))


def _core(subject: Subject, parts: tuple[str, ...]) -> np.ndarray:
    """(h, w) bool over the subject's window."""
    core = subject.parts.where(*(part for part in parts if part != "eyes"))
    if "eyes" in parts:
        core = core | _around_eyes(subject) | subject.parts.where("eye_g")
    return core


def _around_eyes(subject: Subject) -> np.ndarray:
    """(h, w) bool: a rounded region over both eyes and brows, as wide as glasses."""
    rows, columns = subject.window
    points = subject.landmarks.points[17:48] - (columns.start, rows.start)
    eyes = np.concatenate([points[:10], points[19:31]])  # brows and eyes, not the nose
    center = eyes.mean(axis=0)
    across = points[25:31].mean(axis=0) - points[19:25].mean(axis=0)
    length = max(1.0, float(np.linalg.norm(across)))
    angle = float(np.degrees(np.arctan2(across[1], across[0])))
    region = np.zeros(subject.parts.mask.shape, dtype=np.uint8)
    axes = (max(1, round(1.25 * length)), max(1, round(0.55 * length)))
    cv2.ellipse(region, (round(float(center[0])), round(float(center[1]))), axes, angle, 0, 360, 1, thickness=-1)
    return region > 0


def _crop_side(subject: Subject) -> float:
    """The side of the face's crop in pixels of the photo: 512 px of `celebamask-hq`, whose eyes are 124.2 px apart."""
    points = subject.landmarks.points
    apart = float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
    longest = max(subject.parts.mask.shape)
    return float(np.clip(apart * 512 / 124.2, longest / 2, longest))


def _local_colors(guide: np.ndarray, core: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean colours around each pixel, (h, w, 3) each, inside and outside of the mask."""

    return window_mean(radius, core * core, least=1e-4)(guide), window_mean(radius, (1 - core) ** 2, least=1e-4)(guide)


def _limits(core: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """(h, w) each: lower and upper bounds of the matte, by the distance from the parsed edge."""
    inside = (core >= 0.5).astype(np.uint8)
    within = cv2.distanceTransform(np.pad(inside, 1, mode="edge"), cv2.DIST_L2, 3)[1:-1, 1:-1] if inside.any() else core * 0
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3) if inside.any() else np.full_like(core, 2 * reach)
    return smoothstep(within / reach, 0, 1), 1 - smoothstep(beyond / reach, 0, 1)


def _matte(part: Picture, inner: np.ndarray, outer: np.ndarray, least: np.ndarray, most: np.ndarray) -> Mask:
    """The matte at the size of `part`: where each pixel lies between the outer and the inner colour, as far as these differ."""
    height, width = part.shape[:2]
    mask = np.zeros((height, width), dtype=np.uint8)
    whole = (slice(0, height), slice(0, width))
    planes = np.dstack([inner - outer, outer, least, most]).astype(np.float32)
    _, first, _, count = cv2.boundingRect((most > 0).astype(np.uint8))
    start, stop = (np.array([first - 1, first + count + 1]) * height / planes.shape[0]).clip(0, height).astype(int).tolist()
    for top in range(start, stop, _BAND_PX):
        rows = slice(top, min(top + _BAND_PX, stop))
        mask[rows] = _matte_of(part[rows].astype(np.float32) / 255, upsample(planes, whole, rows, whole[1]))
    return mask


def _matte_of(colors: np.ndarray, planes: np.ndarray) -> np.ndarray:
    line, outer, least, most = planes[..., :3], planes[..., 3:6], planes[..., 6], planes[..., 7]
    length = np.einsum("hwc,hwc->hw", line, line)
    colors -= outer
    along = np.einsum("hwc,hwc->hw", colors, line) / np.maximum(length, 1e-5)
    sure = length / (length + _SMOOTHNESS)
    middle = 0.5 * (least + most)
    mask = np.clip(middle + sure * (along - middle), least, most)
    return np.asarray(np.rint(255 * mask), dtype=np.uint8)
