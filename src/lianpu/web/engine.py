"""What the server does with photos and videos, in a process of its own: check, analyze, preview, edit and export.

A decoder or network that crashes on a hostile file ends that process and one visitor's call, not the server.
"""

from __future__ import annotations

import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from lianpu.editing.attributes import crop_template
from lianpu.editing.presets import BY_EFFECTS, Preset, describe_steps, hides_faces, parse_preset
from lianpu.editing.session import AUTO, EditRequest, EditSession, Preview, editor_name, open_job
from lianpu.editors.editor import Editor
from lianpu.editors.loading import BUNDLED_EDITORS, bundled_editor_file, load_editor
from lianpu.errors import LianpuError, Message, PictureError, SettingsError, WeightsError
from lianpu.faces.analyzer import EVERY, AnalyzerSettings, choose, open_analyzer
from lianpu.faces.detection import second_look
from lianpu.faces.face_check import left_out_note
from lianpu.faces.mesh import MeshReader
from lianpu.faces.results import Subject
from lianpu.imaging.picture import Picture
from lianpu.models.table import model_file
from lianpu.photo.c2pa import SigningFiles, open_signing
from lianpu.photo.reading import PhotoFile, opened_image, read_photo
from lianpu.photo.writing import lost_in
from lianpu.transforms.model import is_transform_usable
from lianpu.video.io.probe import probe_video
from lianpu.video.job.frame_pipeline import live_settings
from lianpu.video.job.job import VideoSettings, edit_video
from lianpu.video.tracking.tracker import TrackSettings
from lianpu.web.language import page_error
from lianpu.web.limits import Limits

DOWNLOAD_FORMATS = {"same": "", "jpg": ".jpg", "png": ".png", "webp": ".webp"}
"""Endings by the name of a download format; `same` keeps the format of the upload."""

_ENDINGS = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "WEBP": (".webp",), "TIFF": (".tif", ".tiff"), "HEIF": (".jpg",)}
"""Endings of `same` by the format of the upload; the first is the default. All of these formats can hold the XMP mark."""

TILE_PX = 168
"""Side of the small pictures that show what an edit does."""

_OPEN_PHOTOS = 16
"""Photos whose faces stay in memory; the one that was not asked for longest goes first, and is analyzed again when it is asked for."""

_TILE_PREVIEW_PX = 640

_DETECTOR_ENTRIES = {"buffalo_l": "scrfd-10g", "yunet_n_640_640": "yunet-640", "blazeface": "blazeface-full"}
"""Names in the table of models of detectors whose name differs there."""

_DLIB_LICENCE = "Boost Software License (dlib)"


@dataclass(frozen=True)
class EngineSettings:
    """What the engine opens; values that can be sent to its process.

    Args:
        analyzer: how faces are found and described.
        model: `auto`, the name of a bundled editor, a run, a checkpoint, an .onnx file, or `none` (`EditSession`).
        signing: the files of the certificate that signs downloads; None for the XMP mark alone.
        limits: of uploads.
        threads: for one operation; None takes as many as there are cores.
    """

    analyzer: AnalyzerSettings = field(default_factory=AnalyzerSettings)
    model: str = AUTO
    signing: SigningFiles | None = None
    limits: Limits = field(default_factory=Limits)
    threads: int | None = None


@dataclass(frozen=True)
class Asked:
    """What is asked for, of one photo or of many.

    Args:
        preset: the steps, as YAML (`presets.dump_preset`).
        faces: `all`, `largest`, or numbers as `0,2` (0 is the largest face).
        known: the current attributes of the faces, for an editor that needs all labels.
    """

    preset: str
    faces: str = EVERY
    known: Mapping[str, bool] | None = None


@dataclass(frozen=True)
class Call:
    """A task of the engine's process: a method of `Engine` that may be called, and its arguments."""

    method: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return self.method


CALLS = ("describe", "check", "open_photo", "preview", "tile", "export", "batch", "video")
"""What may be called."""

Report = Callable[[Any], None]


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """A photo whose faces are known. Its full-size pixels are not kept.

    Args:
        size_px: width and height.
        subjects: its faces, at full size, largest first.
        preview: the photo and its faces at the size of a screen.
        left_out: findings that are no faces of people.
    """

    size_px: tuple[int, int]
    subjects: tuple[Subject, ...]
    preview: Preview
    left_out: int


def open_engine(settings: EngineSettings) -> Callable[[Call, Report], Any]:
    """Open the engine in this process; what `TaskProcess` calls first.

    Returns:
        The function that answers a `Call`.

    Raises:
        WeightsError: models that are missing or not allowed under --commercial-safe, all in one message.
        LianpuError: an option that cannot work.
    """
    engine = Engine(settings)

    def answered(call: Call, report: Report) -> Any:
        assert call.method in CALLS, call.method
        more = {"report": report} if call.method in ("batch", "video") else {}
        return getattr(engine, call.method)(**call.values, **more)

    return answered


