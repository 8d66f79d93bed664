"""The tab for one photo: upload, choice of faces, comparison before and after, download."""

from __future__ import annotations

import html
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lianpu.editing.presets import EffectStep, Preset, dump_preset
from lianpu.errors import LianpuError
from lianpu.faces.analyzer import choose
from lianpu.faces.detection import second_look
from lianpu.faces.face_check import left_out_note
from lianpu.web.language import Words, error_line, load_words, page_error, translated
from lianpu.web.page.controls import Controls, Labels, RequestedEdit, picture_options, texts
from lianpu.web.page.controls_column import QUIETLY
from lianpu.web.page.faces import every_face, face_at, face_choices, faces_option, toggled, with_numbers
from lianpu.web.page.theme import UPLOAD_FIRST_PX, UPLOAD_NEXT_PX, refused_line
from lianpu.web.photos import (
    DOWNLOAD_FORMATS,
    OpenUpload,
    PageEngine,
    check_photo,
    export_edit,
    open_upload,
    preview_edit,
    reload_pixels,
    write_preview,
)
from lianpu.web.server.visitor_files import VisitorFiles, visitor_id
from lianpu.web.toolkit import gr

ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "engine", "concurrency_limit": 1, "api_visibility": "private"}
"""Settings of events that edit: one at a time, since two at once are no faster and need twice the memory."""

_DOWNLOAD = """(file) => {
  if (!file?.url) return;
  const link = document.createElement("a");
  Object.assign(link, { href: file.url, download: file.orig_name ?? "" });
  document.body.append(link);
  link.click();
  link.remove();
}"""
"""Downloads the file by its own link: the button has its new address a moment later."""


@dataclass(frozen=True, eq=False)
class PhotoTab:
    """The components of the tab that events read or change."""

    upload: Any
    state: Any
    result: Any
    picture: Any
    faces: Any
    comparison: Any
    found: Any
    status: Any
    form: Any
    button: Any
    file: Any
    refused: Any


def photo_tab(labels: Labels, keep_s: float) -> PhotoTab:
    """Make the tab in the current Gradio context."""
    state = gr.State(None, time_to_live=keep_s)
    upload = labels.add(
        gr.File,
        texts(label="photo.file"),
        type="filepath",
        file_count="single",
        height=UPLOAD_FIRST_PX,
        elem_id="upload",
        show_label=False,
    )
    refused = gr.Textbox("", show_label=False, container=False, elem_id="refused", elem_classes="unseen")
    status = gr.HTML(status_line(labels.words.line("status.start")), elem_id="status")
    with gr.Column(visible=False, elem_id="result") as result:
        comparison = labels.add(
            gr.ImageSlider,
            texts(label="photo.compare"),
            type="filepath",
            interactive=False,
            max_height=560,
            buttons=["fullscreen"],
            elem_id="comparison",
        )
        with gr.Row(elem_id="below"):
            picture = labels.add(
                gr.Image,
                texts(label="photo.found"),
                type="filepath",
                interactive=False,
                height=210,
                buttons=[],
                show_label=False,  # it would lie over the numbers of faces in that corner
                elem_id="faces-picture",
                min_width=200,
            )
            with gr.Column(min_width=220):
                found = gr.HTML("", elem_id="found")
                faces = labels.add(
                    gr.CheckboxGroup,
                    texts(label="photo.faces", info="photo.faces_hint"),
                    choices=[],
                    value=[],
                    visible=False,
                    show_select_all=True,
                    elem_id="faces",
                )
                form = labels.add(gr.Dropdown, _forms, value="same", elem_id="format")
                button = labels.add(gr.Button, texts(value="photo.download"), variant="primary", elem_id="download")
        file = labels.add(gr.DownloadButton, texts(label="photo.download"), elem_id="download-file", elem_classes="unseen")
    return PhotoTab(upload, state, result, picture, faces, comparison, found, status, form, button, file, refused)


