"""The tab for several photos: dropped, edited as the controls say, and given back as a zip."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lianpu.editing.presets import Preset
from lianpu.errors import LianpuError
from lianpu.web.language import Words, error_line, load_words, page_error
from lianpu.web.page.controls import Labels, says
from lianpu.web.page.photo_tab import ONE_AT_A_TIME, PhotoEvents, line, visitor
from lianpu.web.photos import PageEngine, analyze_upload, export_edit
from lianpu.web.server.visits import Visits
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


Row = tuple[str, int, str]
"""A photo's name, how many faces were found in it, and what became of it."""


def edit_batch(
    engine: PageEngine,
    visits: Visits,
    whose: str,
    uploads: Sequence[str],
    preset: Preset,
    which: str,
    known: Mapping[str, bool],
    words: Words,
    on_photo: Callable[[int, int], None],
) -> tuple[Path | None, list[Row]]:
    """A zip with the edited photos (None when none could be edited), and a row for each photo.

    Args:
        engine: what edits.
        visits: where files go.
        whose: the visitor's session.
        uploads: the files as they arrived.
        preset: what to do with each.
        which: which faces of each: `all`, `largest`, `0,2`.
        known: labels of the faces, for an editor whose input is all labels.
        words: the language of the rows.
        on_photo: told the number of the photo, from 1, and how many there are, before each.

    Raises:
        PageError: no photo, too many, or nothing to do.
    """
    if not uploads:
        raise page_error("no_photos")
    if len(uploads) > engine.limits.max_photos:
        raise page_error("too_many_photos", count=len(uploads), limit=engine.limits.max_photos)
    if not preset.steps:
        raise page_error("nothing_to_do")
    files: list[Path] = []
    rows: list[Row] = []
    taken: dict[str, Path] = {}  # the same photo twice is one upload
    for number, upload in enumerate(uploads, start=1):
        on_photo(number, len(uploads))
        name, faces = Path(upload).name, 0
        try:
            file = taken[upload] = taken.get(upload) or visits.take(upload, whose)
            photo = analyze_upload(engine, file, name)
            faces = len(photo.subjects)
            files.append(export_edit(engine, photo, preset, which, known, visits.new_folder(whose)))
            rows.append((name, faces, words.say("batch.done")))
        except LianpuError as problem:
            rows.append((name, faces, error_line(problem, words, visits.root)))
    for file in taken.values():
        file.unlink(missing_ok=True)
    return (_zipped(files, visits.new_folder(whose)) if files else None), rows


def _zipped(files: Sequence[Path], folder: Path) -> Path:
    """The files in one zip, each under a name of its own; pictures are packed already, so they are only put together."""
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


class BatchEvents:
    """The event of the tab for several photos."""

    def __init__(self, photo_events: PhotoEvents) -> None:
        self.engine, self.visits, self.controls = photo_events.engine, photo_events.visits, photo_events.controls
        self._problem, self._wishes = photo_events.problem, photo_events.wishes

    def started(
        self,
        uploads: list[str] | None,
        code: str,
        which: str,
        request: gr.Request,
        progress: gr.Progress = gr.Progress(),  # noqa: B008 (Gradio looks for it there)
        *values: Any,
    ) -> list[Any]:
        """After the button: uploads (emptied), the zip, the table, status."""
        words = load_words(code)
        begun = time.perf_counter()
        try:
            wishes = self._wishes(values, request)

            def on_photo(number: int, total: int) -> None:
                progress((number - 1, total), desc=words.say("batch.reading", number=number, total=total))

            packed, rows = edit_batch(
                self.engine, self.visits, visitor(request), uploads or [], wishes.preset(), which, wishes.known, words, on_photo
            )
        except Exception as problem:
            return [gr.skip(), None, gr.skip(), self._problem(problem, words)]
        table = gr.Dataframe(value=[list(row) for row in rows], visible=True)
        if packed is None:
            return [None, None, table, line(words.say("problems.none_edited", count=len(rows)), "problem")]
        done = sum(result == words.say("batch.done") for _, _, result in rows)
        seconds = f"{time.perf_counter() - begun:.1f}"
        return [None, str(packed), table, line(words.say("batch.summary", done=done, total=len(rows), seconds=seconds))]
