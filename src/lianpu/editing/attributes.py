"""Attribute edits of the faces of a photo, at the photo's own resolution.

The editor works on a small aligned crop. Not the crop goes back into the photo but the residual, upsampled along the photo's own edges
(`residual_transfer`) and masked to the parts that the attribute is about: pixels outside of the mask stay, and recoloured hair keeps its strands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from lianpu.attributes import SHADE_OF, AttributeSet, Labels, is_hair_color
from lianpu.editing.attribute_masks import Mask
from lianpu.editing.field_transfer import CropFields, transfer_fields
from lianpu.editing.residual_transfer import in_crop, is_about_hair, transfer_residual
from lianpu.editors.editor import ArrayEditor, Editor, FieldEditor, ModelInfo
from lianpu.effects.age_gender import wanted_of_face
from lianpu.effects.catalogue import check_strength
from lianpu.effects.hair import asked_color, hair_median, meant_color, paint_hair, skin_look, wanted_of_hair
from lianpu.effects.hair_matte import hair_matte
from lianpu.errors import ModelError, SettingsError
from lianpu.faces.alignment import CROP_TEMPLATES, TEMPLATES, Aligned, Template, align
from lianpu.faces.analyzer import EVERY, FaceAnalyzer, choose, open_analyzer
from lianpu.faces.results import Subject
from lianpu.imaging.picture import Picture, check_picture, from_array, to_array, to_batch, to_pictures


class Change(Protocol):
    """An edit of one face that can be applied to its photo."""

    def put(self, photo: Picture, strength: float) -> Picture:
        """A copy of the photo (H, W, 3) with the edit: strength 0 changes nothing, 1 is what the editor made."""

    def mask(self, photo: Picture) -> Mask:
        """(h, w) uint8 over the subject's window: how far each pixel may change."""


@dataclass(frozen=True, eq=False)
class FaceEdit:
    """The edit of one face, to be applied to its photo at any strength.

    Args:
        subject: the face.
        aligned: the editor's input crop.
        edited: the editor's output crop, (S, S, 3).
        change: applies the edit to the photo.
        sure: multiplies the strength: confidence that the editor meant a change, and that the face is not so already, 0 to 1.
        left: the asked attributes that the face surely has already, and that therefore were not asked of the editor.
    """

    subject: Subject
    aligned: Aligned
    edited: Picture
    change: Change
    sure: float = 1.0
    left: tuple[str, ...] = ()


class _NoChange:
    """The change of a face that is as it shall be already."""

    def __init__(self, subject: Subject) -> None:
        rows, columns = subject.window
        self._shape = (rows.stop - rows.start, columns.stop - columns.start)

    def put(self, photo: Picture, strength: float) -> Picture:
        return photo

    def mask(self, photo: Picture) -> Mask:
        return np.zeros(self._shape, dtype=np.uint8)


def edit_photo(
    photo: Picture,
    editor: Editor,
    values: Mapping[str, bool],
    *,
    faces: str | Sequence[int] = EVERY,
    strength: float = 1.0,
    known: Mapping[str, bool] | None = None,
    analyzer: FaceAnalyzer | None = None,
) -> Picture:
    """The photo (H, W, 3) with the attributes of its faces set to `values`; without faces, or where all surely are so, it comes back as it is.

    Args:
        photo: (H, W, 3) uint8 RGB.
        editor: from `load_editor`.
        values: the wanted attributes, as {"Blond_Hair": True}.
        faces: `all`, `largest`, or numbers, of which 0 is the largest: [0] or "0,2".
        strength: 0 (the same picture) to 1.5.
        known: labels of the faces, for an editor whose input is all labels.
        analyzer: finds the faces; None opens one for this photo, which takes a second.

    Raises:
        SettingsError, ModelError: as `edit_attributes`; or `faces` is spelled otherwise.
        DataError: there is no face of that number.
    """
    which = faces if isinstance(faces, str) else ",".join(str(int(number)) for number in faces)
    subjects = choose((analyzer or open_analyzer()).analyze(photo), which)
    return edit_attributes(photo, subjects, editor, values, strength, known)


def edit_attributes(
    photo: Picture,
    subjects: Sequence[Subject],
    editor: Editor,
    values: Mapping[str, bool],
    strength: float = 1.0,
    known: Mapping[str, bool] | None = None,
) -> Picture:
    """The photo (H, W, 3) with the attributes of `subjects` set to `values`; everything else stays, and so does a face that surely is so.

    Args:
        photo: (H, W, 3) uint8 RGB.
        subjects: of `FaceAnalyzer.analyze`.
        editor: from `load_editor`.
        values: the wanted attributes, as {"Blond_Hair": True}.
        strength: 0 (the same picture) to 1.5.
        known: labels of the faces, for an editor whose input is all labels; one whose input is label differences needs none.

    Raises:
        SettingsError: an unknown attribute, no attribute, missing labels of the face, or a strength out of range.
        ModelError: the editor does not say how its faces were cut out.
    """
    strength = check_strength(strength, "edit")
    return apply_attribute_edits(photo, plan_attribute_edits(photo, subjects, editor, values, known), strength)


