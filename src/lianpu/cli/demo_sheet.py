"""What the editor in the package makes of drawn faces: the demo shows it beside the run's own edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianpu.dataset.drawn import DrawnFace
    from lianpu.editors.editor import Editor
    from lianpu.effects.subject import Subject
    from lianpu.image import Picture

HAIR = ("Black_Hair", "Blond_Hair", "Brown_Hair")
FLIPPED = ("Male", "Young")


def carried_editor_sheet(portraits: Sequence[DrawnFace], editor: Editor) -> Picture:
    """A row for each portrait (S, S, 3): the face, three hair colours, the other sex, the other age; (H, W, 3)."""
    from lianpu.effects.attribute_edit import edit_attributes
    from lianpu.image import grid

    rows = []
    for portrait in portraits:
        wanted = [{name: True} for name in HAIR] + [{name: not portrait.attributes[name]} for name in FLIPPED]
        edits = [edit_attributes(portrait.picture, [subject_of(portrait)], editor, values) for values in wanted]
        rows.append([portrait.picture, *edits])
    return grid(rows)


def subject_of(portrait: DrawnFace) -> Subject:
    """The face of a drawn portrait as effects see it, from its own points and parts: nothing is looked for."""
    from lianpu.effects.subject import Subject
    from lianpu.perception.dlib_predictor import five_of_68
    from lianpu.perception.results import Face, FaceParts, Landmarks

    left, top = (float(value) for value in portrait.points.min(axis=0))
    right, bottom = (float(value) for value in portrait.points.max(axis=0))
    side = slice(0, len(portrait.picture))
    return Subject(
        Face((left, top, right, bottom), 1.0, five_of_68(portrait.points), "drawn"),
        Landmarks(portrait.points, "dlib-68"),
        (side, side),
        FaceParts(portrait.mask, "drawn"),
    )