def bind_photo_tab(tab: PhotoTab, events: PhotoEvents, language: Any, preset_yaml: Any) -> None:
    """Connect the events of the tab."""
    inputs = [tab.state, language, tab.faces, *events.controls.components]
    outputs = [tab.comparison, preset_yaml, tab.status]
    tab.upload.upload(
        events.on_upload,
        [tab.upload, language, *events.controls.components],
        [tab.upload, tab.state, tab.result, tab.picture, tab.faces, tab.found, *outputs],
        **ONE_AT_A_TIME,
    )
    moved = [tab.faces.input, *(component.change for component in events.controls.components)]
    gr.on(moved, events.on_change, inputs, outputs, trigger_mode="always_last", show_progress="minimal", **ONE_AT_A_TIME)
    tab.refused.change(events.on_refused_file, [tab.refused, language], tab.status, **QUIETLY)
    tab.faces.input(events.on_face_choice, [tab.state, tab.faces], tab.picture, **QUIETLY)
    tab.picture.select(events.on_face_click, [tab.state, tab.faces], [tab.faces, tab.picture], **QUIETLY).success(
        events.on_change, inputs, outputs, show_progress="minimal", **ONE_AT_A_TIME
    )
    tab.button.click(
        events.on_download,
        [tab.state, language, tab.faces, tab.form, *events.controls.components],
        [tab.file, tab.status],
        **ONE_AT_A_TIME,
    ).success(None, tab.file, None, js=_DOWNLOAD, api_visibility="private")


def _forms(words: Words) -> dict[str, Any]:
    names = [(words.line("photo.format_same") if name == "same" else name.upper(), name) for name in DOWNLOAD_FORMATS]
    return {"label": words.line("photo.format"), "choices": names}


log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class OpenPhoto:
    """The state of a visitor: the photo, and the file of its unedited preview."""

    photo: OpenUpload
    before: Path


