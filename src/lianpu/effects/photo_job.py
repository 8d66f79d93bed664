"""One photo's file edited into another: what is asked, what is needed for it, and what came of it."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from lianpu.editors.editor import Editor
from lianpu.effects.presets import Preset, apply_preset, check_editor, in_words, preset_of_text
from lianpu.effects.requests import crop_template, request_of
from lianpu.effects.stages import edit_stages
from lianpu.effects.studio import Studio, choose, open_studio
from lianpu.errors import DataError, LianpuError, SettingsError
from lianpu.files import atomic_file
from lianpu.image import Picture, write_image
from lianpu.photo_file import PhotoFile, check_ending, lost_in, read_photo, write_photo
from lianpu.provenance import edited_xmp
from lianpu.version import __version__


@dataclass(frozen=True)
class EditRequest:
    """What is asked of each photo, in words that another process can be given.

    Args:
        preset: the steps, as YAML (`presets.preset_text`).
        model: the editor for steps that set attributes, as `load_editor` takes it.
        faces: `all`, `largest` or numbers, as `studio.choose` takes them.
        known: what the faces are, for an editor that is told all labels.
        detector: what finds faces.
        parser: what sees their parts.
        upright: also look for faces in the photo turned by 90, 180 and 270 degrees.
    """

    preset: str
    model: str = "lite"
    faces: str = "all"
    known: Mapping[str, bool] = field(default_factory=dict)
    detector: str = "auto"
    parser: str = "auto"
    upright: bool = False


@dataclass(frozen=True, eq=False)
class Workbench:
    """What a request needs, opened: see `open_workbench`."""

    request: EditRequest
    preset: Preset
    studio: Studio
    editor: Editor | None

    @property
    def fingerprint(self) -> str:
        """The same for requests that make the same pictures: of the steps, the editor's own description and all names."""
        editor = None if self.editor is None else self.editor.info.to_json() | {"kind": self.editor.kind}
        told = json.dumps([asdict(self.request), editor, __version__], sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Edited:
    """What came of one photo.

    Args:
        source: the photo.
        target: the file that was written; None when there is none.
        state: `edited`; `no face`; or `failed`.
        words: what there is to say: why it failed, or what could not be kept.
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


def open_workbench(request: EditRequest, threads: int | None = None) -> Workbench:
    """The studio, and the editor where a step sets attributes; all that is wrong with the request is said before a photo is read.

    Raises:
        SettingsError: a preset, an attribute or a name that is none.
        ModelError, WeightsError: the editor or a model of the studio cannot be loaded or used.
    """
    preset = preset_of_text(request.preset)
    choose((), request.faces)
    editor = None
    if preset.needs_editor:
        from lianpu.editors.loading import load_editor

        editor = load_editor(request.model, threads=threads)
        check_editor(preset, editor)
        crop_template(editor.info)
        for step in preset.steps:
            values = getattr(step, "values", None)
            if values:
                request_of(editor.info, values, request.known)
    return Workbench(request, preset, open_studio(request.detector, request.parser, threads), editor)


def edit_file(bench: Workbench, source: Path, target: Path, *, force: bool = False, steps: Path | None = None) -> Edited:
    """The photo in `source` edited into `target`, with all that its file carries, and marked as edited.

    A photo that no step changed is copied byte for byte where its form stays.

    Args:
        bench: of `open_workbench`.
        source: a photo.
        target: its ending chooses the form.
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
    subjects = bench.studio.subjects(photo.picture, upright=bench.request.upright, beyond_crop=bench.preset.beyond_crop)
    if not subjects:
        raise NoFace(f"No face was found in {source}. Try --upright, another --detector, or --aligned for a cut-out face.")
    try:
        chosen = choose(subjects, bench.request.faces)
    except DataError as problem:
        raise DataError(f"{source}: {problem}") from None
    if steps is None:
        picture = apply_preset(photo.picture, chosen, bench.preset, bench.editor, bench.request.known)
    else:
        picture = _write_stages(steps, bench, photo, chosen)
    _write(target, picture, photo, bench)
    differs = picture != photo.picture
    changed = float(np.count_nonzero(differs[..., 0] | differs[..., 1] | differs[..., 2])) / differs[..., 0].size
    lost = "; ".join(lost_in(photo, target.suffix.lower()))
    words = f"not kept: {lost}" if lost else ""
    return Edited(source, target, "edited", words, len(subjects), len(chosen), changed, time.perf_counter() - begin)


class NoFace(DataError):
    """A photo in which no face was found."""


def check_target(target: Path, force: bool) -> None:
    """Nothing, if photos may be written there. Raises SettingsError for a file that is there, PictureError for an ending that is not written."""
    check_ending(target)
    if target.exists() and not force:
        raise SettingsError(f"{target} is there already, and nothing is written over. Give another name, or --force.")


def failed(source: Path, problem: LianpuError) -> Edited:
    """What came of a photo that an error stopped."""
    state: Literal["no face", "failed"] = "no face" if isinstance(problem, NoFace) else "failed"
    return Edited(source, None, state, "" if state == "no face" else " ".join(str(problem).split()))


def _write(target: Path, picture: Picture, photo: PhotoFile, bench: Workbench) -> None:
    same_form = target.suffix.lower() == photo.file.suffix.lower()
    if same_form and (picture is photo.picture or np.array_equal(picture, photo.picture)):
        stored = photo.file.read_bytes()
        with atomic_file(target) as partial:
            partial.write_bytes(stored)
        return
    model = ""
    if bench.editor is not None:
        model = f"{bench.request.model if bench.request.model == 'lite' else Path(bench.request.model).name} {bench.editor.info.run_id}"
    write_photo(target, picture, photo, xmp=edited_xmp(in_words(bench.preset), model.strip(), earlier=photo.xmp))


def _write_stages(folder: Path, bench: Workbench, photo: PhotoFile, chosen: tuple) -> Picture:
    picture = photo.picture
    for number, (name, picture) in enumerate(edit_stages(photo.picture, chosen, bench.preset, bench.editor, bench.request.known)):
        write_image(folder / f"{number:02d}-{name}.png", picture)
    return picture
