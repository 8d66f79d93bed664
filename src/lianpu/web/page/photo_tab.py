"""The tab for one photo: dropped, its faces shown, one of them picked, the edit compared, and downloaded."""

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
from lianpu.web.language import Words, error_line, load_words, page_error
from lianpu.web.page.controls import Controls, Labels, Wishes, picture_options, says
from lianpu.web.page.controls_column import QUIETLY
from lianpu.web.page.faces import chosen_words, every_face, face_at, face_choices, toggled, with_numbers
from lianpu.web.page.look import UPLOAD_FIRST_PX, UPLOAD_NEXT_PX, refused_line
from lianpu.web.photos import (
    FORMATS,
    OpenUpload,
    PageEngine,
    check_photo,
    export_edit,
    open_upload,
    preview_edit,
    reload_pixels,
    shown_file,
)
from lianpu.web.server.visits import Visits
from lianpu.web.toolkit import gr

ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "engine", "concurrency_limit": 1, "api_visibility": "private"}
"""Events that edit wait for one another: two at once are no faster, and take twice the memory."""

_DOWNLOAD = """(file) => {
  if (!file?.url) return;
  const link = document.createElement("a");
  Object.assign(link, { href: file.url, download: file.orig_name ?? "" });
  document.body.append(link);
  link.click();
  link.remove();
}"""
"""The file itself is clicked, not the button that shows it: that one has its new address a moment later."""


