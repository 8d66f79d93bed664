"""The tab for several photos: upload, edit with the current controls, download as a zip."""

from __future__ import annotations

import time
from typing import Any

from lianpu.web.language import Words, load_words
from lianpu.web.page.controls import Labels, texts
from lianpu.web.page.photo_tab import ONE_AT_A_TIME, PhotoEvents, status_line
from lianpu.web.photos import edit_batch
from lianpu.web.server.visitor_files import visitor_id
from lianpu.web.toolkit import gr


def batch_tab(labels: Labels) -> dict[str, Any]:
    """Make the tab in the current Gradio context; its components by name."""
    labels.add(gr.Markdown, texts(value="batch.intro"))
    uploads = labels.add(
        gr.File,
        texts(label="photo.file"),
        type="filepath",
        file_count="multiple",
        height=150,
        elem_id="batch-upload",
        show_label=False,
    )
    which = labels.add(gr.Radio, _which, value="all", elem_id="batch-faces")
    button = labels.add(gr.Button, texts(value="batch.start"), variant="primary", elem_id="batch-start")
    status = gr.HTML("", elem_id="batch-status")
    packed = labels.add(gr.File, texts(label="batch.zip"), interactive=False, height=90, elem_id="batch-zip")
    table = labels.add(
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
    """Connect the button."""
    tab["button"].click(
        events.on_start,
        [tab["uploads"], language, tab["which"], *events.controls.components],
        [tab["uploads"], tab["packed"], tab["table"], tab["status"]],
        show_progress_on=tab["packed"],
        **ONE_AT_A_TIME,
    )


def _which(words: Words) -> dict[str, Any]:
    return {
        "label": words.line("batch.faces"),
        "choices": [(words.line("photo.every_face"), "all"), (words.line("batch.largest"), "largest")],
    }


def _headers(words: Words) -> dict[str, Any]:
    return {"headers": [words.line(f"batch.column_{name}") for name in ("photo", "faces", "result")]}


class BatchEvents:
    """The event of the tab for several photos."""

    def __init__(self, photo_events: PhotoEvents) -> None:
        self.engine, self.visitor_files, self.controls = photo_events.engine, photo_events.visitor_files, photo_events.controls
        self._error, self._requested_edit = photo_events.error, photo_events.requested_edit

    def on_start(
        self,
        uploads: list[str] | None,
        code: str,
        which: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio looks for it there)
        *values: Any,
    ) -> list[Any]:
        """The button: new values of uploads (emptied), zip, table and status."""
        words = load_words(code)
        begun = time.perf_counter()
        try:
            edit = self._requested_edit(values, request)

            def on_photo(number: int, total: int) -> None:
                progress((number - 1, total), desc=words.line("batch.reading", number=number, total=total))

            packed, rows = edit_batch(
                self.engine,
                self.visitor_files,
                visitor_id(request),
                uploads or [],
                edit.preset(),
                which,
                edit.known,
                words,
                on_photo,
            )
        except Exception as error:
            return [gr.skip(), None, gr.skip(), self._error(error, words)]
        table = gr.Dataframe(value=[list(row) for row in rows], visible=True)
        if packed is None:
            return [None, None, table, status_line(words.line("problems.none_edited", count=len(rows)), "problem")]
        done = sum(result == words.line("batch.done") for _, _, result in rows)
        seconds = f"{time.perf_counter() - begun:.1f}"
        return [None, str(packed), table, status_line(words.line("batch.summary", done=done, total=len(rows), seconds=seconds))]
