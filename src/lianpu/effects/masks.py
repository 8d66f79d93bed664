"""Soft masks over a view: from the parts of a face, along the picture's own edges, and fading out where the face's crop ends."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.effects.subject import Subject
from lianpu.effects.view import Field, View
from lianpu.part_names import part_index
from lianpu.perception.alignment import TEMPLATES, alignment_matrix

FACE_PARTS = ("skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip")
"""What lies within a face's outline, ears apart."""

_CROP = TEMPLATES["celebamask-hq"]
_FADE_SHARES = ((0.08, 0.08), (0.05, 0.14))
"""Over which shares of the crop's side what leaves the crop fades: left and right, top and bottom. Most hair ends near the top; long hair goes on below."""
_KERNEL_SIGMA = 6.0
_ENDS_WITH_PHOTO = 0.08
"""Less of the photo than this share of the crop beyond it: the crop is taken to end with the photo."""


def face_unit(subject: Subject) -> float:
    """The distance of the eyes in pixels of the photo, as it would be if the face looked straight ahead: the measure of all feathers.

    A face that is turned aside has its eyes nearer together, one that looks up or down has them nearer to the mouth: the larger counts.
    """
    left, right, _, mouth_left, mouth_right = np.asarray(subject.face.points, dtype=np.float64)
    height = float(np.linalg.norm((left + right) / 2 - (mouth_left + mouth_right) / 2))
    return max(subject.face.eye_distance_px, 0.96 * height, 1.0)


def smooth_step(values: np.ndarray, low: float, high: float) -> Field:
    """0 up to `low`, 1 from `high` on, and a smooth slope between."""
    share = np.clip((np.asarray(values, dtype=np.float32) - low) / (high - low), 0, 1)
    return np.asarray(share * share * (3 - 2 * share), dtype=np.float32)


def part_cover(subject: Subject, view: View, *names: str) -> Field:
    """How much of each pixel of the view the named parts cover, (h, w), 0 to 1; the view is of the subject's window."""
    table = np.zeros(256, dtype=np.uint8)
    table[[part_index(name) for name in names]] = 255
    mask = cv2.LUT(subject.parts.mask, table)
    size = (view.shape[1], view.shape[0])
    if mask.shape != view.shape:
        mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    return mask.astype(np.float32) / np.float32(255)