def plan_attribute_edits(
    photo: Picture,
    subjects: Sequence[Subject],
    editor: Editor,
    values: Mapping[str, bool],
    known: Mapping[str, bool] | None = None,
) -> tuple[FaceEdit, ...]:
    """The edit of each subject, in their order: the slow part, which does not depend on the strength. See `edit_attributes`."""
    check_picture(photo)
    label_request(editor.info, values, known)
    template, side_px = crop_template(editor.info), editor.info.image_size
    aligned = [align(photo, subject.face, template, side_px) for subject in subjects]
    shares = [{name: _still_wanted(photo, subject, name, values[name], known or {}) for name in values} for subject in subjects]
    asked = [tuple(name for name in values if share[name]) for share in shares]
    edits: dict[int, FaceEdit] = {}
    for names in dict.fromkeys(asked):  # the faces of which the same is asked, together
        faces = [face for face in range(len(subjects)) if asked[face] == names]
        left = tuple(name for name in values if name not in names)
        some, their = [subjects[face] for face in faces], [aligned[face] for face in faces]
        labels = {**(known or {}), **{name: values[name] for name in left}}
        made = _edited_alike(photo, some, their, editor, {name: values[name] for name in names}, labels)
        for face, edit in zip(faces, made, strict=True):
            edits[face] = replace(edit, sure=edit.sure * max(shares[face].values()), left=left)
    return tuple(edits[face] for face in range(len(subjects)))


def _edited_alike(
    photo: Picture,
    subjects: Sequence[Subject],
    aligned: Sequence[Aligned],
    editor: Editor,
    values: Mapping[str, bool],
    known: Mapping[str, bool],
) -> list[FaceEdit]:
    """The edit of each subject, of all of which the same is asked: nothing, it may be."""
    if not values:
        return [FaceEdit(subject, one, one.picture, _NoChange(subject)) for subject, one in zip(subjects, aligned, strict=True)]
    crops = np.stack([one.picture for one in aligned])
    if editor.info.has_fields and isinstance(editor, FieldEditor) and not is_about_hair(values):
        made = fields_of_crops(crops, editor, values, known)
        return [
            FaceEdit(subject, one, edited, transfer_fields(photo, subject, one, fields, values))
            for subject, one, (edited, fields) in zip(subjects, aligned, made, strict=True)
        ]
    edited = edit_crops(crops, editor, values, known)
    if not is_about_hair(values):
        edited = _mean_of_both(edited, edit_crops(np.ascontiguousarray(crops[:, :, ::-1]), editor, values, known)[:, :, ::-1])
    return [_edit_of(photo, *one, values) for one in zip(subjects, aligned, edited, strict=True)]


def _still_wanted(photo: Picture, subject: Subject, name: str, value: bool, known: Mapping[str, bool]) -> float:
    """How far a face is to be changed for an attribute to be `value`, 0 to 1; 1 for attributes that nothing here can judge."""
    if name in known:
        return float(bool(known[name]) != bool(value))
    if name in SHADE_OF:
        return wanted_of_hair(photo, subject, SHADE_OF[name] if value else f"not_{SHADE_OF[name]}")
    return wanted_of_face(photo, subject, name, value) if name in ("Male", "Young") else 1.0


