"""Attribute edits of the faces of a photo, at the photo's own resolution.

The editor works on a small aligned crop. What goes back into the photo is not the crop but the change that the edit made to it, enlarged along the
photo's own edges, and only where the attribute is about: where nothing was edited the photo keeps every pixel, and where hair changes its
colour it keeps its strands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from lianpu.editors.editor import Editor
from lianpu.effects.attribute_masks import Mask, attribute_mask, parts_of
from lianpu.effects.change_transfer import Floats, GuidedChange, change_bands, color_matched, guided_change, where_changed
from lianpu.effects.effect import check_strength
from lianpu.effects.masks import FACE_PARTS, crop_fade
from lianpu.effects.requests import crop_template, edit_crops
from lianpu.effects.steady_light import steadied
from lianpu.effects.studio import EVERY, Studio, choose, open_studio
from lianpu.effects.subject import Subject
from lianpu.effects.view import view_of
from lianpu.image import Picture, check_picture
from lianpu.perception.alignment import Aligned, Matrix, align, inverse, warp

FADED_SHARE = 0.1
"""Over this share of the crop's side the edit fades towards the crop's border, so that no edge is seen there."""
_SKIN = ("skin", "nose")
_FACE = tuple(part for part in FACE_PARTS if part not in ("u_lip", "l_lip", "mouth"))


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


HAIR_COLOR = Carrying(36 / 128, 0.0, 1.0, even=True)
"""Hair changes as a whole and keeps its light: what a small editor leaves patchy becomes even."""
FACE = Carrying(3 / 128, 0.5, 0.6, even=False)
"""A face gets new lines and edges, and keeps its complexion."""
_STEADY = frozenset(("Young", "Male"))
"""What is no matter of light on the skin, as a beard or a pale skin are."""


@dataclass(frozen=True, eq=False)
class FaceEdit:
    """What an editor made of one face, ready to be put into its photo with any strength.

    Args:
        subject: the face.
        aligned: its crop as the editor saw it.
        edited: the crop as the editor gave it back, (S, S, 3).
        guided: the change between the two.
        mask: how far each pixel of the subject's window may change, (h, w) uint8.
    """

    subject: Subject
    aligned: Aligned
    edited: Picture
    guided: GuidedChange
    mask: Mask


def edit_photo(
    photo: Picture,
    editor: Editor,
    values: Mapping[str, bool],
    *,
    faces: str | Sequence[int] = EVERY,
    strength: float = 1.0,
    known: Mapping[str, bool] | None = None,
    studio: Studio | None = None,
) -> Picture:
    """The photo (H, W, 3) with the attributes of its faces set to `values`; a photo without faces comes back as it is.

    Args:
        photo: (H, W, 3) uint8 RGB.
        editor: from `load_editor`.
        values: what shall be, as {"Blond_Hair": True}.
        faces: `all`, `largest`, or numbers, of which 0 is the largest: [0] or "0,2".
        strength: 0 (the same picture) to 1.5.
        known: what the faces are, for an editor that is told all labels.
        studio: what sees the faces; opened for this photo when None, which takes a second.

    Raises:
        SettingsError, ModelError: see `edit_attributes`; or `faces` is none of these.
        DataError: a number that no face has.
    """
    which = faces if isinstance(faces, str) else ",".join(str(int(number)) for number in faces)
    subjects = choose((studio or open_studio()).subjects(photo), which)
    return edit_attributes(photo, subjects, editor, values, strength, known)


def edit_attributes(
    photo: Picture,
    subjects: Sequence[Subject],
    editor: Editor,
    values: Mapping[str, bool],
    strength: float = 1.0,
    known: Mapping[str, bool] | None = None,
) -> Picture:
    """The photo (H, W, 3) with the attributes of `subjects` set to `values`; other faces and everything else are as they were.

    Args:
        photo: (H, W, 3) uint8 RGB.
        subjects: of `Studio.subjects`.
        editor: from `load_editor`.
        values: what shall be, as {"Blond_Hair": True}.
        strength: 0 (the same picture) to 1.5.
        known: what the faces are, for an editor that is told all labels; one that is told differences needs nothing.

    Raises:
        SettingsError: an unknown attribute, no attribute, or labels that the editor needs and nobody gave; a strength that is none.
        ModelError: the editor does not say how its faces were cut out.
    """
    strength = check_strength(strength, "edit")
    return with_edits(photo, plan_edits(photo, subjects, editor, values, known), strength)


def plan_edits(
    photo: Picture,
    subjects: Sequence[Subject],
    editor: Editor,
    values: Mapping[str, bool],
    known: Mapping[str, bool] | None = None,
) -> tuple[FaceEdit, ...]:
    """What the editor makes of each of the subjects, in their order: the slow part, which no strength changes. See `edit_attributes`."""
    check_picture(photo)
    template, side_px = crop_template(editor.info), editor.info.image_size
    aligned = [align(photo, subject.face, template, side_px) for subject in subjects]
    crops = np.stack([one.picture for one in aligned]) if aligned else np.empty((0, side_px, side_px, 3), dtype=np.uint8)
    carrying = HAIR_COLOR if parts_of(values) == ("hair",) else replace(FACE, steady=_STEADY >= set(values))
    edited = edit_crops(crops, editor, values, known)
    if not carrying.even:
        edited = _mean_of_both(edited, edit_crops(np.ascontiguousarray(crops[:, :, ::-1]), editor, values, known)[:, :, ::-1])
    edits = []
    for subject, one, crop in zip(subjects, aligned, edited, strict=True):
        if carrying.even:
            subject = subject.wide()
            mask = _faded_as_hair(attribute_mask(photo, subject, values), subject, photo)
        else:
            mask = _faded(attribute_mask(photo, subject, values), one, subject)
        edits.append(FaceEdit(subject, one, crop, _guided(one, crop, mask, subject, carrying), mask))
    return tuple(edits)


def with_edits(photo: Picture, edits: Sequence[FaceEdit], strength: float) -> Picture:
    """The photo with the edits in it, each as strong as `strength` says: 0 not at all, 1 as the editor meant it."""
    result = photo.copy()
    for edit in edits:
        rows, columns = edit.subject.window
        left, top, width, height = cv2.boundingRect(edit.mask)
        if not width or not strength:
            continue
        mask = edit.mask[top : top + height, left : left + width]
        first = rows.start + top
        touched = (slice(first, first + height), slice(columns.start + left, columns.start + left + width))
        for band, change in change_bands(edit.guided, result, edit.aligned.matrix, touched):
            part = mask[band[0].start - first : band[0].stop - first]
            change *= (part.astype(np.float32) * (strength / 255))[:, :, None]
            change += result[band]
            result[band] = np.clip(np.rint(change), 0, 255).astype(np.uint8)
    return result


def _guided(aligned: Aligned, edited: Picture, mask: Mask, subject: Subject, carrying: Carrying) -> GuidedChange:
    side = len(edited)
    weight = warp(np.repeat(mask[:, :, None], 3, axis=2), _from_window(aligned, subject), (side, side))[:, :, 0]
    counted = np.asarray(weight / 255, dtype=np.float32)
    change = color_matched(np.subtract(edited, aligned.picture, dtype=np.float32), counted, carrying.color_kept)
    if carrying.even:
        counted = where_changed(change, counted)
    if carrying.steady:
        skin, face = (_parts_in_crop(aligned, subject, names, side) for names in (_SKIN, _FACE))
        change = steadied(change, skin, face)
    return guided_change(aligned.picture, change, counted, max(1, round(carrying.radius_share * side)), carrying.left_over)


def _mean_of_both(edited: Picture, mirrored: Picture) -> Picture:
    """The mean (B, S, S, 3) of two edits of the same crops: what a small editor does to one side alone is mostly its mistake."""
    return np.asarray((edited.astype(np.uint16) + mirrored + 1) // 2, dtype=np.uint8)


def _parts_in_crop(aligned: Aligned, subject: Subject, names: tuple[str, ...], side: int) -> Floats:
    """(S, S), 0 to 1: how much of each pixel of the crop the named parts cover."""
    cover = 255 * subject.parts.where(*names).astype(np.uint8)
    shown = warp(np.repeat(cover[:, :, None], 3, axis=2), _from_window(aligned, subject), (side, side))[:, :, 0]
    return np.asarray(cv2.GaussianBlur(shown, (0, 0), 0.012 * side) / np.float32(255), dtype=np.float32)


def _faded_as_hair(mask: Mask, subject: Subject, photo: Picture) -> Mask:
    """The mask, falling to 0 where what is known of the hair ends inside the photo. The editor's crop does not count: hair changes as a whole."""
    fade = crop_fade(subject, view_of(photo, subject.window), photo.shape)
    wide = cv2.resize(np.rint(255 * fade).astype(np.uint8), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.multiply(mask, wide, scale=1 / 255), dtype=np.uint8)


def _faded(mask: Mask, aligned: Aligned, subject: Subject) -> Mask:
    """The mask, 0 outside of the editor's crop and falling to 0 towards its border."""
    back = inverse(_from_window(aligned, subject))
    fading = np.rint(255 * _fading(len(aligned.picture))).astype(np.uint8)
    shown = cv2.warpAffine(fading, back, mask.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(cv2.multiply(mask, shown, scale=1 / 255), dtype=np.uint8)


def _from_window(aligned: Aligned, subject: Subject) -> Matrix:
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
