"""TODO imaging.guided_filter."""

from __future__ import annotations

import cv2
import numpy as np

from lianpu.imaging.compositing import Field


def guided_filter_coefficients(mask: Field, guide: Field, radius: int, smoothness: float) -> Field:
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


def apply_coefficients(weights: Field, guide: Field) -> Field:
    """What weights (h, w, 4) of `guided_filter_coefficients` say of the colours (h, w, 3): (h, w)."""
    result = weights[..., 0] * guide[..., 0]
    result += weights[..., 1] * guide[..., 1]
    result += weights[..., 2] * guide[..., 2]
    result += weights[..., 3]
    return np.asarray(result, dtype=np.float32)
