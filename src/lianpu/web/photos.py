"""What the page does with photos: open, show, edit and write them. Nothing here knows of a browser."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.editing.presets import Preset
from lianpu.editing.session import EditSession, Preview
from lianpu.errors import PictureError, SettingsError
from lianpu.faces.analyzer import choose
from lianpu.faces.results import Face
from lianpu.faces.subject import Subject
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import PhotoFile, opened_image, read_photo
from lianpu.photo.writing import write_image
from lianpu.web.language import page_error

FORMATS = {"same": "", "jpg": ".jpg", "png": ".png", "webp": ".webp"}
"""What a download may be written as; `same` is as it was uploaded."""

_ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"), "HEIF": (".jpg",)}
"""By the form of the upload: the endings of `same`, the first where the upload has another. All of these can carry the mark."""


@dataclass(frozen=True, eq=False)
class PageEngine:
    """What edits the visitors' photos, opened once for all of them.

    Args:
        session: sees faces, edits and exports.
        limits: of what visitors give.
        own_landmarks: the name of the file that finds 68 points, where it is not dlib's.
    """

    session: EditSession
    limits: Limits
    own_landmarks: str = ""


@dataclass(frozen=True, eq=False)
class AnalyzedUpload:
    """A photo with all its pixels, and its faces: what an edit at full size takes."""

    name: str
    original: PhotoFile
    subjects: tuple[Subject, ...]


@dataclass(frozen=True, eq=False)
class OpenUpload:
    """A photo that a visitor works on, without its pixels: those are read again from its file when they are needed.

    Args:
        name: what the visitor calls it.
        file: where it lies.
        size: width and height.
        subjects: its faces, at full size.
        preview: the photo and its faces at the size that is shown.
    """

    name: str
    file: Path
    size: tuple[int, int]
    subjects: tuple[Subject, ...]
    preview: Preview

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces, in pixels of the preview."""
        return tuple(subject.face for subject in self.preview.subjects)

    @property
    def is_shown_smaller(self) -> bool:
        """Whether the page shows less than the photo has."""
        return self.preview.picture.shape[1::-1] != self.size


def analyze_upload(engine: PageEngine, file: Path, name: str) -> AnalyzedUpload:
    """The photo in a file with its faces.

    Raises:
        PageError: too large, no picture, or no face in it.
    """
    check_photo(file, name, engine.limits)
    original = read_photo(file)
    subjects = engine.session.analyze(original.picture)
    if not subjects:
        raise page_error("no_face", name=name)
    return AnalyzedUpload(name, original, subjects)


def open_upload(engine: PageEngine, file: Path, name: str) -> OpenUpload:
    """The same, ready to be worked on. Raises PageError as `analyze_upload` does."""
    seen = analyze_upload(engine, file, name)
    height, width = seen.original.picture.shape[:2]
    preview = engine.session.preview(seen.original.picture, seen.subjects)
    return OpenUpload(name, file, (width, height), seen.subjects, preview)


def reload_pixels(photo: OpenUpload) -> AnalyzedUpload:
    """The photo with all its pixels. Raises PageError when its file was removed after a time without use."""
    if not photo.file.is_file():
        raise page_error("forgotten")
    return AnalyzedUpload(photo.name, read_photo(photo.file), photo.subjects)


def preview_edit(engine: PageEngine, photo: OpenUpload, preset: Preset, which: str, known: Mapping[str, bool]) -> Picture:
    """The photo as it is shown, edited. Raises LianpuError for what cannot be done."""
    return engine.session.edit(photo.preview.picture, choose(photo.preview.subjects, which), preset, known)


def export_edit(
    engine: PageEngine,
    photo: AnalyzedUpload,
    preset: Preset,
    which: str,
    known: Mapping[str, bool],
    folder: Path,
    form: str = "same",
) -> Path:
    """The file of the photo edited at full size, in `folder`: with all that the photo's file carried, and marked as edited.

    Args:
        engine: what edits.
        photo: of `analyze_upload` or `reload_pixels`.
        preset: what to do.
        which: which faces: `all`, `largest`, `0,2`.
        known: labels of the faces, for an editor whose input is all labels.
        folder: where the file is written.
        form: of FORMATS.

    Raises:
        LianpuError: what cannot be done.
    """
    if not preset.steps:
        raise page_error("nothing_to_do")
    edited = engine.session.edit(photo.original.picture, choose(photo.subjects, which), preset, known)
    file = folder / f"{Path(photo.name).stem}-edited{FORMATS[form] or same_ending(photo)}"
    engine.session.export(file, edited, photo.original, preset)
    return file


def same_ending(photo: AnalyzedUpload) -> str:
    """The ending of a file of the upload's own form; .png for a form that cannot carry the mark (BMP, GIF)."""
    endings = _ENDINGS.get(photo.original.form, (".png",))
    own = Path(photo.name).suffix.lower()
    return own if own in endings else endings[0]


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


@dataclass(frozen=True)
class Limits:
    """How much one visitor may ask for.

    Args:
        max_mb: largest file, in megabytes (10**6 bytes).
        max_megapixels: largest picture, in millions of pixels.
        max_photos: most photos of one batch.
        max_waiting: requests that may wait in the queue; more are turned away.
        max_visitors: visitors whose open photo is kept in memory; the oldest is forgotten first.
        keep_minutes: files of a visitor who is not heard of for so long are removed, also if the browser never said goodbye.

    Raises:
        SettingsError: one of them is not above 0.
    """

    max_mb: float = 25.0
    max_megapixels: float = 50.0
    max_photos: int = 30
    max_waiting: int = 20
    max_visitors: int = 50
    keep_minutes: float = 60.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise SettingsError(f"--{name.replace('_', '-')} {value:g} is not above 0.")

    @property
    def max_bytes(self) -> int:
        """`max_mb` in bytes."""
        return int(self.max_mb * 1e6)


def check_photo(file: Path, name: str, limits: Limits) -> None:
    """Nothing, when a file may be opened: its head says that it is a picture that is not too large.

    Args:
        file: where it lies.
        name: what the visitor calls it; the only name that is said.

    Raises:
        PageError: it is too large, or no picture.
    """
    size = file.stat().st_size
    if size > limits.max_bytes:
        raise page_error("too_many_bytes", name=name, size=f"{size / 1e6:.1f}", limit=f"{limits.max_mb:g}")
    try:
        with opened_image(file) as image:
            pixels = image.width * image.height
    except PictureError as problem:
        if problem.key == "photo.too_large":  # Pillow's own guard against pictures that grow when they are decoded
            raise page_error("too_many_pixels", name=name, size="> 178", limit=f"{limits.max_megapixels:g}") from None
        raise page_error("not_a_picture", name=name) from None
    if pixels > limits.max_megapixels * 1e6:
        raise page_error("too_many_pixels", name=name, size=f"{pixels / 1e6:.1f}", limit=f"{limits.max_megapixels:g}")
