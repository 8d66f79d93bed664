"""The tab for one photo: dropped, its faces shown, one of them picked, the edit compared, and downloaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lianpu.web.controls_column import QUIETLY
from lianpu.web.desk import FORMATS
from lianpu.web.labels import Labels, says
from lianpu.web.language import Words
from lianpu.web.look import UPLOAD_FIRST_PX
from lianpu.web.photo_events import PhotoEvents, line
from lianpu.web.toolkit import gr

ONE_AT_A_TIME: dict[str, Any] = {"concurrency_id": "desk", "concurrency_limit": 1, "api_visibility": "private"}
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