def feathered(mask: Field, view: View, reach_px: float) -> Field:
    """The mask with soft edges of `reach_px` pixels of the photo to either side; beyond 2.5 times that it is as it was."""
    sigma = max(0.4, reach_px * view.scale)
    size = 2 * int(np.ceil(2.5 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(mask, (size, size), sigma, borderType=cv2.BORDER_REPLICATE), dtype=np.float32)


def grown(mask: Field, view: View, by_px: float) -> Field:
    """The mask, larger by pixels of the photo (smaller where `by_px` is negative)."""
    radius = round(abs(by_px) * view.scale)
    if radius < 1:
        return mask
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray((cv2.dilate if by_px > 0 else cv2.erode)(mask, kernel), dtype=np.float32)


def largest_piece(mask: Field, least_share: float = 0.25) -> Field:
    """The mask without specks: pieces smaller than a share of the largest one are left out."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((mask > 0.5).astype(np.uint8))
    if count <= 2:
        return mask
    areas = stats[1:, cv2.CC_STAT_AREA]
    kept = np.concatenate([[False], areas >= least_share * areas.max()])
    near = cv2.dilate(kept[labels].astype(np.uint8), np.ones((3, 3), dtype=np.uint8))
    return np.asarray(mask * near, dtype=np.float32)


def crop_fade(subject: Subject, view: View, photo_shape: tuple[int, ...]) -> Field:
    """(h, w): 1 inside of the face's crop, falling to 0 where the crop ends inside the photo: no cut is seen in long hair.

    On a side where the photo ends with the crop, or nearly so, nothing fades.
    """
    rows, columns = subject.window
    x = columns.start - 0.5 + (np.arange(view.shape[1]) + 0.5) * (columns.stop - columns.start) / view.shape[1]
    y = rows.start - 0.5 + (np.arange(view.shape[0]) + 0.5) * (rows.stop - rows.start) / view.shape[0]
    middle = (_CROP.width - 1) / 2
    matrix = alignment_matrix(subject.face.points, _CROP, _CROP.width) / subject.reach
    matrix[:, 2] += middle - middle / subject.reach  # what the parts cover may be wider than the crop, around the same middle
    high, wide = photo_shape[:2]
    corners = np.array([(0, 0, 1), (wide - 1, 0, 1), (0, high - 1, 1), (wide - 1, high - 1, 1)]) @ matrix.T
    fade = np.ones(view.shape, dtype=np.float32)
    far = _CROP.width - 1
    for axis, (first, last) in enumerate(_FADE_SHARES):
        at = matrix[axis, 0] * x[None] + matrix[axis, 1] * y[:, None] + matrix[axis, 2]
        if corners[:, axis].min() < -_ENDS_WITH_PHOTO * far:
            fade *= smooth_step(at, 0, first * far)
        if corners[:, axis].max() > (1 + _ENDS_WITH_PHOTO) * far:
            fade *= smooth_step(far - at, 0, last * far)
    return fade


def widely_blurred(values: Field, sigma: float) -> Field:
    """Values (h, w) or (h, w, C) under a Gaussian of `sigma` pixels; a wide one is made at a smaller size, where it costs less."""
    shrink = max(1.0, sigma / _KERNEL_SIGMA)
    size = (max(1, round(values.shape[1] / shrink)), max(1, round(values.shape[0] / shrink)))
    small = values if shrink == 1.0 else cv2.resize(values, size, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), sigma / shrink, borderType=cv2.BORDER_REPLICATE)
    if shrink > 1.0:
        soft = cv2.resize(soft, values.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(soft, dtype=np.float32).reshape(values.shape)


def guide_weights(mask: Field, guide: Field, radius: int, smoothness: float) -> Field:
    """The straight-line function of colours around each pixel that is nearest to the mask: (h, w, 4), three slopes and an offset.

    A guided filter with a colour guide (He, Sun & Tang 2013, Guided Image Filtering): applied, it moves the mask's edges to those of the guide,
    to strands of hair instead of an outline. The weights can be enlarged and applied at a larger size: He & Sun 2015, Fast Guided Filter,
    arXiv:1505.00996.

    Args:
        mask: (h, w), 0 to 1.
        guide: (h, w, 3), 0 to 1.
        radius: how far an edge may move, in pixels.
        smoothness: the variance of colour below which there is no edge.
    """

    def mean(values: Field) -> Field:
        side = (2 * radius + 1,) * 2
        return np.asarray(cv2.boxFilter(values, -1, side, borderType=cv2.BORDER_REFLECT), dtype=np.float32)

    guide_mean, mask_mean = mean(guide), mean(mask)
    (rr, rg, rb), (gg, gb), (bb,) = (
        tuple(mean(guide[..., i] * guide[..., j]) - guide_mean[..., i] * guide_mean[..., j] for j in range(i, 3))
        for i in range(3)
    )
    rr, gg, bb = (values + np.float32(smoothness) for values in (rr, gg, bb))
    together = mean(guide * mask[..., None]) - guide_mean * mask_mean[..., None]
    # the inverse of the symmetric spread, by its cofactors
    inverse = (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb, rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg)
    r_r, r_g, r_b, g_g, g_b, b_b = inverse
    to_r, to_g, to_b = together[..., 0], together[..., 1], together[..., 2]
    determinant = rr * r_r + rg * r_g + rb * r_b
    slopes = (
        np.dstack(
            [
                r_r * to_r + r_g * to_g + r_b * to_b,
                r_g * to_r + g_g * to_g + g_b * to_b,
                r_b * to_r + g_b * to_g + b_b * to_b,
            ]
        )
        / np.maximum(determinant, 1e-12)[..., None]
    )
    offset = mask_mean - (slopes * guide_mean).sum(axis=2)
    return mean(np.dstack([slopes, offset]).astype(np.float32))


def applied(weights: Field, guide: Field) -> Field:
    """What weights (h, w, 4) of `guide_weights` say of the colours (h, w, 3): (h, w)."""
    result = weights[..., 0] * guide[..., 0]
    result += weights[..., 1] * guide[..., 1]
    result += weights[..., 2] * guide[..., 2]
    result += weights[..., 3]
    return np.asarray(result, dtype=np.float32)
