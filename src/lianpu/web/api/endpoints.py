"""The API for programs, called by name with gradio_client: what the page does, without its state.

from gradio_client import Client, handle_file
client = Client("http://127.0.0.1:7860")
file, report = client.predict(handle_file("anna.jpg"), {"steps": [{"effect": "lipstick", "strength": 0.6}]}, api_name="/edit")
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lianpu.editing.presets import (
    PRESET_FOLDER,
    EffectStep,
    Preset,
    bundled_presets,
    describe_steps,
    find_preset,
    parse_preset,
    scale_preset,
)
from lianpu.errors import LianpuError, SettingsError
from lianpu.photo.writing import lost_in
from lianpu.web.language import LANGUAGES, error_line, load_words
from lianpu.web.photos import DOWNLOAD_FORMATS, PageEngine, analyze_upload, edit_batch, export_edit, face_lines
from lianpu.web.server.visitor_files import VisitorFiles, visitor_id
from lianpu.web.toolkit import FileData, gr
from lianpu.yaml_text import dump_yaml, load_yaml

log = logging.getLogger(__name__)


class Endpoints:
    """The named calls. An error is one line in the requested language, as gradio_client's AppError."""

    def __init__(self, engine: PageEngine, visitor_files: VisitorFiles) -> None:
        self.engine, self.visitor_files = engine, visitor_files

    def faces(self, photo: FileData, request: gr.Request, language: str = "en") -> dict:
        """The faces of a photo, largest first.

        Args:
            photo: handle_file("anna.jpg").
            language: of error messages: en or zh.

        Returns:
            {"width", "height", "faces": [{"number", "box" (left, top, right, bottom), "score", "points" (5 x, y)}]}; 0 is the largest face.
        """
        with self._error_as_line(language):
            with self._upload(photo, request) as file:
                analyzed = analyze_upload(self.engine, file, file.name)
            height, width = analyzed.original.picture.shape[:2]
            return {"width": width, "height": height, "faces": face_lines(analyzed.subjects)}
        raise AssertionError

    def edit(
        self,
        photo: FileData,
        preset: Any,
        request: gr.Request,
        faces: str = "all",
        strength: float = 1.0,
        known: Any = None,
        file_format: str = "same",
        language: str = "en",
    ) -> tuple[FileData, dict]:
        """A photo edited at full size, marked as edited.

        Args:
            photo: handle_file("anna.jpg").
            preset: the name of a preset (see /catalogue), YAML, or its steps as values: {"steps": [{"effect": "lipstick", "strength": 0.6,
                "color": "#aa2233"}, {"edit": {"Blond_Hair": true}, "strength": 0.8}]}.
            faces: all, largest, or numbers as "0,2" (0 is the largest face).
            strength: multiplies the strength of every step, 0 to 1.5.
            known: the current attributes of the faces, as {"Male": false}; only for an editor that needs all labels.
            file_format: same, jpg, png or webp.
            language: of error messages: en or zh.

        Returns:
            The file, and {"faces": the number of faces found, "done": the steps in words, "lost": what the file could not keep of the upload}.
        """
        with self._error_as_line(language):
            steps = requested_preset(preset, strength)
            if file_format not in DOWNLOAD_FORMATS:
                raise SettingsError(
                    "file_format '{value}' is none of {known}.",
                    key="api.format",
                    value=file_format,
                    known=", ".join(DOWNLOAD_FORMATS),
                )
            folder = self.visitor_files.new_folder(visitor_id(request))
            with self._upload(photo, request) as file:
                analyzed = analyze_upload(self.engine, file, file.name, steps)
                written = export_edit(self.engine, analyzed, steps, faces, read_known(known), folder, file_format)
            report = {
                "faces": len(analyzed.subjects),
                "done": describe_steps(steps),
                "lost": list(lost_in(analyzed.original, written.suffix)),
            }
            return FileData(path=str(written), orig_name=written.name), report
        raise AssertionError

    def batch(
        self,
        photos: list[FileData],
        preset: Any,
        request: gr.Request,
        faces: str = "all",
        strength: float = 1.0,
        known: Any = None,
        language: str = "en",
    ) -> tuple[FileData | None, list[dict]]:
        """Several photos edited at full size, in a zip.

        Args:
            photos: [handle_file("anna.jpg"), ...].
            preset: as for /edit.
            faces: which faces of each photo: all, largest, or numbers as "0,2".
            strength: multiplies the strength of every step, 0 to 1.5.
            known: the current attributes of the faces, as for /edit.
            language: of error messages: en or zh.

        Returns:
            The zip (None when no photo could be edited), and {"photo", "faces", "result"} for each photo.
        """
        with self._error_as_line(language):
            steps = requested_preset(preset, strength)
            paths = [path_of(photo) for photo in photos or []]
            words = load_words(language)
            packed, rows = edit_batch(
                self.engine,
                self.visitor_files,
                visitor_id(request),
                paths,
                steps,
                faces,
                read_known(known),
                words,
                lambda number, total: None,
            )
            report = [{"photo": name, "faces": count, "result": result} for name, count, result in rows]
            return (None if packed is None else FileData(path=str(packed), orig_name=packed.name)), report
        raise AssertionError

    def catalogue(self) -> dict:
        """The effects with their options, the presets with their steps, and the editor's attributes and licence."""
        editor = self.engine.session.editor
        info = None if editor is None else editor.info
        return {
            "effects": {
                name: {
                    "title": dict(effect.title),
                    "summary": dict(effect.summary),
                    "options": [
                        {"name": one.name, "kind": one.kind, "default": one.default, "choices": list(one.choices)}
                        | ({"low": one.low, "high": one.high} if one.kind == "number" else {})
                        for one in effect.options
                        if one.kind != "picture"
                    ],
                }
                for name, effect in self.engine.session.effects.items()
            },
            "presets": {
                name: load_yaml((PRESET_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")) for name in bundled_presets()
            },
            "editor": None
            if info is None or editor is None
            else {
                "name": self.engine.editor_name,
                "kind": editor.kind,
                "attributes": list(info.attributes.names),
                "exclusive": [list(group) for group in info.attributes.groups],
                "label_input": info.label_input,
                "licence": info.licence,
            },
        }

    @contextmanager
    def _error_as_line(self, language: str) -> Iterator[None]:
        words = load_words(language if language in LANGUAGES else "en")
        try:
            yield
        except Exception as error:
            if not isinstance(error, LianpuError):
                log.error("a call failed", exc_info=error)
            raise gr.Error(error_line(error, words, self.visitor_files.root), print_exception=False) from None

    @contextmanager
    def _upload(self, photo: Any, request: gr.Request) -> Iterator[Path]:
        """The uploaded file; it is removed after the block."""
        file = self.visitor_files.claim(path_of(photo), visitor_id(request))
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)


def requested_preset(value: Any, strength: float = 1.0) -> Preset:
    """A preset from a name, YAML, or values; never from a path, and without files of the server. Raises SettingsError."""
    if isinstance(value, str) and value in bundled_presets():
        preset = find_preset(value)
    elif isinstance(value, str) and "steps" not in value:
        raise SettingsError(
            "'{name}' is no preset. Known: {known}; or give its YAML.",
            key="api.preset",
            name=value[:60],
            known=", ".join(bundled_presets()),
        )
    else:
        preset = parse_preset(value if isinstance(value, str) else _as_yaml(value), "preset")
        refuse_server_files(preset)
    return preset if strength == 1.0 else scale_preset(preset, strength)


def refuse_server_files(preset: Preset) -> None:
    """Raise if a step names a picture file: a path in a call would be a path of the server.

    Raises:
        SettingsError: naming the step.
    """
    for step in preset.steps:
        if not isinstance(step, EffectStep):
            continue
        for option in step.effect.options:
            if option.kind == "picture" and str(step.options.get(option.name, option.default)) != str(option.default):
                raise SettingsError(
                    "{effect}: the option {option} is a file, and files are not named here but uploaded.",
                    key="api.file_option",
                    effect=step.effect.name,
                    option=option.name,
                )


def path_of(photo: Any) -> str:
    """The path of an upload, given as FileData or as its dict. Raises SettingsError for anything else."""
    path = photo.get("path") if isinstance(photo, Mapping) else getattr(photo, "path", None)
    if not isinstance(path, str) or not path:
        raise SettingsError("A photo is given as handle_file('anna.jpg').", key="api.photo")
    return path


def _as_yaml(value: Any) -> str:
    named = {"name": "call", **value} if isinstance(value, Mapping) else {"name": "call", "steps": value}
    try:
        return dump_yaml(named)
    except ValueError as problem:
        raise SettingsError(
            "{source} is no YAML ({reason}). Fix it.", key="preset.no_yaml", source="preset", reason=problem
        ) from None


def read_known(known: Any) -> dict[str, bool]:
    """The argument `known` of a call as values by attribute. Raises SettingsError for anything but a dict of booleans."""
    if known is None:
        return {}
    if not isinstance(known, Mapping) or not all(isinstance(value, bool) for value in known.values()):
        raise SettingsError("known is written as {{'Male': false}}, got {value!r}.", key="api.known", value=known)
    return {str(name): value for name, value in known.items()}