class Engine:
    """An editing session with the limits for uploads. Raises as `open_engine` does."""

    def __init__(self, settings: EngineSettings) -> None:
        self.settings, self.limits = settings, settings.limits
        signing = None if settings.signing is None else open_signing(settings.signing)
        problems = []
        try:
            analyzer = open_analyzer(settings.analyzer, threads=settings.threads)
        except WeightsError as problem:
            problems.append(str(problem))
        try:
            editor, self.editor_name, self.editor_file = _open_editor(settings)
        except WeightsError as problem:
            problems.append(f"--model {settings.model}: {problem}")
        if problems:
            raise WeightsError(" ".join(problems))
        model = "" if editor is None else editor_name(self.editor_name, editor)
        transforms = settings.model == AUTO and isinstance(analyzer.landmarks, MeshReader) and is_transform_usable()
        self.session = EditSession(analyzer, editor, model, signing, transforms)
        self._photos: OrderedDict[Path, OpenPhoto] = OrderedDict()

    def describe(self) -> dict[str, Any]:
        """What this server can do: effects by name, the editor, what finds the faces, under which licences, and whether it signs."""
        editor = self.session.editor
        info = None if editor is None else editor.info
        attributes = list(BY_EFFECTS) if self.session.transforms else []
        attributes += [name for name in (() if info is None else info.attributes.names) if name not in attributes]
        groups = () if info is None else info.attributes.groups
        return {
            "effects": list(self.session.effects),
            "attributes": attributes,
            "editor": None
            if info is None or editor is None
            else {
                "name": self.editor_name,
                "kind": editor.kind,
                "attributes": list(info.attributes.names),
                "exclusive": [list(group) for group in groups],
                "label_input": info.label_input,
                "licence": info.licence,
                "run": info.run_id,
            },
            "models": self._models(),
            "card": _card(self.editor_file),
            "signs": self.session.signing is not None,
        }

    def check(self, file: Path, name: str) -> None:
        """Raise PageError unless a file is a picture within the limits; only its header is read."""
        check_photo(file, name, self.limits)

    def open_photo(self, file: Path, name: str) -> dict[str, Any]:
        """Find the faces of a photo, which stay in memory.

        Returns:
            `width`, `height`, `faces` (`face_lines`), `preview` (JPEG), and `notes` (messages on how faces were found).

        Raises:
            PageError: it is too large, or not a picture.
        """
        photo = self._opened(file, name)
        notes = (second_look(subject.face for subject in photo.subjects), left_out_note(photo.left_out))
        return {
            "width": photo.size_px[0],
            "height": photo.size_px[1],
            "faces": face_lines(photo.subjects),
            "preview": jpeg(photo.preview.picture),
            "notes": [note for note in notes if note is not None],
        }

    def preview(self, file: Path, name: str, asked: Asked) -> tuple[bytes, Message | None]:
        """The photo with an edit at the size of a screen (JPEG), and what was left out of it, in words."""
        photo, preset = self._opened(file, name), parse_preset(asked.preset)
        chosen = choose(photo.preview.subjects, asked.faces) if photo.subjects else ()
        edited = self.session.edit(photo.preview.picture, chosen, preset, asked.known)
        return jpeg(edited), self.session.left_as_they_are(chosen, preset).words

    def tile(self, file: Path, name: str, asked: Asked, face: int) -> bytes:
        """A small picture (JPEG, `TILE_PX` square) of one face with an edit."""
        photo, preset = self._opened(file, name), parse_preset(asked.preset)
        (chosen,) = choose(photo.subjects, str(face))
        left, top, right, bottom = chosen.face.box_xyxy
        longest = max(photo.size_px)
        wanted = TILE_PX / (2.0 * max(right - left, bottom - top, 1.0)) * longest
        small = self.session.preview(
            photo.preview.picture, photo.preview.subjects, round(min(max(wanted, 240.0), _TILE_PREVIEW_PX))
        )
        (one,) = choose(small.subjects, str(face))
        edited = self.session.edit(small.picture, (one,), preset, asked.known)
        return jpeg(_head(edited, one))

    def export(self, file: Path, name: str, asked: Asked, folder: Path, file_format: str) -> dict[str, Any]:
        """Edit a photo at full size and write it to `folder`, with the photo's metadata, marked as edited (`EditSession.export`).

        Returns:
            `file` (the path), `faces` (how many were found), `done` (the steps in words), `lost` (what the file cannot keep of the
            upload) and `left` (what was left out, a message or None).

        Raises:
            LianpuError: no face, the edit is not possible, or the file cannot be written.
        """
        preset = parse_preset(asked.preset)
        if file_format not in DOWNLOAD_FORMATS:
            raise SettingsError(
                "file_format '{value}' is none of {known}.",
                key="api.format",
                value=file_format,
                known=", ".join(DOWNLOAD_FORMATS),
            )
        check_photo(file, name, self.limits)
        original = read_photo(file)
        photo = self._photos.get(file)
        hides_all = asked.faces == EVERY and hides_faces(preset)  # then also what may be no face
        subjects = photo.subjects if photo is not None and not hides_all else self.session.analyze(original.picture, preset)
        if not subjects:
            raise page_error("no_face", name=name)
        chosen = choose(subjects, asked.faces)
        edited = self.session.edit(original.picture, chosen, preset, asked.known)
        written = folder / f"{Path(name).stem}-edited{DOWNLOAD_FORMATS[file_format] or same_ending(original, name)}"
        self.session.export(written, edited, original, preset)
        return {
            "file": written,
            "faces": len(subjects),
            "done": describe_steps(preset),
            "lost": list(lost_in(original, written.suffix)),
            "left": self.session.left_as_they_are(chosen, preset).words,
        }

    def batch(self, files: Sequence[tuple[Path, str]], asked: Asked, folder: Path, report: Report) -> dict[str, Any]:
        """Edit several photos at full size and write `lianpu-edited.zip` to `folder`; the photos are removed.

        Args:
            files: each photo and the visitor's name for it.
            asked: the edit of each.
            folder: for the results.
            report: gets (photos done, all photos).

        Returns:
            `file` (None when no photo could be edited), and `rows`: for each photo `name`, `faces`, and `problem` (an error) or `left`.

        Raises:
            SettingsError: the preset is none.
        """
        parse_preset(asked.preset)  # one that is none is one error, and not one for each photo
        results: list[Path] = []
        rows: list[dict[str, Any]] = []
        for number, (file, name) in enumerate(files):
            report((number, len(files)))
            place = folder / f"{number}"
            place.mkdir()
            try:
                done = self.export(file, name, asked, place, "same")
                results.append(done["file"])
                rows.append({"name": name, "faces": done["faces"], "left": done["left"], "problem": None})
            except LianpuError as problem:
                rows.append({"name": name, "faces": 0, "left": None, "problem": problem})
            file.unlink(missing_ok=True)
        report((len(files), len(files)))
        return {"file": _zipped(results, folder) if results else None, "rows": rows}

    def video(self, file: Path, name: str, asked: Asked, folder: Path, fast: bool, report: Report) -> dict[str, Any]:
        """Edit a video (`lianpu video`) and write it to `folder` as an MP4.

        Args:
            file, name: the upload.
            asked: the edit; its faces are `all` or `largest`.
            folder: for the result.
            fast: edit as the camera does, where there is a face mesh.
            report: gets (frames done, all frames).

        Returns:
            `file`, `frames`, `with_faces`, and `notes`.

        Raises:
            LianpuError: the video cannot be read, is too long, or shows no face.
        """
        preset = parse_preset(asked.preset)
        session, most = self.session, self.limits
        probe = probe_video(file)
        seconds = probe.time_s(probe.timestamps[-1]) if probe.timestamps else 0.0
        if seconds > most.max_video_s:
            raise page_error("video_too_long", name=name, seconds=f"{seconds:.0f}", limit=f"{most.max_video_s:g}")
        if probe.width * probe.height > most.max_megapixels * 1e6:
            size = f"{probe.width * probe.height / 1e6:.1f}"
            raise page_error("too_many_pixels", name=name, size=size, limit=f"{most.max_megapixels:g}")
        request = EditRequest(asked.preset, self._model_of(preset), asked.faces, asked.known or {}, self.settings.analyzer)
        job = open_job(request, self.settings.threads, analyzer=session.analyzer, editor=session.editor)
        live = fast and isinstance(session.analyzer.landmarks, MeshReader)
        settings = VideoSettings(tracking=live_settings(preset) if live else TrackSettings(parse_every=2))
        target = folder / f"{Path(name).stem}-edited.mp4"
        done = edit_video(file, target, request, settings, job=job, on_progress=lambda count, total: report((count, total)))
        return {"file": target, "frames": done.frames, "with_faces": done.with_faces, "notes": list(done.notes)}

    def _model_of(self, preset: Preset) -> str:
        return AUTO if self.settings.model == "none" and not preset.needs_editor else self.settings.model

    def _opened(self, file: Path, name: str) -> OpenPhoto:
        if (known := self._photos.get(file)) is not None:
            self._photos.move_to_end(file)
            return known
        if not file.is_file():
            raise page_error("forgotten")
        check_photo(file, name, self.limits)
        picture = read_photo(file).picture
        seen = self.session.look(picture)
        height, width = picture.shape[:2]
        photo = OpenPhoto((width, height), seen.subjects, self.session.preview(picture, seen.subjects), seen.left_out)
        self._photos[file] = photo
        while len(self._photos) > _OPEN_PHOTOS:
            self._photos.popitem(last=False)
        return photo

    def _models(self) -> dict[str, str]:
        """Licences of what finds and reads the faces, by `NAME: what it is`."""
        analyzer = self.session.analyzer
        detector, parser = analyzer.detector.name, analyzer.parser
        landmarks = "face-mesh" if isinstance(analyzer.landmarks, MeshReader) else "dlib-landmarks-68"
        own = self.settings.analyzer.landmarks
        is_own = own not in ("auto", "mesh", "mesh-468", "dlib")
        return {
            f"detector: {detector}": _licence(detector),
            f"parser: {'none' if parser is None else parser.name}": "hair is not seen" if parser is None else parser.licence,
            f"landmarks: {Path(own).name if is_own else landmarks}": "" if is_own else model_file(landmarks).licence,
        }


