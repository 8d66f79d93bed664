"""Attribute edits of the faces of a photo, at the photo's own resolution.

The editor works on a small aligned crop. What goes back into the photo is not the crop but the difference that the edit made to it, enlarged:
where nothing was edited the photo keeps every pixel, and where hair changes its colour it keeps its strands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from lianpu.editors.editor import Editor
from lianpu.effects.effect import check_strength
from lianpu.effects.requests import crop_template, edit_crops
from lianpu.effects.subject import Subject
from lianpu.image import Picture, check_picture
from lianpu.perception.alignment import Aligned, align, inverse, window_of

FADED_SHARE = 0.08
"""Over this share of the crop's side the edit fades towards the crop's border, so that no edge is seen there."""


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
    check_picture(photo)
    strength = check_strength(strength, "edit")
    info = editor.info
    if not subjects or not strength:
        return photo.copy()
    aligned = [align(photo, subject.face, crop_template(info), info.image_size) for subject in subjects]
    edited = edit_crops(np.stack([one.picture for one in aligned]), editor, values, known)
    result = photo.astype(np.float32)
    for one, crop in zip(aligned, edited, strict=True):
        _add_difference(result, one, strength * (crop.astype(np.float32) - one.picture.astype(np.float32)))
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def _add_difference(photo: np.ndarray, aligned: Aligned, difference: np.ndarray) -> None:
    """Add what an edit changed in a crop (S, S, 3) to the photo (H, W, 3), both float32, in place."""
    window = window_of(aligned, photo.shape[1], photo.shape[0])
    if window is None:
        return
    part = photo[window]
    back = inverse(aligned.matrix)
    back[:, 2] -= (window[1].start, window[0].start)
    faded = difference * _fading(len(difference))[:, :, None]
    part += cv2.warpAffine(
        faded, back, part.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, 0)
    )


def _fading(side_px: int) -> np.ndarray:
    """(S, S): 1 in the middle, falling to 0 at the border along half a cosine."""
    reach = max(1.0, FADED_SHARE * side_px)
    distance = np.minimum(np.arange(side_px), np.arange(side_px)[::-1])
    along = 0.5 - 0.5 * np.cos(np.pi * np.clip(distance / reach, 0, 1))
    return np.outer(along, along).astype(np.float32)
