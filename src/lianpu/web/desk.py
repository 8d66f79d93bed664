"""What the page does with photos: open, show, edit and write them. Nothing here knows of a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.content_credentials import Signing, sign
from lianpu.editors.editor import Editor
from lianpu.effects.presets import EffectStep, Preset, apply_preset, in_words
from lianpu.effects.studio import Studio, choose
from lianpu.effects.subject import Subject
from lianpu.image import Picture, write_image
from lianpu.perception.results import Face
from lianpu.photo_file import PhotoFile, read_photo, write_photo
from lianpu.provenance import edited_xmp
from lianpu.web.limits import Limits, check_photo
from lianpu.web.problems import PageProblem
from lianpu.web.smaller import made_smaller

FORMATS = {"same": "", "jpg": ".jpg", "png": ".png", "webp": ".webp"}
"""What a download may be written as; `same` is as it was uploaded."""

_ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"), "HEIF": (".jpg",)}
"""By the form of the upload: the endings of `same`, the first where the upload has another. All of these can carry the mark."""


@dataclass(frozen=True, eq=False)
class Desk:
    """What is needed to edit photos, opened once for all visitors.

    Args:
        studio: sees the faces.
        editor: sets attributes; None where none was loaded.
        editor_name: what it was loaded from, as visitors may read it.
        limits: of what visitors give.
        signing: a certificate for C2PA; None for the XMP mark alone.
        own_landmarks: the name of the file that finds 68 points, where it is not dlib's.
    """

    studio: Studio
    editor: Editor | None
    editor_name: str
    limits: Limits
    signing: Signing | None = None
    own_landmarks: str = ""


@dataclass(frozen=True, eq=False)
class SeenPhoto:
    """A photo with all its pixels, and its faces: what an edit at full size takes."""

    name: str
    original: PhotoFile
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """A photo that a visitor works on, without its pixels: those are read again from its file when they are needed.

    Args:
        name: what the visitor calls it.
        file: where it lies.
        size: width and height.
        subjects: its faces, at full size.
        small: the photo at the size that is shown.
        small_subjects: its faces there.
    """

    name: str
    file: Path
    size: tuple[int, int]
    subjects: tuple[Subject, ...]
    small: Picture
    small_subjects: tuple[Subject, ...]

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces, in pixels of `small`."""
        return tuple(subject.face for subject in self.small_subjects)

    @property
    def is_shown_smaller(self) -> bool:
        """Whether the page shows less than the photo has."""
        return self.small.shape[1::-1] != self.size


def see_photo(desk: Desk, file: Path, name: str) -> SeenPhoto:
    """The photo in a file with its faces.

    Raises:
        PageProblem: too large, no picture, or no face in it.
    """
    check_photo(file, name, desk.limits)
    original = read_photo(file)
    subjects = desk.studio.subjects(original.picture)
    if not subjects:
        raise PageProblem("no_face", name=name)
    return SeenPhoto(name, original, subjects)


def open_photo(desk: Desk, file: Path, name: str) -> OpenPhoto:
    """The same, ready to be worked on. Raises PageProblem as `see_photo` does."""
    seen = see_photo(desk, file, name)
    height, width = seen.original.picture.shape[:2]
    small, small_subjects = made_smaller(seen.original.picture, seen.subjects)
    return OpenPhoto(name, file, (width, height), seen.subjects, small, small_subjects)


def with_pixels(photo: OpenPhoto) -> SeenPhoto:
    """The photo with all its pixels. Raises PageProblem when its file was removed after a time without use."""
    if not photo.file.is_file():
        raise PageProblem("forgotten")
    return SeenPhoto(photo.name, read_photo(photo.file), photo.subjects)


def tried(desk: Desk, photo: OpenPhoto, preset: Preset, which: str, known: Mapping[str, bool]) -> Picture:
    """The photo as it is shown, edited. Raises LianpuError for what cannot be done."""
    return apply_preset(photo.small, choose(photo.small_subjects, which), preset, desk.editor, known)


def finished(
    desk: Desk, photo: SeenPhoto, preset: Preset, which: str, known: Mapping[str, bool], folder: Path, form: str = "same"
) -> Path:
    """The file of the photo edited at full size, in `folder`: with all that the photo's file carried, and marked as edited.

    Args:
        desk: what edits.
        photo: of `see_photo` or `with_pixels`.
        preset: what to do.
        which: which faces: `all`, `largest`, `0,2`.
        known: what the faces are, for an editor that is told all labels.
        folder: where the file is written.
        form: of FORMATS.

    Raises:
        LianpuError: what cannot be done.
    """
    if not preset.steps:
        raise PageProblem("nothing_to_do")
    edited = apply_preset(photo.original.picture, choose(photo.subjects, which), preset, desk.editor, known)
    ending = FORMATS[form] or same_ending(photo)
    file = folder / f"{Path(photo.name).stem}-edited{ending}"
    model = desk.editor_name if preset.needs_editor else ""
    write_photo(file, edited, photo.original, xmp=edited_xmp(in_words(preset), model, earlier=photo.original.xmp))
    if desk.signing is not None:
        sign(file, desk.signing, in_words(preset), model, None if hides_faces(preset) else photo.original.file)
    return file


def same_ending(photo: SeenPhoto) -> str:
    """The ending of a file of the upload's own form; .png for a form that cannot carry the mark (BMP, GIF)."""
    endings = _ENDINGS.get(photo.original.form, (".png",))
    own = Path(photo.name).suffix.lower()
    return own if own in endings else endings[0]


def hides_faces(preset: Preset) -> bool:
    """Whether a step makes faces unknown: then nothing of the photo before may be carried along."""
    return any(isinstance(step, EffectStep) and step.effect.name == "anonymise" for step in preset.steps)


def shown_file(picture: Picture, folder: Path, name: str) -> Path:
    """The picture as a file that a browser shows quickly."""
    return write_image(folder / f"{name}.jpg", picture, quality=92)


def face_lines(subjects: Sequence[Subject]) -> list[dict[str, object]]:
    """The faces as plain values: number (0 is the largest), box (left, top, right, bottom) in pixels, score, and five points."""
    return [
        {
            "number": number,
            "box": [round(value, 1) for value in subject.face.box_xyxy],
            "score": round(subject.face.score, 3),
            "points": [[round(float(value), 1) for value in point] for point in subject.face.points],
        }
        for number, subject in enumerate(subjects)
    ]