def _licence(detector: str) -> str:
    if detector == "dlib":
        return _DLIB_LICENCE
    try:
        return model_file(_DETECTOR_ENTRIES.get(detector, detector)).licence
    except WeightsError:
        return ""


def _open_editor(settings: EngineSettings) -> tuple[Editor | None, str, Path | None]:
    """The editor, its name, and its file where it has one. Raises LianpuError when it cannot be loaded or used on photos."""
    if settings.model == "none":
        return None, "", None
    name = "lite" if settings.model == AUTO else settings.model
    try:
        source = bundled_editor_file(name) if name in BUNDLED_EDITORS else Path(name)
    except WeightsError:
        if settings.model == AUTO:
            return None, "", None
        raise
    editor = load_editor(name, threads=settings.threads)
    crop_template(editor.info)  # refuses an editor for face crops only now, rather than at a visitor's first edit
    return editor, name if name in BUNDLED_EDITORS else source.name, source


def _card(source: Path | None) -> dict[str, str]:
    """The model card beside an editor's file by language: `model.md` in English, `model.zh-CN.md` in Chinese."""
    if source is None or not source.is_file():
        return {}
    files = {"en": source.with_suffix(".md"), "zh": source.with_suffix(".zh-CN.md")}
    return {code: file.read_text(encoding="utf-8") for code, file in files.items() if file.is_file()}


