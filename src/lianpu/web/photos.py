"""What the page and its API do with uploaded photos: check, analyze, preview, edit and export. Independent of the browser."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.editing.presets import Preset, hides_faces
from lianpu.editing.session import EditSession, Preview
from lianpu.errors import LianpuError, PictureError, SettingsError
from lianpu.faces.analyzer import EVERY, choose
from lianpu.faces.results import Face, Subject
from lianpu.imaging.picture import Picture
from lianpu.photo.reading import PhotoFile, opened_image, read_photo
from lianpu.photo.writing import write_image
from lianpu.web.language import Words, error_line, page_error, translated
from lianpu.web.server.visitor_files import VisitorFiles

DOWNLOAD_FORMATS = {"same": "", "jpg": ".jpg", "png": ".png", "webp": ".webp"}
"""Endings by the name of a download format; `same` keeps the format of the upload."""

_ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"), "HEIF": (".jpg",)}
"""Endings of `same` by the format of the upload; the first is the default. All of these formats can hold the XMP mark."""


@dataclass(frozen=True, eq=False)
class PageEngine:
    """The editing session that all visitors share, with the limits for uploads.

    Args:
        session: analyzes, edits and exports.
        limits: for uploads and requests.
        editor_name: the editor's name on the page; empty without an editor.
        own_landmarks: the file name of the 68-point predictor where it is not dlib's.
    """

    session: EditSession
    limits: Limits
    editor_name: str = ""
    own_landmarks: str = ""


@dataclass(frozen=True, eq=False)
class AnalyzedUpload:
    """A photo at full size and its faces, ready for `export_edit`."""

    name: str
    original: PhotoFile
    subjects: tuple[Subject, ...]
    left_out: int
    """Findings that are no faces of people."""


@dataclass(frozen=True, eq=False)
class OpenUpload:
    """A photo that a visitor works on. Its full-size pixels are not kept in memory: `reload_pixels` reads them again.

    Args:
        name: the visitor's name for it.
        file: the upload.
        size: width and height.
        subjects: its faces, at full size.
        preview: the photo and its faces at the size shown on the page.
        left_out: findings that are no faces of people.
    """

    name: str
    file: Path
    size: tuple[int, int]
    subjects: tuple[Subject, ...]
    preview: Preview
    left_out: int

    @property
    def faces(self) -> tuple[Face, ...]:
        """The faces in pixels of the preview."""
        return tuple(subject.face for subject in self.preview.subjects)

    @property
    def is_shown_smaller(self) -> bool:
        """Whether the preview is smaller than the photo."""
        return self.preview.picture.shape[1::-1] != self.size


def analyze_upload(engine: PageEngine, file: Path, name: str, preset: Preset | None = None) -> AnalyzedUpload:
    """Read a photo and find its faces; for a preset that hides faces, also what may be none.

    Raises:
        PageError: it is too large, not a picture, or has no face.
    """
    check_photo(file, name, engine.limits)
    original = read_photo(file)
    seen = engine.session.look(original.picture, preset)
    if not seen.subjects:
        raise page_error("no_face", name=name)
    return AnalyzedUpload(name, original, seen.subjects, seen.left_out)


def open_upload(engine: PageEngine, file: Path, name: str) -> OpenUpload:
    """Analyze a photo and make its preview. Raises PageError as `analyze_upload` does."""
    analyzed = analyze_upload(engine, file, name)
    height, width = analyzed.original.picture.shape[:2]
    preview = engine.session.preview(analyzed.original.picture, analyzed.subjects)
    return OpenUpload(name, file, (width, height), analyzed.subjects, preview, analyzed.left_out)


def reload_pixels(photo: OpenUpload) -> AnalyzedUpload:
    """The photo at full size. Raises PageError when its file was removed after a time without requests."""
    if not photo.file.is_file():
        raise page_error("forgotten")
    return AnalyzedUpload(photo.name, read_photo(photo.file), photo.subjects, photo.left_out)


def preview_edit(engine: PageEngine, photo: OpenUpload, preset: Preset, which: str, known: Mapping[str, bool]) -> Picture:
    """The edited preview. Raises LianpuError for an edit that is not possible."""
    return engine.session.edit(photo.preview.picture, choose(photo.preview.subjects, which), preset, known)


def export_edit(
    engine: PageEngine,
    photo: AnalyzedUpload,
    preset: Preset,
    which: str,
    known: Mapping[str, bool],
    folder: Path,
    file_format: str = "same",
) -> Path:
    """Edit the photo at full size and write it to a file in `folder`, with the photo's metadata, marked as edited (`EditSession.export`).

    Args:
        engine: edits.
        photo: of `analyze_upload` or `reload_pixels`.
        preset: the steps.
        which: which faces: `all`, `largest`, `0,2`.
        known: the current attributes of the faces, for an editor that needs all labels.
        folder: where the file is written.
        file_format: of DOWNLOAD_FORMATS.

    Raises:
        LianpuError: the edit is not possible, or the file cannot be written.
    """
    if not preset.steps:
        raise page_error("nothing_to_do")
    subjects = photo.subjects
    if which == EVERY and hides_faces(preset):  # the page shows only what surely is a face
        subjects = engine.session.analyze(photo.original.picture, preset)
    edited = engine.session.edit(photo.original.picture, choose(subjects, which), preset, known)
    file = folder / f"{Path(photo.name).stem}-edited{DOWNLOAD_FORMATS[file_format] or same_ending(photo)}"
    engine.session.export(file, edited, photo.original, preset)
    return file


Row = tuple[str, int, str]
"""A photo's name, the number of its faces, and the result in words."""


