"""A folder of photos edited into another: what was done is written down, so that a stopped job goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.effects.folder_workers import edit_all
from lianpu.effects.photo_job import Edited, EditRequest, open_workbench
from lianpu.errors import DataError, SettingsError
from lianpu.files import append_text, read_json_lines
from lianpu.image import PICTURE_ENDINGS
from lianpu.photo_file import PHOTO_ENDINGS

JOURNAL = "edited-photos.jsonl"
"""In the folder that is written to: a line per photo that was done, with the request that it was done for."""


@dataclass(frozen=True)
class Task:
    """A photo that is to be edited, and the file that shall hold the result."""

    source: Path
    target: Path


def edit_folder(
    source: Path,
    target: Path,
    request: EditRequest,
    *,
    jobs: int = 1,
    force: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Edited]:
    """Every photo that lies directly in `source`, edited into `target`: what came of each, in the order of their names.

    What was done before for the same request, of a photo that has not changed since, is not done again. A photo that cannot be edited does
    not stop the others.

    Args:
        source: a folder with photos.
        target: another folder, made when it is missing.
        request: what is asked.
        jobs: how many processes work; 1 works in this one.
        force: write over files that are there.
        on_progress: called with (done, all).

    Raises:
        SettingsError: something is wrong with the request, or with `jobs`.
        DataError: the folder has no photo.
    """
    if jobs < 1:
        raise SettingsError(f"--jobs {jobs}: at least one process works. Give 1 or more.")
    if target.exists() and source.samefile(target):
        raise SettingsError(f"{target} is the folder of the photos themselves. Give another folder for the results.")
    tasks = tasks_of(source, target)
    bench = open_workbench(request)  # what is wrong with the request is said before any process starts
    done = _done_before(target / JOURNAL, bench.fingerprint, tasks)
    left = [task for task in tasks if task.source not in done]
    count = len(done)
    if on_progress is not None:
        on_progress(count, len(tasks))
    for edited in edit_all(left, request, bench, jobs, force):
        done[edited.source] = edited
        if edited.state != "failed":
            append_text(target / JOURNAL, _line(edited, bench.fingerprint))
        count += 1
        if on_progress is not None:
            on_progress(count, len(tasks))
    return [done[task.source] for task in tasks]


def tasks_of(source: Path, target: Path) -> list[Task]:
    """The photos of a folder by name, each with its file in `target`: of the same name, but that what cannot be written gets another ending.

    Raises:
        DataError: there is no photo.
    """
    photos = sorted(file for file in source.iterdir() if file.suffix.lower() in PHOTO_ENDINGS and file.name[0] != ".")
    if not photos:
        raise DataError(f"{source} has no photos ({', '.join(PHOTO_ENDINGS)}). Give another folder.")
    names = {photo.name for photo in photos}
    tasks = []
    for photo in photos:
        name = photo.name
        if photo.suffix.lower() not in PICTURE_ENDINGS:
            name = photo.stem + (".png" if photo.suffix.lower() == ".gif" else ".jpg")
            if name in names:
                name = photo.name + Path(name).suffix
            names.add(name)
        tasks.append(Task(photo, target / name))
    return tasks


def _done_before(journal: Path, fingerprint: str, tasks: Sequence[Task]) -> dict[Path, Edited]:
    """What the journal says of photos that are as they were, for this very request, and whose results are there."""
    if not journal.is_file():
        return {}
    lines = {line["photo"]: line for line in _lines(journal) if line.get("request") == fingerprint}
    done = {}
    for task in tasks:
        line = lines.get(task.source.name)
        if line is None or line["stamp"] != _stamp(task.source) or (line["target"] is not None and not task.target.is_file()):
            continue
        was = "done before" if line["target"] is not None else "looked at before"
        target = task.target if line["target"] is not None else None
        done[task.source] = Edited(task.source, target, line["state"], was, line["found"], line["edited"], line["changed"])
    return done


def _lines(journal: Path) -> Iterator[dict]:
    for line in read_json_lines(journal, DataError):
        if isinstance(line, dict) and {"photo", "stamp", "request", "target", "state", "found", "edited", "changed"} <= set(line):
            yield line


def _line(edited: Edited, fingerprint: str) -> str:
    line = {
        "photo": edited.source.name,
        "stamp": _stamp(edited.source),
        "request": fingerprint,
        "target": None if edited.target is None else edited.target.name,
        "state": edited.state,
        "found": edited.found,
        "edited": edited.edited,
        "changed": round(edited.changed, 5),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def _stamp(file: Path) -> list[int]:
    """Size and time of change: when either differs the photo is another."""
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
