"""How right masks are: overlap and contours per class. Pure arithmetic on class indices.

IoU and F1 (which is Dice) are pooled: counted over all pixels of all faces together, as parsing papers print them. The per-face mean, which
Csurka et al. 2013 (What is a good evaluation measure for semantic segmentation?, BMVC) recommend in addition to it, and their contour F1 are means
over the faces that have the class in truth or in answer.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np

from lianpu.face_parsing.data.mask_files import IGNORED, Mask
from lianpu.part_names import PARTS, SIDES

Counts = np.ndarray[Any, np.dtype[np.int64]]
"""Pixels (C, C): row is truth, column is answer."""

Values = np.ndarray[Any, np.dtype[np.float64]]
"""A number per class (C,); NaN where a class is in neither truth nor answer."""

BOUNDARY_TOLERANCE = 0.0075
"""How far two contours may lie apart and still agree, as a share of the picture's diagonal: Csurka et al. 2013 (5.4 px at 512 x 512)."""


def count_pixels(truth: Mask, answer: Mask, classes: int = len(PARTS)) -> Counts:
    """Pixels (C, C) of one face by true and answered class; pixels whose truth is 255 are left out.

    Raises:
        ValueError: the masks differ in shape, or hold a value that is no class.
    """
    if truth.shape != answer.shape:
        raise ValueError(f"truth is {truth.shape}, answer {answer.shape}: both must be of one size")
    known = truth != IGNORED
    true_class, answered = truth[known].astype(np.int64), answer[known].astype(np.int64)
    if true_class.size and max(int(true_class.max()), int(answered.max())) >= classes:
        raise ValueError(f"classes are 0 to {classes - 1}, got {max(int(true_class.max()), int(answered.max()))}")
    return np.bincount(true_class * classes + answered, minlength=classes * classes).reshape(classes, classes)


def iou(counts: Counts) -> Values:
    """Intersection over union of each class, 0 to 1."""
    right, in_truth, in_answer = _sums(counts)
    return _share(right, in_truth + in_answer - right)


def f1(counts: Counts) -> Values:
    """F1 (Dice) of each class, 0 to 1."""
    right, in_truth, in_answer = _sums(counts)
    return _share(2 * right, in_truth + in_answer)


def accuracy(counts: Counts) -> float:
    """The share of pixels whose class is right; NaN without pixels."""
    return float(_share(np.array([np.trace(counts)]), np.array([counts.sum()]))[0])


def boundary_f1(truth: Mask, answer: Mask, classes: int = len(PARTS), tolerance: float = BOUNDARY_TOLERANCE) -> Values:
    """F1 of the contours of each class in one face (Csurka et al. 2013), 0 to 1; NaN where neither has a contour.

    A contour pixel is right when the other mask has a contour of the same class within the tolerance (a share of the diagonal). The
    picture's edge is no contour. Pixels whose truth is 255 count as the background of every class.
    """
    reach = tolerance * math.hypot(*truth.shape)
    values = np.full(classes, np.nan)
    for index in np.union1d(np.unique(truth), np.unique(answer)):
        if index == IGNORED:
            continue
        true_contour, answered_contour = contour(truth == index), contour((answer == index) & (truth != IGNORED))
        true_count, answered_count = int(true_contour.sum()), int(answered_contour.sum())
        if true_count == 0 and answered_count == 0:
            continue
        if true_count == 0 or answered_count == 0:
            values[index] = 0.0
            continue
        precision = float(near(true_contour, reach)[answered_contour].mean())
        recall = float(near(answered_contour, reach)[true_contour].mean())
        values[index] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return values


def contour(region: np.ndarray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The pixels (H, W) bool of a region that touch, by an edge, a pixel of the picture outside of it."""
    filled = np.pad(region.astype(bool), 1, mode="edge")
    inside = filled[:-2, 1:-1] & filled[2:, 1:-1] & filled[1:-1, :-2] & filled[1:-1, 2:]
    return region.astype(bool) & ~inside


def near(contour_pixels: np.ndarray, reach_px: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """The pixels (H, W) bool that lie within `reach_px` of one of the given ones."""
    distance = cv2.distanceTransform((~contour_pixels).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= reach_px)


def merged_sides() -> tuple[Mask, tuple[str, ...]]:
    """A table of 256 uint8 that gives left and right parts one class, and the names of the 16 classes: eye, brow and ear are new."""
    names = [_without_side(name) for name in PARTS]
    merged = tuple(dict.fromkeys(names))
    table = np.full(256, IGNORED, dtype=np.uint8)
    table[: len(PARTS)] = [merged.index(name) for name in names]
    return table, merged


def _without_side(name: str) -> str:
    sided = {part for pair in SIDES for part in pair}
    return name[2:] if name in sided else name


def _sums(counts: Counts) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.diag(counts).astype(np.float64), counts.sum(axis=1).astype(np.float64), counts.sum(axis=0).astype(np.float64)


def _share(part: np.ndarray, whole: np.ndarray) -> Values:
    shares = np.full(len(whole), np.nan)
    return np.divide(part, whole, out=shares, where=whole > 0)