def _mean_of_both(edited: Picture, mirrored: Picture) -> Picture:
    """The mean (B, S, S, 3) of two edits of the same crops: what a small editor does to one side only is mostly an artefact."""
    return np.asarray((edited.astype(np.uint16) + mirrored + 1) // 2, dtype=np.uint8)


def _edit_of(photo: Picture, subject: Subject, aligned: Aligned, edited: Picture, values: Mapping[str, bool]) -> FaceEdit:
    """Hair colours: read the colour and recolour as the effect `hair_color` does. Everything else: transfer the residual."""
    if is_hair_color(values):
        hair = subject.parts.where("hair").astype(np.uint8) * 255
        asked = asked_color(aligned.picture, edited, in_crop(hair, aligned, subject))
        matte = hair_matte(photo, subject) if asked is not None else None
        if asked is not None and matte is not None:
            target, sure = asked.color, asked.sure
            for name in (name for name, value in values.items() if value):
                target, sure = meant_color(SHADE_OF[name], asked, hair_median(matte), skin_look(subject.wide(), matte.view))
            return FaceEdit(subject, aligned, edited, paint_hair(matte, subject, target), sure)
    return FaceEdit(subject, aligned, edited, transfer_residual(photo, subject, aligned, edited, values))


def apply_attribute_edits(photo: Picture, edits: Sequence[FaceEdit], strength: float) -> Picture:
    """The photo with the edits, each at `strength`: 0 changes nothing, 1 is what the editor made. The same object where there is nothing to do."""
    for edit in edits:
        if strength * edit.sure:
            photo = edit.change.put(photo, strength * edit.sure)
    return photo


_AT_ONCE = 8
"""Crops per batch: memory does not grow with the number of faces."""


def edit_crops(crops: Picture, editor: Editor, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Picture:
    """Aligned crops (B, S, S, 3) of the editor's size, edited: (B, S, S, 3). Raises SettingsError as `label_request` does."""
    request = label_request(editor.info, values, known)
    edited = np.empty_like(crops)
    for first in range(0, len(crops), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        labels = np.repeat(request, len(crops[some]), axis=0)
        if isinstance(editor, ArrayEditor):
            edited[some] = from_array(editor.edit_array(to_array(crops[some]), labels))
        else:
            edited[some] = to_pictures(editor.edit(to_batch(crops[some]), labels))
    return edited


def fields_of_crops(
    crops: Picture, editor: FieldEditor, values: Mapping[str, bool], known: Mapping[str, bool] | None = None
) -> list[tuple[Picture, CropFields]]:
    """For each aligned crop (S, S, 3) of `crops` what the editor's network gives, and its fields: the mean of those of the crop and of its mirror image."""
    request = label_request(editor.info, values, known)
    made = []
    for crop in crops:
        both = np.stack([crop, crop[:, ::-1]])
        outputs = editor.fields_array(to_array(both), np.repeat(request, 2, axis=0))
        edited = from_array(outputs["edited"])
        fields = CropFields.of(outputs, 0).mean_with(CropFields.of(outputs, 1).mirrored())
        made.append((_mean_of_both(edited[0], edited[1][:, ::-1]), fields))
    return made


def label_request(info: ModelInfo, values: Mapping[str, bool], known: Mapping[str, bool] | None = None) -> Labels:
    """The label input (1, A) that makes an editor give a face `values`.

    The labels of the face are unknown, so each attribute is taken to be the opposite of its wanted value.

    Raises:
        SettingsError: an unknown attribute, no attribute, or missing labels of the face (`known`).
    """
    attributes = info.attributes
    if not values:
        raise SettingsError(
            "No attribute is set. Set one of {known}, as Blond_Hair=yes.",
            key="attribute.none_set",
            known=", ".join(attributes.names),
        )
    for given in (values, known or {}):
        _refuse_words(given)
    face = np.zeros((1, len(attributes)), dtype=np.float32)
    if info.label_input == "target":
        face = attributes.with_values(face, _all_known(attributes, values, known or {}))
        return info.request(face, attributes.with_values(face, values))
    for name, value in values.items():
        face[:, attributes.index(name)] = float(not value)
    return info.request(face, attributes.with_values(face, values))


def _refuse_words(values: Mapping[str, bool]) -> None:
    """Raise SettingsError for a value that is neither true nor false: Python takes the word "no" for true."""
    for name, value in values.items():
        if not isinstance(value, (bool, np.bool_)) and value not in (0, 1):
            raise SettingsError(
                "{name}: {value!r} is neither True nor False. Write {{'{name}': True}} in Python, or {name}=yes on the command line.",
                key="attribute.no_truth",
                name=name,
                value=value,
            )


def crop_template(info: ModelInfo) -> Template:
    """The alignment of the editor's crops. Raises ModelError when the editor does not say."""
    if info.alignment not in CROP_TEMPLATES:
        raise ModelError(
            "The editor's alignment '{alignment}' is none of {known}. "
            "Give it faces cut out as its training faces were, with --aligned.",
            key="editor.unknown_alignment",
            alignment=info.alignment,
            known=", ".join(CROP_TEMPLATES),
        )
    return TEMPLATES[CROP_TEMPLATES[info.alignment]]


def _all_known(attributes: AttributeSet, values: Mapping[str, bool], known: Mapping[str, bool]) -> dict[str, bool]:
    """The known labels. Raise SettingsError for attributes that are neither known nor set, nor excluded by one that is."""
    stated = {name for given in (values, known) for name, value in given.items() for name in _implied_by(attributes, name, value)}
    missing = [name for name in attributes.names if name not in stated]
    if missing:
        raise SettingsError(
            "This editor takes all labels as input, so give those of the face: {missing}. On the command line: --known {first}=yes ...",
            key="editor.needs_labels",
            missing=", ".join(missing),
            first=missing[0],
        )
    return dict(known)


def _implied_by(attributes: AttributeSet, name: str, value: bool) -> tuple[str, ...]:
    return attributes.group_of(name) if value else (attributes.names[attributes.index(name)],)
