"""What an editor is told, and where it wants a face to lie: the talk with an editor, before any photo is touched."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lianpu.attributes import AttributeSet, Labels
from lianpu.editors.editor import ArrayEditor, Editor, ModelInfo
from lianpu.errors import ModelError, SettingsError
from lianpu.image import Picture, from_array, to_array, to_batch, to_pictures
from lianpu.perception.alignment import CROP_TEMPLATES, TEMPLATES, Template

_AT_ONCE = 8
"""Crops that go through an editor at once: 60 faces need no more memory than these."""


def edit_crops(crops: Picture, editor: Editor, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Picture:
    """Aligned crops (B, S, S, 3) of the editor's size, edited: (B, S, S, 3). Raises SettingsError as `request_of` does."""
    request = request_of(editor.info, values, known)
    edited = np.empty_like(crops)
    for first in range(0, len(crops), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        labels = np.repeat(request, len(crops[some]), axis=0)
        if isinstance(editor, ArrayEditor):
            edited[some] = from_array(editor.edit_array(to_array(crops[some]), labels))
        else:
            edited[some] = to_pictures(editor.edit(to_batch(crops[some]), labels))
    return edited


def request_of(info: ModelInfo, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Labels:
    """What the editor is told (1, A) so that a face gets `values`.

    A face whose labels nobody knows is asked for the change alone: from the opposite of each value to the value.

    Raises:
        SettingsError: an unknown attribute, no attribute, or labels that the editor needs and nobody gave.
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


def crop_template(info: ModelInfo) -> Template:
    """Where the editor wants a face to lie in its crop. Raises ModelError when it does not say."""
    if info.alignment not in CROP_TEMPLATES:
        raise ModelError(
            f"The editor says '{info.alignment}' of how its faces were cut out, which is none of {', '.join(CROP_TEMPLATES)}. "
            "Give it faces cut out as its training faces were, with --aligned."
        )
    return TEMPLATES[CROP_TEMPLATES[info.alignment]]


def _all_known(attributes: AttributeSet, values: Mapping[str, bool], known: Mapping[str, bool]) -> dict[str, bool]:
    """What is known of the face. An attribute that is neither known, set, nor of the group of one that is, is asked for."""
    told = {name for given in (values, known) for name, value in given.items() for name in _told_by(attributes, name, value)}
    missing = [name for name in attributes.names if name not in told]
    if missing:
        raise SettingsError(
            f"This editor is told all labels, so say what the face is: {', '.join(missing)}. "
            f"On the command line: --known {missing[0]}=yes ..."
        )
    return dict(known)


def _told_by(attributes: AttributeSet, name: str, value: bool) -> tuple[str, ...]:
    return attributes.group_of(name) if value else (attributes.names[attributes.index(name)],)