@dataclass(frozen=True, eq=False)
class PhotoTab:
    """The components of the tab that events need."""

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
    """The components, made where Gradio stands."""
    state = gr.State(None, time_to_live=keep_s)
    upload = labels.made(
        gr.File,
        says(label="photo.file"),
        type="filepath",
        file_count="single",
        height=UPLOAD_FIRST_PX,
        elem_id="upload",
        show_label=False,
    )
    refused = gr.Textbox("", show_label=False, container=False, elem_id="refused", elem_classes="unseen")
    status = gr.HTML(line(labels.words.say("status.start")), elem_id="status")
    with gr.Column(visible=False, elem_id="result") as result:
        comparison = labels.made(
            gr.ImageSlider,
            says(label="photo.compare"),
            type="filepath",
            interactive=False,
            max_height=560,
            buttons=["fullscreen"],
            elem_id="comparison",
        )
        with gr.Row(elem_id="below"):
            picture = labels.made(
                gr.Image,
                says(label="photo.found"),
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
                faces = labels.made(
                    gr.CheckboxGroup,
                    says(label="photo.faces", info="photo.faces_hint"),
                    choices=[],
                    value=[],
                    visible=False,
                    show_select_all=True,
                    elem_id="faces",
                )
                form = labels.made(gr.Dropdown, _forms, value="same", elem_id="format")
                button = labels.made(gr.Button, says(value="photo.download"), variant="primary", elem_id="download")
        file = labels.made(gr.DownloadButton, says(label="photo.download"), elem_id="download-file", elem_classes="unseen")
    return PhotoTab(upload, state, result, picture, faces, comparison, found, status, form, button, file, refused)


def bind_photo_tab(tab: PhotoTab, events: PhotoEvents, language: Any, recipe: Any) -> None:
    """Let the components do what they are for."""
    inputs = [tab.state, language, tab.faces, *events.controls.components]
    shown = [tab.comparison, recipe, tab.status]
    tab.upload.upload(
        events.opened,
        [tab.upload, language, *events.controls.components],
        [tab.upload, tab.state, tab.result, tab.picture, tab.faces, tab.found, *shown],
        **ONE_AT_A_TIME,
    )
    moved = [tab.faces.input, *(component.change for component in events.controls.components)]
    gr.on(moved, events.edited, inputs, shown, trigger_mode="always_last", show_progress="minimal", **ONE_AT_A_TIME)
    tab.refused.change(events.refused, [tab.refused, language], tab.status, **QUIETLY)
    tab.faces.input(events.marked, [tab.state, tab.faces], tab.picture, **QUIETLY)
    tab.picture.select(events.picked, [tab.state, tab.faces], [tab.faces, tab.picture], **QUIETLY).success(
        events.edited, inputs, shown, show_progress="minimal", **ONE_AT_A_TIME
    )
    tab.button.click(
        events.downloaded,
        [tab.state, language, tab.faces, tab.form, *events.controls.components],
        [tab.file, tab.status],
        **ONE_AT_A_TIME,
    ).success(None, tab.file, None, js=_DOWNLOAD, api_visibility="private")


def _forms(words: Words) -> dict[str, Any]:
    names = [(words.say("photo.format_same") if name == "same" else name.upper(), name) for name in FORMATS]
    return {"label": words.say("photo.format"), "choices": names}


log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Opened:
    """What a visit remembers of its photo: the photo, and the file of it as it is shown."""

    photo: OpenUpload
    before: Path


@dataclass(frozen=True, eq=False)
class PhotoEvents:
    """The events of one page.

    Args:
        engine: what edits.
        visits: whose files are whose.
        controls: tells what the widgets' values mean.
    """

    engine: PageEngine
    visits: Visits
    controls: Controls

    def opened(self, upload: str | None, code: str, request: gr.Request, *values: Any) -> list[Any]:
        """After a file was dropped: upload, state, result, faces picture, choice of faces, line on the photo, comparison, recipe, status.

        The photo comes with what the widgets ask for already: a second event after this one would take a problem's line away.
        """
        words = load_words(code)
        try:
            if not upload:
                raise page_error("no_photo")
            file = self.visits.take(upload, visitor(request), "photo", keep=2)
            photo = open_upload(self.engine, file, file.name)
            folder = self.visits.new_folder(visitor(request), "before", keep=2)
            before = shown_file(photo.preview.picture, folder, "before")
            numbers = shown_file(with_numbers(photo.preview.picture, photo.faces), folder, "faces")
        except Exception as problem:
            return [None, *[gr.skip()] * 7, self.problem(problem, words)]
        opened = Opened(photo, before)
        return [
            gr.File(value=None, height=UPLOAD_NEXT_PX),
            opened,
            gr.Column(visible=True),
            str(numbers),
            gr.CheckboxGroup(choices=face_choices(photo, words), value=every_face(photo), visible=len(photo.subjects) > 1),
            line(found_line(photo, words)),
            *self.edited(opened, code, every_face(photo), request, *values, first=True),
        ]

    def edited(
        self, opened: Opened | None, code: str, picked: list[str], request: gr.Request, *values: Any, first: bool = False
    ) -> list[Any]:
        """After a widget moved: comparison, recipe, status. What cannot be done leaves the comparison as it is, or `first` shows the photo."""
        words = load_words(code)
        started = time.perf_counter()
        try:
            wishes = self.wishes(values, request)
            preset = wishes.preset()
            recipe = dump_preset(without_paths(preset)) if preset.steps else ""
            if opened is None:
                return [gr.skip(), recipe, line(words.say("status.start"))]
            if not preset.steps:
                return [(str(opened.before), str(opened.before)), recipe, line(words.say("status.unchanged"))]
            which = chosen_words(picked, opened.photo)
            picture = preview_edit(self.engine, opened.photo, preset, which, wishes.known)
            after = shown_file(picture, self.visits.new_folder(visitor(request), "after", keep=4), "after")
            if not opened.before.is_file():
                raise page_error("forgotten")
        except Exception as problem:
            same = (str(opened.before), str(opened.before)) if first and opened is not None else gr.skip()
            return [same, gr.skip(), self.problem(problem, words)]
        key = "status.smaller" if opened.photo.is_shown_smaller else "status.shown"
        seconds = f"{time.perf_counter() - started:.2f}"
        said = words.say(key, seconds=seconds, width=picture.shape[1], height=picture.shape[0])
        return [(str(opened.before), str(after)), recipe, line(said)]

    def downloaded(
        self, opened: Opened | None, code: str, picked: list[str], form: str, request: gr.Request, *values: Any
    ) -> list[Any]:
        """After the download was asked for: the file, status."""
        words = load_words(code)
        try:
            if opened is None:
                raise page_error("no_photo")
            which, wishes = chosen_words(picked, opened.photo), self.wishes(values, request)
            folder = self.visits.new_folder(visitor(request), "download", keep=3)
            file = export_edit(self.engine, reload_pixels(opened.photo), wishes.preset(), which, wishes.known, folder, form)
        except Exception as problem:
            return [None, self.problem(problem, words)]
        return [str(file), line(words.say("status.ready", name=file.name, size=f"{file.stat().st_size / 1e6:.1f}"))]

    def wishes(self, values: Sequence[Any], request: gr.Request) -> Wishes:
        """What the widgets say; a picture that is an effect's option is held to the limits of photos, and goes with the visitor."""
        wishes = self.controls.wishes(values)
        for effect, option in picture_options():
            path = wishes.options.get(effect, {}).get(option)
            if path:
                file = self.visits.lend(str(path), visitor(request))
                check_photo(file, file.name, self.engine.limits)
        return wishes

    def picked(self, opened: Opened | None, picked: list[str], event: gr.SelectData, request: gr.Request) -> list[Any]:
        """After a click into the picture of faces: the choice of faces, the picture."""
        if opened is None or len(opened.photo.subjects) < 2:
            return [gr.skip(), gr.skip()]
        number = face_at(opened.photo.preview.picture, opened.photo.faces, *event.index)
        if number is None:
            return [gr.skip(), gr.skip()]
        now = toggled(picked, number, len(opened.photo.subjects))
        return [now, self.marked(opened, now, request)]

    def marked(self, opened: Opened | None, picked: list[str], request: gr.Request) -> Any:
        """After the choice of faces changed: the picture of faces, where the others are grey."""
        if opened is None:
            return gr.skip()
        numbered = with_numbers(opened.photo.preview.picture, opened.photo.faces, {int(number) for number in picked})
        return str(shown_file(numbered, self.visits.new_folder(visitor(request), "faces", keep=4), "faces"))

    def refused(self, told: str, code: str) -> Any:
        """After the browser refused a file: status."""
        said = refused_line(told, self.engine.limits, load_words(code))
        return line(said, "problem") if said else gr.skip()

    def renamed(self, opened: Opened | None, code: str) -> list[Any]:
        """In another language: the choice of faces, the line on the photo, status."""
        words = load_words(code)
        if opened is None:
            return [gr.skip(), "", line(words.say("status.start"))]
        choices = gr.CheckboxGroup(choices=face_choices(opened.photo, words))
        return [choices, line(found_line(opened.photo, words)), ""]

    def problem(self, problem: Exception, words: Words) -> str:
        """A problem as the page shows it. A defect of ours is logged with its traceback, which the visitor is spared."""
        if not isinstance(problem, LianpuError):
            log.error("the page could not answer", exc_info=problem)
        return line(error_line(problem, words, self.visits.root), "problem")


def visitor(request: gr.Request) -> str:
    """Whose request it is: the session's name, as the browser or the client chose it."""
    return str(request.session_hash or "")


def found_line(photo: OpenUpload, words: Words) -> str:
    """What was found in a photo."""
    count = len(photo.subjects)
    width, height = photo.size
    return words.say(
        "status.found_one" if count == 1 else "status.found_many", name=photo.name, width=width, height=height, count=count
    )


def line(text: str, kind: str = "said") -> str:
    """One line of text as HTML; what stands in it is text, whatever a file is called."""
    return f'<p class="{kind}" role="status">{html.escape(text)}</p>'


def without_paths(preset: Preset) -> Preset:
    """A preset without the files that its steps name: those are the server's."""
    return replace(preset, steps=tuple(_without_paths(step) for step in preset.steps))


def _without_paths(step: Any) -> Any:
    if not isinstance(step, EffectStep):
        return step
    files = {option.name for option in step.effect.options if option.kind == "picture"}
    return replace(step, options={name: value for name, value in step.options.items() if name not in files})
