"""Edit one photo file into another."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from lianpu.editing.attributes import FaceEdit, apply_attribute_edits, plan_attribute_edits
from lianpu.editing.presets import EffectStep, Preset, check_editor, hides_faces, unchanged_note
from lianpu.editing.session import EditJob
from lianpu.editors.editor import Editor
from lianpu.errors import DataError, LianpuError, SettingsError
from lianpu.faces.analyzer import choose
from lianpu.faces.detection import second_look
from lianpu.faces.face_check import left_out_note
from lianpu.faces.overlays import draw_faces
from lianpu.faces.results import Subject
from lianpu.files import atomic_file
from lianpu.imaging.compositing import bands
from lianpu.imaging.picture import Picture
from lianpu.photo.formats import FORMATS, check_ending
from lianpu.photo.reading import PhotoFile, read_photo
from lianpu.photo.writing import write_image


@dataclass(frozen=True)
class Edited:
    """The result of one photo.

    Args:
        source: the photo.
        target: the file that was written; None when there is none.
        state: `edited`; `no face`; or `failed`.
        words: what there is to say: why it failed, how the faces were found if not at first, or what could not be kept.
        found: how many faces were found.
        edited: how many of them were edited.
        changed: the share of the photo's pixels that changed.
        seconds: how long it took.
    """

    source: Path
    target: Path | None
    state: Literal["edited", "no face", "failed"]
    words: str = ""
    found: int = 0
    edited: int = 0
    changed: float = 0.0
    seconds: float = 0.0


def edit_file(job: EditJob, source: Path, target: Path, *, force: bool = False, steps: Path | None = None) -> Edited:
    """Edit the photo in `source` into `target`, which keeps all that the source carries and is marked as edited (`EditSession.export`).

    A photo that no step changed is copied byte for byte if the format stays the same: without a mark or a signature, for both say that it was edited.

    Args:
        job: of `open_job`.
        source: a photo.
        target: its ending chooses the format.
        force: write over a file that is there.
        steps: a folder for the pictures of each stage.

    Raises:
        SettingsError: the target is there and `force` is false.
        DataError: there is no face, or none of the chosen number.
        LianpuError: a file that cannot be read or written.
    """
    begin = time.perf_counter()
    check_target(target, force)
    photo = read_photo(source)
    session, request = job.session, job.request
    seen = session.look(photo.picture, job.preset)
    subjects, others = seen.subjects, left_out_note(seen.left_out)
    if not subjects:
        raise NoFace(
            f"No face was found in {source}{f' ({others})' if others else ''}. "
            "Try --upright, another --detector, or --aligned for a cut-out face."
        )
    try:
        chosen = choose(subjects, request.faces)
    except DataError as problem:
        raise DataError(f"{source}: {problem}") from None
    unchanged: list[str] = []
    if steps is None:
        picture = session.edit(
            photo.picture, chosen, job.preset, request.known, lambda step: unchanged.append(unchanged_note(step))
        )
    else:
        picture = _write_stages(steps, job, photo, chosen)
    looked = second_look([subject.face for subject in subjects], upright=session.analyzer.upright)
    left = session.left_as_they_are(chosen, job.preset)
    changed = _changed(picture, photo.picture)
    notes = (looked, others, job.notes, left.words, *unchanged, _write(job, picture, photo, target, is_changed=changed > 0))
    words = "; ".join(str(note) for note in notes if note)
    return Edited(source, target, "edited", words, len(subjects), len(chosen) - left.count, changed, time.perf_counter() - begin)


def _changed(picture: Picture, before: Picture) -> float:
    """The share of pixels that differ between two pictures of one size."""
    if picture is before:
        return 0.0
    same = 0
    for rows in bands((slice(0, picture.shape[0]), slice(0, picture.shape[1]))):
        different = cv2.absdiff(picture[rows], before[rows])
        same += cv2.countNonZero(cv2.inRange(different, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    return 1.0 - same / (picture.shape[0] * picture.shape[1])


def _write(job: EditJob, picture: Picture, photo: PhotoFile, target: Path, *, is_changed: bool) -> str:
    """Write the edited photo, or a copy of its file if no pixel changed and the format stays; what is not in it, in words."""
    same_format = target.suffix.lower() in FORMATS.get(photo.format, ())
    may_copy = same_format and not hides_faces(job.preset)  # the file's metadata may name people and show them
    if may_copy and not is_changed:
        stored = photo.file.read_bytes()
        with atomic_file(target) as partial:
            partial.write_bytes(stored)
        return "" if job.session.signing is None else "not signed: no pixel changed, so the file is a copy of the photo"
    lost = job.session.export(target, picture, photo, job.preset)
    return f"not kept: {'; '.join(lost)}" if lost else ""


class NoFace(DataError):
    """A photo in which no face was found."""


def check_target(target: Path, force: bool) -> None:
    """Raise unless a photo may be written to `target`: SettingsError if it exists, PictureError for an ending that is not written."""
    check_ending(target)
    if target.exists() and not force:
        raise SettingsError(f"{target} exists already. Give another name, or --force.")


def failed(source: Path, problem: LianpuError) -> Edited:
    """The result of a photo that failed."""
    state: Literal["no face", "failed"] = "no face" if isinstance(problem, NoFace) else "failed"
    return Edited(source, None, state, "" if state == "no face" else " ".join(str(problem).split()))


def _write_stages(folder: Path, job: EditJob, photo: PhotoFile, chosen: tuple[Subject, ...]) -> Picture:
    picture = photo.picture
    for number, (name, picture) in enumerate(
        edit_stages(photo.picture, chosen, job.preset, job.session.editor, job.request.known)
    ):
        write_image(folder / f"{number:02d}-{name}.png", picture)
    return picture


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
            edits = plan_attribute_edits(photo, subjects, editor, step.values, known)
            after = apply_attribute_edits(photo, edits, step.strength)
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