def check_photo(file: Path, name: str, limits: Limits) -> None:
    """Raise unless a file is a picture within the limits; only its header is read.

    Args:
        file: the upload.
        name: the visitor's name for it, used in messages.

    Raises:
        PageError: it is too large, or not a picture.
    """
    size = file.stat().st_size
    if size > limits.max_mb * 1e6:
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


def same_ending(photo: PhotoFile, name: str) -> str:
    """The ending for the upload's own format; .png for a format that cannot hold the XMP mark (BMP, GIF)."""
    endings = _ENDINGS.get(photo.format, (".png",))
    own = Path(name).suffix.lower()
    return own if own in endings else endings[0]


def face_lines(subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    """The faces as JSON values: number (0 is the largest), box (left, top, right, bottom) in pixels, score, and five points."""
    return [
        {
            "number": number,
            "box": [round(float(value), 1) for value in subject.face.box_xyxy],
            "score": round(float(subject.face.score), 3),
            "points": [[round(float(value), 1) for value in point] for point in subject.face.points],
        }
        for number, subject in enumerate(subjects)
    ]


def jpeg(picture: Picture) -> bytes:
    """A picture (H, W, 3) as a JPEG for the browser."""
    done, coded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 92])
    assert done
    return coded.tobytes()


def _head(picture: Picture, subject: Subject) -> Picture:
    """The square around a head, `TILE_PX` wide."""
    height, width = picture.shape[:2]
    left, top, right, bottom = subject.face.box_xyxy
    side = int(min(1.9 * max(right - left, bottom - top), width, height))
    x = int(np.clip((left + right - side) / 2, 0, width - side))
    y = int(np.clip((top + bottom - side) / 2 - 0.08 * side, 0, height - side))
    cut = picture[y : y + side, x : x + side]
    return np.asarray(cv2.resize(cut, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA), dtype=np.uint8)


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
