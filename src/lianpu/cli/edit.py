"""`lianpu edit PHOTO OUT --set Blond_Hair=yes --effect lipstick=0.8`: edit the faces of a photo, or of a folder of photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lianpu.cli.edit_options import EditOptions, SigningOptions, edit_request, signing_files

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.editing.photo_job import Edited
    from lianpu.editing.session import EditRequest


@dataclass(frozen=True)
class EditArguments(SigningOptions, EditOptions):
    """Edit the faces of a photo, or of all photos in a folder: effects, attributes (by an editor), and presets of both.

    A photo keeps its size, EXIF, colour profile, transparency and JPEG quality. Pixels outside the edit do not change (in a lossless format
    such as PNG, not at all). Edited photos are marked as edited (XMP).
    """

    photo: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PHOTO|FOLDER")] = tyro.MISSING
    """A photo, or a folder of photos."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")] = tyro.MISSING
    """The edited photo, or a folder for them; .png is lossless."""
    steps: Path | None = None
    """A folder for pictures of each stage: detected faces, crops, masks, changes, result."""
    force: bool = False
    """Overwrite existing files."""
    jobs: int = 1
    """Processes that edit a folder."""
    recursive: bool = False
    """Also edit the photos in folders below the folder of photos."""
    aligned: bool = False
    """The photo is a square face crop, aligned like the editor's training faces: no detection; OUT has the editor's size."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit, and write."""
    try:
        parsed = tyro.cli(EditArguments, args=arguments, prog="lianpu edit")
    except SystemExit as end:
        if not end.code:  # help was requested and printed
            from lianpu.cli.effects import names_for_help

            print(names_for_help())
        raise
    request = edit_request(parsed, signing=parsed)
    try:
        _edit(parsed, request)
    except KeyboardInterrupt:
        _print_stopped(parsed)
        raise SystemExit(130) from None


def _edit(parsed: EditArguments, request: EditRequest) -> None:
    from lianpu.errors import SettingsError

    if parsed.photo.is_dir():
        if parsed.aligned or parsed.steps is not None:
            raise SettingsError(
                "--aligned and --steps are for one photo, and a folder was given. Give a photo, or leave them out."
            )
        edit_folder_with_table(parsed.photo, parsed.out, request, parsed.jobs, parsed.force, parsed.recursive)
    elif parsed.aligned:
        _edit_crop(parsed, request.known)
    else:
        _edit_photo(parsed, request)


def _print_stopped(parsed: EditArguments) -> None:
    from lianpu.terminal import console

    kept = "Finished photos are kept: repeat the command to resume." if parsed.photo.is_dir() else "No photo was written."
    console.print(f"Stopped. {kept}", highlight=False, soft_wrap=True)


def _edit_photo(parsed: EditArguments, request: EditRequest) -> None:
    from lianpu.editing.photo_job import check_target, edit_file
    from lianpu.editing.session import open_job
    from lianpu.errors import PictureError, SettingsError
    from lianpu.terminal import console

    if not parsed.photo.exists():
        raise PictureError(f"{parsed.photo} is not there. Give a photo, or a folder of photos.")
    target = parsed.out / parsed.photo.name if parsed.out.is_dir() else parsed.out
    check_target(target, parsed.force)
    if parsed.steps is not None and parsed.steps.exists() and not parsed.force:
        if not parsed.steps.is_dir():
            raise SettingsError(f"--steps {parsed.steps} is a file. Give a folder.")
        if any(parsed.steps.iterdir()):
            raise SettingsError(f"--steps {parsed.steps} is not empty. Give another folder, or --force to overwrite its files.")
    job = open_job(request)
    done = edit_file(job, parsed.photo, target, force=parsed.force, steps=parsed.steps)
    faces = f"{done.edited} of {done.found} faces" if done.found > 1 or not done.edited else "1 face"
    summary = f"Edited {faces}, {done.changed:.1%} of the pixels, in {done.seconds:.1f} s. Written: {target}."
    if done.words:
        summary += f" {done.words[0].upper()}{done.words[1:]}."
    if parsed.steps is not None:
        summary += f" Stages: {parsed.steps}."
    summary = " ".join((summary, *job.terms))
    console.print(summary, markup=False, highlight=False, soft_wrap=True)


