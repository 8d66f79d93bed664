"""The background behind the people of a photo: lens blur, or replacement by a colour or a picture."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from lianpu.effects.matting import person_matte
from lianpu.faces.results import Subject
from lianpu.imaging.color import rgb_of_color
from lianpu.imaging.compositing import Field, blend, upsample
from lianpu.imaging.geometry import enlarge
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import read_image

_RADIUS_SHARE = 0.016
"""The blur's radius at a strength of 1, as a share of the photo's longer side."""
_SHARP_BELOW = 0.25
"""Up to this strength the sharp photo is blended in: so small a blur cannot be computed at the working size."""


def blur_background(photo: Picture, subjects: Sequence[Subject], strength: float) -> Picture:
    """The photo (H, W, 3) with the background behind the subjects out of focus; unchanged without subjects."""
    if not subjects:
        return photo
    people = person_matte(photo, subjects)
    view = people.view
    radius = max(0.6, _RADIUS_SHARE * max(strength, _SHARP_BELOW) * max(view.shape))
    soft = _lens_blurred(view.picture, (1 - people.matte) ** 2, radius)
    share = np.float32(min(1.0, strength / _SHARP_BELOW))

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        alpha = people.alpha(pixels, rows, columns)
        people.remove_ground(pixels, alpha, rows, columns)
        ground = upsample(soft, view.window, rows, columns)
        pixels -= ground
        pixels *= alpha[:, :, None]
        pixels += ground
        return pixels

    return blend(photo, view, np.full(view.shape, share), paint)


def replace_background(photo: Picture, subjects: Sequence[Subject], strength: float, color: str, picture: str) -> Picture:
    """The photo (H, W, 3) with the background replaced by a colour (#rrggbb), or by a picture (path of a file) that fills the photo.

    Raises:
        PictureError: the picture cannot be read.
    """
    new = _filling(read_image(picture), photo.shape[0], photo.shape[1]) if picture else None
    if not subjects:
        return photo
    people = person_matte(photo, subjects)

    def paint(pixels: Field, rows: slice, columns: slice) -> Field:
        alpha = people.alpha(pixels, rows, columns)
        people.remove_ground(pixels, alpha, rows, columns)
        ground = rgb_of_color(color) if new is None else new[rows, columns].astype(np.float32) / np.float32(255)
        pixels -= ground
        pixels *= alpha[:, :, None]
        pixels += ground
        return pixels

    return blend(photo, people.view, np.full(people.view.shape, min(1.0, strength), dtype=np.float32), paint)


def _lens_blurred(picture: Field, weight: Field, radius: float) -> Field:
    """The picture (h, w, 3) blurred with a disc in linear light; pixels of weight 0 (people) do not bleed in."""
    reach = int(np.ceil(radius))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
    disc /= disc.sum()
    light = picture ** np.float32(2.2)
    planes = np.dstack([light * weight[:, :, None], weight])
    total = cv2.filter2D(planes, -1, disc, borderType=cv2.BORDER_REPLICATE)
    far = _from_afar(planes) + np.float32(1e-7)
    total = total + np.float32(0.02) * far  # fallback where a person fills the disc
    mean = np.clip(total[:, :, :3] / total[:, :, 3:], 0, 1)
    return np.asarray(mean ** np.float32(1 / 2.2), dtype=np.float32)


def _from_afar(planes: Field) -> Field:
    """The planes (h, w, C) blurred over an eighth of their size."""
    coarse = cv2.resize(planes, (16, 16), interpolation=cv2.INTER_AREA)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 2, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(enlarge(coarse, planes.shape[1::-1]), dtype=np.float32)


def _filling(picture: Picture, height: int, width: int) -> Picture:
    """The centre of a picture, cropped and scaled to (height, width, 3)."""
    grow = max(height / picture.shape[0], width / picture.shape[1])
    high, wide = max(1, round(height / grow)), max(1, round(width / grow))
    top, left = max(0, (picture.shape[0] - high) // 2), max(0, (picture.shape[1] - wide) // 2)
    middle = picture[top : top + high, left : left + wide]
    return np.asarray(
        cv2.resize(middle, (width, height), interpolation=cv2.INTER_AREA if grow < 1 else cv2.INTER_CUBIC), dtype=np.uint8
    )
