"""The change of a face's crop carried into its photo, through a mask that fits the attributes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.effects.attribute_masks import Mask, attribute_mask, parts_of
from lianpu.effects.change_transfer import Floats, GuidedChange, change_bands, color_matched, guided_change, where_changed
from lianpu.effects.masks import FACE_PARTS, crop_fade
from lianpu.effects.steady_light import steadied
from lianpu.effects.subject import Subject
from lianpu.effects.view import view_of
from lianpu.image import Picture
from lianpu.perception.alignment import Aligned, Matrix, Window, inverse, warp

FADED_SHARE = 0.1
"""Over this share of the crop's side the edit fades towards the crop's border, so that no edge is seen there."""


@dataclass(frozen=True)
class Carrying:
    """How a change is carried from the crop into the photo.

    Args:
        radius_share: within this share of the crop's side the change is one function of colours.
        left_over: how much of what is no such function is added: what the edit drew anew.
        color_kept: how much of the change of colour, beside light, is kept; its mean over the face goes altogether where it is below 1.
        even: take the function from where the editor changed most, for all that the attribute is about.
        steady: take spots of light and colour on the skin for mistakes (`steady_light`).
    """

    radius_share: float
    left_over: float
    color_kept: float
    even: bool
    steady: bool = False


HAIR = Carrying(36 / 128, 0.0, 1.0, even=True)
"""Hair changes as a whole and keeps its light: what a small editor leaves patchy becomes even."""
FACE = Carrying(3 / 128, 1.0, 0.95, even=False)
"""A face gets new lines and edges, and keeps its complexion."""
_STEADY = frozenset(("Young", "Male"))
"""What is no matter of light on the skin, as a beard or a pale skin are."""
_SKIN = ("skin", "nose")
_FACE = tuple(part for part in FACE_PARTS if part not in ("u_lip", "l_lip", "mouth"))


@dataclass(frozen=True, eq=False)
class CarriedChange:
    """The change of one face's crop, ready to be put into its photo with any strength; see `carried_change`.

    Args:
        guided: the change, as a function of colours.
        matrix: (2, 3), takes a point of the photo to the crop.
        window: of the subject.
        allowed: how far each pixel of the window may change, (h, w) uint8.
    """

    guided: GuidedChange
    matrix: Matrix
    window: Window
    allowed: Mask

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""
        return self.allowed

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo with the change in it."""
        result = photo.copy()
        rows, columns = self.window
        left, top, width, height = cv2.boundingRect(self.allowed)
        if not width or not strength:
            return result
        mask = self.allowed[top : top + height, left : left + width]
        first = rows.start + top
        touched = (slice(first, first + height), slice(columns.start + left, columns.start + left + width))
        for band, change in change_bands(self.guided, result, self.matrix, touched):
            part = mask[band[0].start - first : band[0].stop - first]
            change *= (part.astype(np.float32) * (strength / 255))[:, :, None]
            change += result[band]
            result[band] = np.clip(np.rint(change), 0, 255).astype(np.uint8)
        return result


def carried_change(
    photo: Picture, subject: Subject, aligned: Aligned, edited: Picture, attributes: Iterable[str]
) -> CarriedChange:
    """What an editor made of the crop `aligned`, (S, S, 3), as a change of the photo where the attributes may change it."""
    names = tuple(attributes)
    if is_about_hair(names):
        subject = subject.wide()
        mask = _faded_as_hair(attribute_mask(photo, subject, names), subject, photo)
        return CarriedChange(_guided(aligned, edited, mask, subject, HAIR), aligned.matrix, subject.window, mask)
    mask = _faded(attribute_mask(photo, subject, names), aligned, subject)
    carrying = replace(FACE, steady=set(names) <= _STEADY)
    return CarriedChange(_guided(aligned, edited, mask, subject, carrying), aligned.matrix, subject.window, mask)


def is_about_hair(attributes: Iterable[str]) -> bool:
    """Whether the attributes are about hair and nothing else."""
    return parts_of(attributes) == ("hair",)


def _guided(aligned: Aligned, edited: Picture, mask: Mask, subject: Subject, carrying: Carrying) -> GuidedChange:
    side = len(edited)
    counted = in_crop(mask, aligned, subject)
    change = color_matched(np.subtract(edited, aligned.picture, dtype=np.float32), counted, carrying.color_kept)
    if carrying.steady:
        skin, face = (_parts_in_crop(aligned, subject, names) for names in (_SKIN, _FACE))
        change = steadied(change, skin, face)
    if carrying.even:
        counted = where_changed(change, counted)
    return guided_change(aligned.picture, change, counted, max(1, round(carrying.radius_share * side)), carrying.left_over)


def in_crop(mask: Mask, aligned: Aligned, subject: Subject) -> np.ndarray:
    """A mask over the subject's window, (h, w) uint8, as the crop sees it: (S, S) float32, 0 to 1."""
    side = len(aligned.picture)
    seen = warp(np.repeat(mask[:, :, None], 3, axis=2), matrix_of_window(aligned, subject), (side, side))[:, :, 0]
    return np.asarray(seen / 255, dtype=np.float32)


def _parts_in_crop(aligned: Aligned, subject: Subject, names: tuple[str, ...]) -> Floats:
    """(S, S), 0 to 1: how much of each pixel of the crop the named parts cover."""
    shown = in_crop(255 * subject.parts.where(*names).astype(np.uint8), aligned, subject)
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.012 * len(shown)), dtype=np.float32)


def _faded_as_hair(mask: Mask, subject: Subject, photo: Picture) -> Mask:
    """The mask, falling to 0 where what is known of the hair ends inside the photo. The editor's crop does not count: hair changes as a whole."""
    fade = crop_fade(subject, view_of(photo, subject.window), photo.shape)
    wide = cv2.resize(np.rint(255 * fade).astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(mask, wide, scale=1 / 255), dtype=np.uint8)


def _faded(mask: Mask, aligned: Aligned, subject: Subject) -> Mask:
    """The mask, 0 outside of the editor's crop and falling to 0 towards its border."""
    back = inverse(matrix_of_window(aligned, subject))
    fading = np.rint(255 * _fading(len(aligned.picture))).astype(np.uint8)
    shown = cv2.warpAffine(fading, back, mask.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(cv2.multiply(mask, shown, scale=1 / 255), dtype=np.uint8)


def matrix_of_window(aligned: Aligned, subject: Subject) -> Matrix:
    """The matrix that takes a point of the subject's window to the crop."""
    rows, columns = subject.window
    matrix = aligned.matrix.copy()
    matrix[:, 2] += matrix[:, :2] @ (columns.start, rows.start)
    return matrix


def _fading(side_px: int) -> np.ndarray:
    """(S, S): 1 in the middle, falling to 0 at the border along half a cosine."""
    reach = max(1.0, FADED_SHARE * side_px)
    distance = np.minimum(np.arange(side_px), np.arange(side_px)[::-1])
    along = 0.5 - 0.5 * np.cos(np.pi * np.clip(distance / reach, 0, 1))
    return np.outer(along, along).astype(np.float32)
