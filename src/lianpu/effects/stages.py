"""The pictures of every stage of an edit, for those who want to see how a result came about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from lianpu.editors.editor import Editor
from lianpu.effects.attribute_edit import FaceEdit, plan_edits, with_edits
from lianpu.effects.presets import EffectStep, Preset, check_editor
from lianpu.effects.subject import Subject
from lianpu.image import Picture
from lianpu.perception.overlays import draw_faces


def edit_stages(
    photo: Picture,
    subjects: Sequence[Subject],
    preset: Preset,
    editor: Editor | None = None,
    known: Mapping[str, bool] | None = None,
) -> Iterator[tuple[str, Picture]]:
    """A name and a picture for each stage of `apply_preset`; the last is `result`.

    For every step that sets attributes and every face: the crop as the editor saw it, as it gave it back, the mask (white: may change), and the
    change (grey: none) over the face's window. After each step but the last the photo as it is then.
    """
    yield "faces", draw_faces(photo, [subject.face for subject in subjects], [str(number) for number in range(len(subjects))])
    check_editor(preset, editor)
    for number, step in enumerate(preset.steps, start=1):
        if isinstance(step, EffectStep):
            name, photo = step.effect.name, step.effect.apply(photo, subjects, step.strength, **step.options)
        else:
            assert editor is not None
            edits = plan_edits(photo, subjects, editor, step.values, known)
            after = with_edits(photo, edits, step.strength)
            for face, edit in enumerate(edits):
                yield from _of_edit(f"step{number}-face{face}", edit, photo, after)
            name, photo = "edit", after
        if number < len(preset.steps):
            yield f"step{number}-{name}", photo
    yield "result", photo


def _of_edit(title: str, edit: FaceEdit, before: Picture, after: Picture) -> Iterator[tuple[str, Picture]]:
    yield f"{title}-1-crop", edit.aligned.picture
    yield f"{title}-2-edited", edit.edited
    yield f"{title}-3-mask", np.repeat(edit.change.mask(before)[:, :, None], 3, axis=2)
    window = edit.subject.window
    change = (after[window].astype(np.int16) - before[window]) // 2 + 128
    yield f"{title}-4-change", change.astype(np.uint8)
