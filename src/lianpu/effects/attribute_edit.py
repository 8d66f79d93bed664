"""Attribute edits of the faces of a photo, at the photo's own resolution.

The editor works on a small aligned crop. What goes back into the photo is not the crop but the change that the edit made to it, enlarged along the
photo's own edges, and only where the attribute is about: where nothing was edited the photo keeps every pixel, and where hair changes its
colour it keeps its strands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from lianpu.editors.editor import Editor
from lianpu.effects.attribute_masks import Mask
from lianpu.effects.carried_change import carried_change, in_crop, is_about_hair
from lianpu.effects.effect import check_strength
from lianpu.effects.hair_color import plan_hair
from lianpu.effects.hair_request import asked_color, is_hair_color
from lianpu.effects.requests import crop_template, edit_crops
from lianpu.effects.studio import EVERY, Studio, choose, open_studio
from lianpu.effects.subject import Subject
from lianpu.image import Picture, check_picture
from lianpu.perception.alignment import Aligned, align


class Change(Protocol):
    """A change of one face, ready to be put into its photo."""

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo (H, W, 3) with the change in it: 0 not at all, 1 as the editor meant it."""

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""


@dataclass(frozen=True, eq=False)
class FaceEdit:
    """What an editor made of one face, ready to be put into its photo with any strength.

    Args:
        subject: the face.
        aligned: its crop as the editor saw it.
        edited: the crop as the editor gave it back, (S, S, 3).
        change: of the photo.
        sure: how sure it is that the editor meant a change, 0 to 1; the strength is multiplied by it.
    """

    subject: Subject
    aligned: Aligned
    edited: Picture
    change: Change
    sure: float = 1.0


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
    edited = edit_crops(crops, editor, values, known)
    if not is_about_hair(values):
        edited = _mean_of_both(edited, edit_crops(np.ascontiguousarray(crops[:, :, ::-1]), editor, values, known)[:, :, ::-1])
    return tuple(_edit_of(photo, *one, values) for one in zip(subjects, aligned, edited, strict=True))


def _mean_of_both(edited: Picture, mirrored: Picture) -> Picture:
    """The mean (B, S, S, 3) of two edits of the same crops: what a small editor does to one side alone is mostly its mistake."""
    return np.asarray((edited.astype(np.uint16) + mirrored + 1) // 2, dtype=np.uint8)


def _edit_of(photo: Picture, subject: Subject, aligned: Aligned, edited: Picture, values: Mapping[str, bool]) -> FaceEdit:
    """The colour of hair is carried as a colour, and painted as the effect `hair_color` does; everything else as a change."""
    if is_hair_color(values):
        hair = subject.parts.where("hair").astype(np.uint8) * 255
        asked = asked_color(aligned.picture, edited, in_crop(hair, aligned, subject))
        paint = plan_hair(photo, subject, asked[0]) if asked is not None else None
        if asked is not None and paint is not None:
            return FaceEdit(subject, aligned, edited, paint, asked[1])
    return FaceEdit(subject, aligned, edited, carried_change(photo, subject, aligned, edited, values))


def with_edits(photo: Picture, edits: Sequence[FaceEdit], strength: float) -> Picture:
    """The photo with the edits in it, each as strong as `strength` says: 0 not at all, 1 as the editor meant it."""
    result = photo.copy()
    for edit in edits:
        result = edit.change.put(result, strength * edit.sure)
    return result
