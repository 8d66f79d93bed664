"""The tab for several photos: dropped, edited as the controls say, and given back as a zip."""

from __future__ import annotations

from typing import Any

from lianpu.web.batch_events import BatchEvents
from lianpu.web.labels import Labels, says
from lianpu.web.language import Words
from lianpu.web.photo_tab import ONE_AT_A_TIME
from lianpu.web.toolkit import gr


def batch_tab(labels: Labels) -> dict[str, Any]:
    """The components by name, made where Gradio stands."""
    labels.made(gr.Markdown, says(value="batch.intro"))
    uploads = labels.made(
        gr.File,
        says(label="photo.file"),
        type="filepath",
        file_count="multiple",
        height=150,
        elem_id="batch-upload",
        show_label=False,
    )
    which = labels.made(gr.Radio, _which, value="all", elem_id="batch-faces")
    button = labels.made(gr.Button, says(value="batch.start"), variant="primary", elem_id="batch-start")
    status = gr.HTML("", elem_id="batch-status")
    packed = labels.made(gr.File, says(label="batch.zip"), interactive=False, height=90, elem_id="batch-zip")
    table = labels.made(
        gr.Dataframe,
        _headers,
        value=None,
        type="array",
        interactive=False,
        visible=False,
        wrap=True,
        column_widths=["30%", "14%", "56%"],
        elem_id="batch-table",
    )
    return {"uploads": uploads, "which": which, "button": button, "status": status, "packed": packed, "table": table}


def bind_batch_tab(tab: dict[str, Any], events: BatchEvents, language: Any) -> None:
    """Let the button do what it is for."""
    tab["button"].click(
        events.started,
        [tab["uploads"], language, tab["which"], *events.controls.components],
        [tab["uploads"], tab["packed"], tab["table"], tab["status"]],
        show_progress_on=tab["packed"],
        **ONE_AT_A_TIME,
    )


def _which(words: Words) -> dict[str, Any]:
    return {
        "label": words.say("batch.faces"),
        "choices": [(words.say("photo.every_face"), "all"), (words.say("batch.largest"), "largest")],
    }


def _headers(words: Words) -> dict[str, Any]:
    return {"headers": [words.say(f"batch.column_{name}") for name in ("photo", "faces", "result")]}