def _edit_crop(parsed: EditArguments, known: Mapping[str, bool]) -> None:
    """Edit a face crop as it is: for editors whose training faces were aligned by no known template."""
    import numpy as np

    from lianpu.editing.attributes import edit_crops
    from lianpu.editing.photo_job import check_target
    from lianpu.editing.presets import parse_values, preset_from_options
    from lianpu.editing.session import AUTO, editor_name, export_photo
    from lianpu.editors.loading import load_editor
    from lianpu.effects.catalogue import check_strength
    from lianpu.errors import DataError, SettingsError
    from lianpu.imaging.picture import resize
    from lianpu.photo.c2pa import open_signing
    from lianpu.photo.reading import read_photo
    from lianpu.terminal import console

    if parsed.effect or parsed.preset is not None or not parsed.set:
        raise SettingsError("--aligned edits a face crop with an editor: give --set, without --effect and --preset.")
    check_target(parsed.out, parsed.force)
    name = "lite" if parsed.model == AUTO else parsed.model
    editor = load_editor(name)
    files = signing_files(parsed)
    signing = None if files is None else open_signing(files)
    photo = read_photo(parsed.photo)
    height, width = photo.picture.shape[:2]
    if height != width:
        raise DataError(
            f"--aligned takes a square face, and this picture is {width} x {height} pixels. Leave --aligned out for a photo."
        )
    crop = resize(photo.picture, editor.info.image_size)
    change = edit_crops(crop[None], editor, parse_values(parsed.set, "--set"), known)[0].astype(np.float32) - crop
    edited = np.clip(np.rint(crop + check_strength(parsed.strength, "--strength") * change), 0, 255).astype(np.uint8)
    preset = preset_from_options(parsed.set, parsed.strength, None, ())
    source = replace(photo, picture=crop, alpha=None, exif=b"", orientation=1, jpeg={})  # what describes pixels is no longer true
    lost = export_photo(parsed.out, edited, source, preset, editor_name(name, editor), signing)
    kept = f" Not kept: {'; '.join(lost)}." if lost else ""
    summary = f"Written: {parsed.out}.{kept} Licence of the editor: {editor.info.licence}."
    console.print(summary, markup=False, highlight=False, soft_wrap=True)


def edit_folder_with_table(
    source: Path, target: Path, request: EditRequest, jobs: int, force: bool, recursive: bool = False
) -> list[Edited]:
    """Edit the photos, print the table, and return the results.

    Raises:
        DataError: photos could not be edited; raised after all others were done.
    """
    from lianpu.editing.folder_job import edit_folder
    from lianpu.errors import DataError, SettingsError
    from lianpu.photo.formats import IgnoredFiles, photos_below, photos_in
    from lianpu.terminal import console, stage

    if target.is_file():
        raise SettingsError(f"{target} is a file, and {source} is a folder. Give a folder for the results.")
    with stage("Editing") as on_progress:
        done = edit_folder(source, target, request, jobs=jobs, force=force, recursive=recursive, on_progress=on_progress)
    if done:
        console.print(_table(done, source))
    counts = {state: sum(one.state == state for one in done) for state in ("edited", "no face", "failed")}
    console.print(
        f"{len(done)} photos: {counts['edited']} edited, {counts['no face']} without a face, {counts['failed']} failed. Results: {target}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    ignored = IgnoredFiles()
    if recursive:
        photos_below(source, target, ignored)
    else:
        photos_in(source, ignored)
    if ignored.count:
        console.print(str(ignored), markup=False, highlight=False, soft_wrap=True)
    if counts["failed"]:
        words = [one.words for one in done if one.state == "failed"]
        raise DataError(f"{counts['failed']} of {len(done)} photos could not be edited. {' '.join(words[:3])}")
    return done


def _table(done: Sequence[Edited], source: Path) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="Edited photos")
    for heading in ("photo", "result", "faces", "pixels changed", "seconds", "notes"):
        table.add_column(
            heading, justify="right" if heading in ("faces", "pixels changed", "seconds") else "left", overflow="fold"
        )
    for one in done:
        edited = one.state == "edited"
        table.add_row(
            escape(str(one.source.relative_to(source))),
            one.state,
            f"{one.edited} of {one.found}" if edited else "",
            f"{one.changed:.1%}" if edited else "",
            f"{one.seconds:.1f}" if one.seconds else "",
            escape(one.words),
        )
    return table