@dataclass(frozen=True, eq=False)
class PhotoEvents:
    """The events of one page.

    Args:
        engine: analyzes and edits the photos.
        visitor_files: the files of visitors.
        controls: reads the widgets' values.
    """

    engine: PageEngine
    visitor_files: VisitorFiles
    controls: Controls

    def on_upload(self, upload: str | None, code: str, request: gr.Request, *values: Any) -> list[Any]:
        """A new upload: values of upload, state, result, faces picture, choice of faces, photo line, comparison, preset text, status.

        It applies the requested edit at once: a second event after this one would overwrite the line of an error.
        """
        words = load_words(code)
        try:
            if not upload:
                raise page_error("no_photo")
            file = self.visitor_files.claim(upload, visitor_id(request), "photo", keep=2)
            photo = open_upload(self.engine, file, file.name)
            folder = self.visitor_files.new_folder(visitor_id(request), "before", keep=2)
            before = write_preview(photo.preview.picture, folder, "before")
            numbers = write_preview(with_numbers(photo.preview.picture, photo.faces), folder, "faces")
        except Exception as error:
            return [None, *[gr.skip()] * 7, self.error(error, words)]
        opened = OpenPhoto(photo, before)
        return [
            gr.File(value=None, height=UPLOAD_NEXT_PX),
            opened,
            gr.Column(visible=True),
            str(numbers),
            gr.CheckboxGroup(choices=face_choices(photo, words), value=every_face(photo), visible=len(photo.subjects) > 1),
            status_line(found_line(photo, words)),
            *self.on_change(opened, code, every_face(photo), request, *values, first=True),
        ]

    def on_change(
        self, opened: OpenPhoto | None, code: str, picked: list[str], request: gr.Request, *values: Any, first: bool = False
    ) -> list[Any]:
        """A changed widget: comparison, preset text, status. An error keeps the comparison, or shows the unedited photo if `first`."""
        words = load_words(code)
        started = time.perf_counter()
        try:
            edit = self.requested_edit(values, request)
            preset = edit.preset()
            preset_yaml = dump_preset(without_paths(preset)) if preset.steps else ""
            if opened is None:
                return [gr.skip(), preset_yaml, status_line(words.line("status.start"))]
            if not preset.steps:
                return [(str(opened.before), str(opened.before)), preset_yaml, status_line(words.line("status.unchanged"))]
            which = faces_option(picked, opened.photo)
            picture = preview_edit(self.engine, opened.photo, preset, which, edit.known)
            after = write_preview(picture, self.visitor_files.new_folder(visitor_id(request), "after", keep=4), "after")
            if not opened.before.is_file():
                raise page_error("forgotten")
        except Exception as error:
            same = (str(opened.before), str(opened.before)) if first and opened is not None else gr.skip()
            return [same, gr.skip(), self.error(error, words)]
        key = "status.smaller" if opened.photo.is_shown_smaller else "status.shown"
        seconds = f"{time.perf_counter() - started:.2f}"
        text = words.line(key, seconds=seconds, width=picture.shape[1], height=picture.shape[0])
        left = self.engine.session.left_as_they_are(choose(opened.photo.subjects, which), preset).words
        if left is not None:
            text = f"{text} {words.line('status.left_out', what=translated(left, words))}"
        return [(str(opened.before), str(after)), preset_yaml, status_line(text)]

    def on_download(
        self, opened: OpenPhoto | None, code: str, picked: list[str], file_format: str, request: gr.Request, *values: Any
    ) -> list[Any]:
        """The download button: file, status."""
        words = load_words(code)
        try:
            if opened is None:
                raise page_error("no_photo")
            which, edit = faces_option(picked, opened.photo), self.requested_edit(values, request)
            folder = self.visitor_files.new_folder(visitor_id(request), "download", keep=3)
            file = export_edit(self.engine, reload_pixels(opened.photo), edit.preset(), which, edit.known, folder, file_format)
        except Exception as error:
            return [None, self.error(error, words)]
        return [str(file), status_line(words.line("status.ready", name=file.name, size=f"{file.stat().st_size / 1e6:.1f}"))]

    def requested_edit(self, values: Sequence[Any], request: gr.Request) -> RequestedEdit:
        """The edit that the widgets request; uploaded pictures among its options must be within the limits for photos."""
        edit = self.controls.requested_edit(values)
        for effect, option in picture_options():
            path = edit.options.get(effect, {}).get(option)
            if path:
                file = self.visitor_files.register(str(path), visitor_id(request))
                check_photo(file, file.name, self.engine.limits)
        return edit

    def on_face_click(self, opened: OpenPhoto | None, picked: list[str], event: gr.SelectData, request: gr.Request) -> list[Any]:
        """A click into the faces picture: choice of faces, faces picture."""
        if opened is None or len(opened.photo.subjects) < 2:
            return [gr.skip(), gr.skip()]
        number = face_at(opened.photo.preview.picture, opened.photo.faces, *event.index)
        if number is None:
            return [gr.skip(), gr.skip()]
        now = toggled(picked, number, len(opened.photo.subjects))
        return [now, self.on_face_choice(opened, now, request)]

    def on_face_choice(self, opened: OpenPhoto | None, picked: list[str], request: gr.Request) -> Any:
        """A changed choice of faces: the faces picture, with the others in grey."""
        if opened is None:
            return gr.skip()
        numbered = with_numbers(opened.photo.preview.picture, opened.photo.faces, {int(number) for number in picked})
        return str(write_preview(numbered, self.visitor_files.new_folder(visitor_id(request), "faces", keep=4), "faces"))

    def on_refused_file(self, report: str, code: str) -> Any:
        """A file that the browser refused to send: status."""
        text = refused_line(report, self.engine.limits, load_words(code))
        return status_line(text, "problem") if text else gr.skip()

    def on_language(self, opened: OpenPhoto | None, code: str) -> list[Any]:
        """Another language: choice of faces, photo line, status."""
        words = load_words(code)
        if opened is None:
            return [gr.skip(), "", status_line(words.line("status.start"))]
        choices = gr.CheckboxGroup(choices=face_choices(opened.photo, words))
        return [choices, status_line(found_line(opened.photo, words)), ""]

    def error(self, error: Exception, words: Words) -> str:
        """The status line of an error. A bug of ours is logged with its traceback; the visitor sees no details."""
        if not isinstance(error, LianpuError):
            log.error("an event of the page failed", exc_info=error)
        return status_line(error_line(error, words, self.visitor_files.root), "problem")


def found_line(photo: OpenUpload, words: Words) -> str:
    """The line on a photo: its name, size and number of faces, and how they were found if not at first."""
    count = len(photo.subjects)
    width, height = photo.size
    line = words.line(
        "status.found_one" if count == 1 else "status.found_many", name=photo.name, width=width, height=height, count=count
    )
    for note in (second_look(photo.faces), left_out_note(photo.left_out)):
        if note is not None:
            line = f"{line} {words.line('status.looked_again', how=translated(note, words))}"
    return line


def status_line(text: str, kind: str = "note") -> str:
    """A status line as HTML; the text is escaped, since file names appear in it."""
    return f'<p class="{kind}" role="status">{html.escape(text)}</p>'


def without_paths(preset: Preset) -> Preset:
    """A preset without options that are files: their paths are the server's."""
    return replace(preset, steps=tuple(_without_paths(step) for step in preset.steps))


def _without_paths(step: Any) -> Any:
    if not isinstance(step, EffectStep):
        return step
    files = {option.name for option in step.effect.options if option.kind == "picture"}
    return replace(step, options={name: value for name, value in step.options.items() if name not in files})
