"""Attribute edits of the faces of a photo, at the photo's own resolution.

The editor works on a small aligned crop. What goes back into the photo is not the crop but the difference that the edit made to it, enlarged:
where nothing was edited the photo keeps every pixel, and where hair changes its colour it keeps its strands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from lianpu.attributes import AttributeSet, Labels
from lianpu.editors.editor import Editor, ModelInfo
from lianpu.errors import ModelError, SettingsError
from lianpu.image import Picture, check_picture, to_batch, to_pictures
from lianpu.perception.alignment import CROP_TEMPLATES, TEMPLATES, Aligned, Template, align, inverse, window_of
from lianpu.perception.results import Face

FADED_SHARE = 0.08
"""Over this share of the crop's side the edit fades towards the crop's border, so that no edge is seen there."""


def edit_photo(
    photo: Picture, editor: Editor, values: Mapping[str, bool], faces: Sequence[Face], known: Mapping[str, bool] | None = None
) -> Picture:
    """The photo (H, W, 3) with the attributes of `faces` set to `values`; other faces and everything else are as they were.

    Args:
        photo: (H, W, 3) uint8 RGB.
        editor: from `load_editor`.
        values: what shall be, as {"Blond_Hair": True}.
        faces: found in the photo (`perception.detection.find_faces`).
        known: what the faces are, for an editor that is told all labels; one that is told differences needs nothing.

    Raises:
        SettingsError: an unknown attribute, no attribute, or labels that the editor needs and nobody gave.
        ModelError: the editor does not say how its faces were cut out.
    """
    check_picture(photo)
    if not faces:
        return photo.copy()
    info = editor.info
    aligned = [align(photo, face, crop_template(info), info.image_size) for face in faces]
    edited = edit_crops(np.stack([one.picture for one in aligned]), editor, values, known)
    result = photo.astype(np.float32)
    for one, crop in zip(aligned, edited, strict=True):
        _add_difference(result, one, crop.astype(np.float32) - one.picture.astype(np.float32))
    return np.clip(np.rint(result), 0, 255).astype(np.uint8)


def edit_crops(crops: Picture, editor: Editor, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Picture:
    """Aligned crops (B, S, S, 3) of the editor's size, edited: (B, S, S, 3). Raises SettingsError as `edit_photo` does."""
    request = request_of(editor.info, values, known)
    return to_pictures(editor.edit(to_batch(crops), np.repeat(request, len(crops), axis=0)))


def request_of(info: ModelInfo, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Labels:
    """What the editor is told (1, A) so that a face gets `values`.

    A face whose labels nobody knows is asked for the change alone: from the opposite of each value to the value. Raises SettingsError.
    """
    attributes = info.attributes
    if not values:
        raise SettingsError(f"No attribute is set. Set one of {', '.join(attributes.names)}, as Blond_Hair=yes.")
    face = np.zeros((1, len(attributes)), dtype=np.float32)
    if info.label_input == "target":
        face = attributes.with_values(face, _all_known(attributes, values, known or {}))
        return info.request(face, attributes.with_values(face, values))
    for name, value in values.items():
        face[:, attributes.index(name)] = float(not value)
    return info.request(face, attributes.with_values(face, values))


def _all_known(attributes: AttributeSet, values: Mapping[str, bool], known: Mapping[str, bool]) -> dict[str, bool]:
    """What is known of the face. An attribute that is neither known, set, nor of the group of one that is, is asked for."""
    told = {name for given in (values, known) for name, value in given.items() for name in _told_by(attributes, name, value)}
    missing = [name for name in attributes.names if name not in told]
    if missing:
        raise SettingsError(
            f"This editor is told all labels, so say what the face is: {', '.join(missing)}. On the command line: --face {missing[0]}=yes ..."
        )
    return dict(known)


def _told_by(attributes: AttributeSet, name: str, value: bool) -> tuple[str, ...]:
    return attributes.group_of(name) if value else (attributes.names[attributes.index(name)],)


def crop_template(info: ModelInfo) -> Template:
    """Where the editor wants a face to lie in its crop. Raises ModelError when it does not say."""
    if info.alignment not in CROP_TEMPLATES:
        raise ModelError(
            f"The editor says '{info.alignment}' of how its faces were cut out, which is none of {', '.join(CROP_TEMPLATES)}. "
            "Give it faces cut out as its training faces were, with --aligned."
        )
    return TEMPLATES[CROP_TEMPLATES[info.alignment]]


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
