"""Faces brought into one place and size: the similarity that takes five points to a template, and the picture warped by it.

A matrix is (2, 3) float64 and takes a point (x, y, 1) of one picture to the other; 0 is the centre of the first pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lianpu.faces.results import Face
from lianpu.imaging.geometry import Matrix, Window, inverse, scale_points, similarity, warp
from lianpu.imaging.picture import Picture


@dataclass(frozen=True, eq=False)
class Template:
    """Where the five points of an aligned face lie.

    Args:
        name: its name in `TEMPLATES`.
        points: (5, 2): eye on the left, eye on the right, nose tip, mouth corner left, mouth corner right.
        width: of the picture that the points lie in, in pixels.
        height: likewise.
        by_mouth_middle: fit the eyes and the middle of the mouth only, as CelebA was aligned, so that a nose that points aside does
            not move the face; else all five points.
    """

    name: str
    points: np.ndarray[Any, np.dtype[np.float64]]
    width: int
    height: int
    by_mouth_middle: bool = False

    def scaled(self, size_px: int) -> np.ndarray[Any, np.dtype[np.float64]]:
        """(5, 2): the points in the middle square of the template, when that square is `size_px` wide.

        CelebA's pictures are 178 x 218; StarGAN was trained on their middle 178 x 178, resized.
        """
        side = min(self.width, self.height)
        corner = np.array([(self.width - side) // 2, (self.height - side) // 2], dtype=np.float64)
        return scale_points(self.points - corner, size_px / side)


def _template(name: str, points: list[tuple[float, float]], width: int, height: int, by_mouth_middle: bool = False) -> Template:
    values = np.array(points, dtype=np.float64)
    values.setflags(write=False)
    return Template(name, values, width, height, by_mouth_middle)


TEMPLATES: dict[str, Template] = {
    template.name: template
    for template in (
        # InsightFace, python-package/insightface/utils/face_align.py: arcface_dst.
        _template(
            "arcface",
            [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
            112,
            112,
        ),
        # CelebA's makers fitted the eyes and the middle of the mouth to (70.745, 112), (108.237, 112) and (89.432, 153.514), where
        # 1 is the first pixel, with a similarity and the border replicated (align_face_celeba.m). Those are the eyes and the mouth's
        # height here. The nose and the width of the mouth, which the fit does not use, are means over the first 200 rows of
        # list_landmarks_align_celeba and their mirror images; in these rows the centre of the eyes and the mouth's middle is
        # (88.468, 124.826), that of the numbers above, less 1, (88.471, 124.838).
        _template(
            "celeba",
            [(69.745, 111.0), (107.237, 111.0), (88.471, 135.385), (71.047, 152.514), (105.817, 152.514)],
            178,
            218,
            by_mouth_middle=True,
        ),
        # The means over the 890 faces of 900 in landmarks68.csv of a part of CelebAMask-HQ (dlib's points of 512 px pictures): centres
        # of 36..41 and 42..47, point 30, points 48 and 54. Their standard deviations are 4, 4, 20, 10 and 10 px from left to right.
        _template(
            "celebamask-hq",
            [(193.82, 246.42), (318.02, 246.72), (254.72, 318.33), (200.00, 376.09), (312.21, 376.31)],
            512,
            512,
        ),
    )
}
"""The places that faces are brought to, by name."""

CROP_TEMPLATES = {"celeba-center-crop-178": "celeba", "celebamask-hq": "celebamask-hq"}
"""How a model's training faces were cut out, as its file says it, and the template that does the same."""


@dataclass(frozen=True, eq=False)
class Aligned:
    """A face cut out of a photo.

    Args:
        picture: (S, S, 3), the crop.
        matrix: (2, 3), takes a point of the photo to the crop; `inverse(matrix)` takes it back.
        template: the place that the face was brought to.
    """

    picture: Picture
    matrix: Matrix
    template: Template


def align(picture: Picture, face: Face, template: Template, size_px: int) -> Aligned:
    """The face upright, in the template's place: a crop of `size_px`; what lies outside of the photo repeats its border.

    The crop is the middle square of the template, so `celeba` gives the crop that StarGAN was trained on.

    Raises:
        ValueError: the face's points lie in one place, or `size_px` is not positive.
    """
    matrix = alignment_matrix(face.points, template, size_px)
    return Aligned(warp(picture, matrix, (size_px, size_px)), matrix, template)


def window_of(aligned: Aligned, width: int, height: int) -> Window | None:
    """The rows and columns of the photo (`width` x `height`) that the crop shows; None when the crop lies outside of it."""
    return window_of_crop(aligned.matrix, aligned.picture.shape[0], width, height)


def window_of_crop(matrix: Matrix, size_px: int, width: int, height: int) -> Window | None:
    """The same for a crop of `size_px` that was not cut out, by the matrix (2, 3) that takes points of the photo to it."""
    back = inverse(matrix)
    far = size_px - 0.5
    corners = np.array([(-0.5, -0.5), (far, -0.5), (-0.5, far), (far, far)]) @ back[:, :2].T + back[:, 2]
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int).tolist()
    right, bottom = np.minimum(np.ceil(corners.max(axis=0)) + 1, (width, height)).astype(int).tolist()
    return None if left >= right or top >= bottom else (slice(top, bottom), slice(left, right))


def alignment_matrix(points: np.ndarray, template: Template, size_px: int) -> Matrix:
    """The matrix (2, 3) that takes five points of a photo, (5, 2), to the template's in a crop of `size_px`."""
    source, target = np.asarray(points, dtype=np.float64), template.scaled(size_px)
    if template.by_mouth_middle:
        source, target = _eyes_and_mouth(source), _eyes_and_mouth(target)
    return similarity(source, target)


def _eyes_and_mouth(points: np.ndarray) -> np.ndarray:
    return np.array([points[0], points[1], (points[3] + points[4]) / 2])
