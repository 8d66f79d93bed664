"""`lianpu edit PHOTO OUT --editor RUN --set Blond_Hair=yes`: the faces of a photo edited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

if TYPE_CHECKING:
    from lianpu.editors.editor import Editor
    from lianpu.image import Picture

YES = ("yes", "y", "true", "1", "on")
NO = ("no", "n", "false", "0", "off")


@dataclass(frozen=True)
class EditArguments:
    """Edit the faces of a photo: hair colour, and what else the editor knows. The photo keeps its size."""

    photo: Annotated[Path, tyro.conf.Positional]
    """A photo."""
    out: Annotated[Path, tyro.conf.Positional]
    """The picture that is written; .png keeps every pixel."""
    editor: Path
    """A run folder, a checkpoint folder, or an .onnx file."""
    set: tuple[str, ...] = ()
    """What shall be: Blond_Hair=yes Young=no."""
    face: tuple[str, ...] = ()
    """What the faces are (Male=yes Young=yes): only for editors that are told all labels."""
    only: int | None = None
    """Edit one face only: 1 is the largest."""
    detector: str = "auto"
    """auto, buffalo_l, yunet, dlib, or the path of an .onnx file."""
    upright: bool = False
    """Also look for faces in the photo turned by 90, 180 and 270 degrees."""
    aligned: bool = False
    """The photo is a square face, cut out as the editor's training faces were: no face is looked for."""


def main(arguments: list[str]) -> None:
    """Parse the command line, edit, and write."""
    parsed = tyro.cli(EditArguments, args=arguments, prog="lianpu edit")
    from lianpu.cli.progress import console
    from lianpu.editors.loading import load_editor
    from lianpu.effects.photo_edit import request_of
    from lianpu.image import read_image, write_image

    values, known = read_values(parsed.set, "--set"), read_values(parsed.face, "--face")
    photo = read_image(parsed.photo)
    editor = load_editor(parsed.editor)
    request_of(editor.info, values, known)  # wrong names are said before anything is looked for
    edited = _edit_crop(photo, editor, values, known) if parsed.aligned else _edit_faces(photo, editor, values, known, parsed)
    written = write_image(parsed.out, edited)
    console.print(
        f"Written: {written}. Licence of the editor: {editor.info.licence}.", markup=False, highlight=False, soft_wrap=True
    )


def read_values(words: tuple[str, ...], option: str) -> dict[str, bool]:
    """`("Blond_Hair=yes",)` as {"Blond_Hair": True}. Raises SettingsError, naming `option`, for what is not spelled so."""
    from lianpu.errors import SettingsError

    values: dict[str, bool] = {}
    for word in words:
        name, _, value = word.partition("=")
        if value.lower() not in (*YES, *NO):
            raise SettingsError(f"{option} {word}: write NAME=yes or NAME=no.")
        if values.get(name, value.lower() in YES) != (value.lower() in YES):
            raise SettingsError(f"{option} says both yes and no of {name}. Say it once.")
        values[name] = value.lower() in YES
    return values


def _edit_faces(
    photo: Picture, editor: Editor, values: dict[str, bool], known: dict[str, bool], parsed: EditArguments
) -> Picture:
    from lianpu.cli.progress import console
    from lianpu.effects.photo_edit import crop_template, edit_photo
    from lianpu.errors import DataError
    from lianpu.perception.detection import find_faces
    from lianpu.perception.detectors import load_detector

    crop_template(editor.info)
    faces = find_faces(photo, load_detector(parsed.detector), upright=parsed.upright)
    if not faces:
        raise DataError(
            f"No face was found in {parsed.photo}. Try --upright, another --detector, or --aligned for a cut-out face."
        )
    if parsed.only is not None:
        if not 1 <= parsed.only <= len(faces):
            raise DataError(f"--only {parsed.only}: {len(faces)} faces were found in {parsed.photo}. Take 1 to {len(faces)}.")
        faces = faces[parsed.only - 1 : parsed.only]
    console.print(f"Editing {len(faces)} {'face' if len(faces) == 1 else 'faces'}.")
    return edit_photo(photo, editor, values, faces, known)


def _edit_crop(photo: Picture, editor: Editor, values: dict[str, bool], known: dict[str, bool]) -> Picture:
    from lianpu.effects.photo_edit import edit_crops
    from lianpu.errors import DataError
    from lianpu.image import resize

    height, width = photo.shape[:2]
    if height != width:
        raise DataError(
            f"--aligned takes a square face, and this picture is {width} x {height} pixels. Leave --aligned out for a photo."
        )
    crop: Picture = edit_crops(resize(photo, editor.info.image_size)[None], editor, values, known)[0]
    return crop
