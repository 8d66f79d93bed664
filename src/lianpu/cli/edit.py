"""`lianpu edit PHOTO OUT --set Blond_Hair=yes --effect lipstick=0.8`: the faces of a photo, or of a folder of photos, edited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.effects.photo_job import EditRequest


@dataclass(frozen=True)
class EditArguments:
    """Edit the faces of a photo, or of all photos of a folder: attributes by an editor, effects, and presets of both.

    A photo keeps its size, its EXIF, colour profile, transparency and JPEG quality; what is outside of the edit keeps every pixel (in a PNG,
    byte for byte). The picture is marked as edited (XMP).
    """

    photo: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTO|FOLDER")]
    """A photo, or a folder of photos."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The picture that is written, or the folder for all of them; .png keeps every pixel."""
    set: tuple[str, ...] = ()
    """What shall be, by an editor: Blond_Hair=yes Young=no."""
    effect: tuple[str, ...] = ()
    """Effects that need no editor: lipstick=0.8 hair_color:color=#aa3355,strength=0.6."""
    preset: str | None = None
    """Steps of a preset: its name, or a YAML file."""
    strength: str = "1"
    """How strong --set is, and by what the strengths of --preset are multiplied: 0 (nothing) to 1.5."""
    model: Annotated[str, tyro.conf.arg(aliases=["--editor"])] = "lite"
    """The editor for attributes: lite (the one in the package), a run folder, a checkpoint folder, or an .onnx file."""
    faces: str = "all"
    """all, largest, or numbers as 0,2 (0 is the largest face)."""
    known: tuple[str, ...] = ()
    """What the faces are (Male=yes Young=yes): only for editors that are told all labels."""
    steps: Path | None = None
    """A folder for the pictures of each stage: faces found, crops, masks, changes, result."""
    force: bool = False
    """Write over files that are there."""
    jobs: int = 1
    """Processes that work on a folder."""
    detector: str = "auto"
    """auto, buffalo_l, yunet, dlib, or the path of an .onnx file."""
    parser: str = "auto"
    """What sees the parts of faces: auto (the one in the package), bisenet, or a path."""
    upright: bool = False
    """Also look for faces in the photo turned by 90, 180 and 270 degrees."""
    aligned: bool = False
    """The photo is a square face, cut out as the editor's training faces were: no face is looked for, and OUT has the editor's size."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit, and write."""
    parsed = tyro.cli(EditArguments, args=arguments, prog="lianpu edit")
    from lianpu.cli.edit_words import asked_preset, read_values
    from lianpu.effects.photo_job import EditRequest
    from lianpu.effects.presets import preset_text

    preset = asked_preset(parsed.set, parsed.strength, parsed.preset, parsed.effect)
    known = read_values(parsed.known, "--known")
    request = EditRequest(preset_text(preset), parsed.model, parsed.faces, known, parsed.detector, parsed.parser, parsed.upright)
    try:
        _edit(parsed, request, known)
    except KeyboardInterrupt:
        _tell_stopped(parsed)
        raise SystemExit(130) from None


def _edit(parsed: EditArguments, request: EditRequest, known: dict[str, bool]) -> None:
    from lianpu.errors import SettingsError

    if parsed.photo.is_dir():
        if parsed.aligned or parsed.steps is not None:
            raise SettingsError(
                "--aligned and --steps are for one photo, and a folder was given. Give a photo, or leave them out."
            )
        from lianpu.cli.edit_folder import edit_folder_and_tell

        edit_folder_and_tell(parsed.photo, parsed.out, request, parsed.jobs, parsed.force)
    elif parsed.aligned:
        _edit_crop(parsed, known)
    else:
        _edit_photo(parsed, request)


def _tell_stopped(parsed: EditArguments) -> None:
    from lianpu.cli.progress import console

    kept = "Finished photos are kept: the same command goes on there." if parsed.photo.is_dir() else "Nothing was written over."
    console.print(f"Stopped. {kept}", highlight=False, soft_wrap=True)


def _edit_photo(parsed: EditArguments, request: EditRequest) -> None:
    from lianpu.cli.progress import console
    from lianpu.effects.photo_job import check_target, edit_file, open_workbench
    from lianpu.errors import PictureError, SettingsError

    if not parsed.photo.exists():
        raise PictureError(f"{parsed.photo} is not there. Give a photo, or a folder of photos.")
    target = parsed.out / parsed.photo.name if parsed.out.is_dir() else parsed.out
    check_target(target, parsed.force)
    if parsed.steps is not None and parsed.steps.exists() and not parsed.force:
        if not parsed.steps.is_dir():
            raise SettingsError(f"--steps {parsed.steps} is a file. Give a folder.")
        if any(parsed.steps.iterdir()):
            raise SettingsError(
                f"--steps {parsed.steps} is not empty, and nothing is written over. Give another folder, or --force."
            )
    bench = open_workbench(request)
    done = edit_file(bench, parsed.photo, target, force=parsed.force, steps=parsed.steps)
    faces = f"{done.edited} of {done.found} faces" if done.found > 1 else "1 face"
    said = f"Edited {faces}, {done.changed:.1%} of the pixels, in {done.seconds:.1f} s. Written: {target}."
    if done.words:
        said += f" {done.words[0].upper()}{done.words[1:]}."
    if parsed.steps is not None:
        said += f" Stages: {parsed.steps}."
    if bench.editor is not None:
        said += f" Licence of the editor: {bench.editor.info.licence}."
    console.print(said, markup=False, highlight=False, soft_wrap=True)


def _edit_crop(parsed: EditArguments, known: dict[str, bool]) -> None:
    """A square face, edited as it is: for editors whose faces were cut out in a way that no template knows."""
    import numpy as np

    from lianpu.cli.edit_words import read_values
    from lianpu.cli.progress import console
    from lianpu.editors.loading import load_editor
    from lianpu.effects.effect import check_strength
    from lianpu.effects.photo_job import check_target
    from lianpu.effects.requests import edit_crops
    from lianpu.errors import DataError, SettingsError
    from lianpu.image import read_image, resize, write_image

    if parsed.effect or parsed.preset is not None or not parsed.set:
        raise SettingsError("--aligned edits a cut-out face by an editor: give --set, without --effect and --preset.")
    check_target(parsed.out, parsed.force)
    editor = load_editor(parsed.model)
    picture = read_image(parsed.photo)
    height, width = picture.shape[:2]
    if height != width:
        raise DataError(
            f"--aligned takes a square face, and this picture is {width} x {height} pixels. Leave --aligned out for a photo."
        )
    crop = resize(picture, editor.info.image_size)
    change = edit_crops(crop[None], editor, read_values(parsed.set, "--set"), known)[0].astype(np.float32) - crop
    edited = np.clip(np.rint(crop + check_strength(parsed.strength, "--strength") * change), 0, 255).astype(np.uint8)
    written = write_image(parsed.out, edited)
    said = f"Written: {written}. Licence of the editor: {editor.info.licence}."
    console.print(said, markup=False, highlight=False, soft_wrap=True)