def edit_batch(
    engine: PageEngine,
    visitor_files: VisitorFiles,
    visitor: str,
    uploads: Sequence[str],
    preset: Preset,
    which: str,
    known: Mapping[str, bool],
    words: Words,
    on_photo: Callable[[int, int], None],
) -> tuple[Path | None, list[Row]]:
    """Edit several photos: a zip of the results (None when no photo could be edited), and a row for each photo.

    Args:
        engine: edits.
        visitor_files: holds the uploads and results.
        visitor: the visitor's id.
        uploads: the uploaded files.
        preset: the steps for each photo.
        which: which faces of each: `all`, `largest`, `0,2`.
        known: the current attributes of the faces, for an editor that needs all labels.
        words: the language of the rows.
        on_photo: called with the photo's number, from 1, and the count, before each photo.

    Raises:
        PageError: no photo, too many photos, or no steps.
    """
    if not uploads:
        raise page_error("no_photos")
    if len(uploads) > engine.limits.max_photos:
        raise page_error("too_many_photos", count=len(uploads), limit=engine.limits.max_photos)
    if not preset.steps:
        raise page_error("nothing_to_do")
    files: list[Path] = []
    rows: list[Row] = []
    claimed: dict[str, Path] = {}  # a photo given twice is one upload
    for number, upload in enumerate(uploads, start=1):
        on_photo(number, len(uploads))
        name, faces = Path(upload).name, 0
        try:
            file = claimed[upload] = claimed.get(upload) or visitor_files.claim(upload, visitor)
            photo = analyze_upload(engine, file, name, preset)
            faces = len(photo.subjects)
            files.append(export_edit(engine, photo, preset, which, known, visitor_files.new_folder(visitor)))
            left = engine.session.left_as_they_are(choose(photo.subjects, which), preset).words
            done = words.line("batch.done")
            rows.append(
                (name, faces, done if left is None else f"{done} {words.line('status.left_out', what=translated(left, words))}")
            )
        except LianpuError as problem:
            rows.append((name, faces, error_line(problem, words, visitor_files.root)))
    for file in claimed.values():
        file.unlink(missing_ok=True)
    return (_zipped(files, visitor_files.new_folder(visitor)) if files else None), rows


def _zipped(files: Sequence[Path], folder: Path) -> Path:
    """The files in one zip under different names, stored without compression; the files are removed."""
    target = folder / "lianpu-edited.zip"
    used: set[str] = set()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            name, number = file.name, 1
            while name.lower() in used:
                number += 1
                name = f"{file.stem}-{number}{file.suffix}"
            used.add(name.lower())
            archive.write(file, name)
            file.unlink()
    return target


def same_ending(photo: AnalyzedUpload) -> str:
    """The ending for the upload's own format; .png for a format that cannot hold the XMP mark (BMP, GIF)."""
    endings = _ENDINGS.get(photo.original.format, (".png",))
    own = Path(photo.name).suffix.lower()
    return own if own in endings else endings[0]


def write_preview(picture: Picture, folder: Path, name: str) -> Path:
    """Write a picture to a JPEG file for the browser, and return its path."""
    return write_image(folder / f"{name}.jpg", picture, quality=92)


def face_lines(subjects: Sequence[Subject]) -> list[dict[str, object]]:
    """The faces as JSON values: number (0 is the largest), box (left, top, right, bottom) in pixels, score, and five points."""
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
    """Limits for uploads and visitors.

    Args:
        max_mb: largest file, in megabytes (10**6 bytes).
        max_megapixels: largest picture, in millions of pixels.
        max_photos: most photos of one batch.
        max_waiting: requests that may wait in the queue; further ones are refused.
        max_visitors: visitors whose open photo is kept in memory; the oldest is dropped first.
        keep_minutes: minutes without a request after which a visitor's files are removed.

    Raises:
        SettingsError: a limit is not above 0.
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
    """Raise unless a file is a picture within the limits; only its header is read.

    Args:
        file: the upload.
        name: the visitor's name for it, used in messages.

    Raises:
        PageError: it is too large, or not a picture.
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
        if problem.key == "photo.too_long":
            width, height = problem.values["width"], problem.values["height"]
            raise page_error("too_long", name=name, width=width, height=height) from None
        raise page_error("not_a_picture", name=name) from None
    if pixels > limits.max_megapixels * 1e6:
        raise page_error("too_many_pixels", name=name, size=f"{pixels / 1e6:.1f}", limit=f"{limits.max_megapixels:g}")
