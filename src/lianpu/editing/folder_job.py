"""Edit a folder of photos into another; a journal lets a stopped job resume."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lianpu.editing.photo_job import Edited, edit_file, failed
from lianpu.editing.session import EditJob, EditRequest, open_job
from lianpu.errors import DataError, LianpuError, SettingsError
from lianpu.files import append_text, fitted_name, read_json_lines, remove_leftovers_of, write_text
from lianpu.photo.formats import FORMAT_WORDS, WRITTEN_ENDINGS, photos_below, photos_in, written_ending
from lianpu.workers import Tick, run_tasks, threads_each

JOURNAL = "edited-photos.jsonl"
"""In the target folder: a line when a photo is begun and one when it is done, with the fingerprint of the request."""

_BEGUN = "begun"


@dataclass(frozen=True)
class Task:
    """A photo to edit, the file to write, whether that may be overwritten, and the photo's path below the folder of photos."""

    source: Path
    target: Path
    force: bool = False
    name: str = ""


def edit_folder(
    source: Path,
    target: Path,
    request: EditRequest,
    *,
    jobs: int = 1,
    force: bool = False,
    recursive: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> list[Edited]:
    """Edit every photo that lies directly in `source` (or also below it) into `target`: the result of each, in the order of their names.

    Photos that an earlier job finished for the same request are skipped if they have not changed; those that it had only begun are edited
    again. A photo that cannot be edited does not stop the others.

    Args:
        source: a folder with photos.
        target: another folder, made when it is missing.
        request: what to do.
        jobs: number of processes; 1 works in this one.
        force: overwrite existing files.
        recursive: also the photos of the folders below, each into a folder of the same name.
        on_progress: called with (done, all).

    Raises:
        SettingsError: the request or `jobs` is wrong.
        DataError: the folder has no photo.
    """
    if jobs < 1:
        raise SettingsError(f"--jobs {jobs}: at least one process works. Give 1 or more.")
    if target.exists() and source.samefile(target):
        raise SettingsError(f"{target} is the folder of the photos themselves. Give another folder for the results.")
    tasks = tasks_of(source, target, recursive)
    job = open_job(request)  # report errors of the request before any process starts
    done = _done_before(target / JOURNAL, job.fingerprint, tasks)
    _cut_torn_line(target / JOURNAL)
    broken_off = _broken_off(target / JOURNAL)
    left = [replace(task, force=force or task.name in broken_off) for task in tasks if task.source not in done]
    for task in left:
        if task.name in broken_off:
            remove_leftovers_of(task.target)
    count = len(done)
    if on_progress is not None:
        on_progress(count, len(tasks))

    def on_begin(task: Task) -> None:
        if task.force or not task.target.exists():  # what lies there otherwise is not ours
            append_text(target / JOURNAL, _line(task, task.target, _BEGUN, job.fingerprint))

    names = {task.source: task for task in tasks}
    with closing(_edit_all(left, request, job, jobs, on_begin)) as results:
        for edited in results:
            done[edited.source] = edited
            append_text(target / JOURNAL, _line(names[edited.source], edited.target, edited.state, job.fingerprint, edited))
            count += 1
            if on_progress is not None:
                on_progress(count, len(tasks))
    return [done[task.source] for task in tasks]


def tasks_of(source: Path, target: Path, recursive: bool = False) -> list[Task]:
    """The photos of a folder (or also of the folders below it) by name, each with its target: of the same name, with another ending where the format is not written.

    Raises:
        DataError: there is no photo.
    """
    photos = photos_below(source, target) if recursive else photos_in(source)
    if not photos:
        deeper = (
            ""
            if recursive or not photos_below(source, target)
            else " There are some in folders below: --recursive edits them, too."
        )
        raise DataError(f"{source} has no photos ({FORMAT_WORDS}). Give another folder.{deeper}")
    taken = set(photos)
    tasks = []
    for photo in photos:
        name = photo.name
        if photo.suffix.lower() not in WRITTEN_ENDINGS:
            ending = written_ending(photo)
            name = fitted_name(photo.stem, ending)
            if photo.with_name(name) in taken:
                name = fitted_name(photo.name, ending)
            taken.add(photo.with_name(name))
        below = photo.relative_to(source)
        tasks.append(Task(photo, target / below.with_name(name), name=below.as_posix()))
    return tasks


def _done_before(journal: Path, fingerprint: str, tasks: Sequence[Task]) -> dict[Path, Edited]:
    """Results in the journal that still hold: same request, unchanged photo, existing target."""
    if not journal.is_file():
        return {}
    # the last line of each: another request may have replaced a result
    lines = {line["photo"]: line for line in _lines(journal) if line["state"] != "failed"}
    done = {}
    for task in tasks:
        line = lines.get(task.name)
        if line is None or line["state"] == _BEGUN or line["request"] != fingerprint or line["stamp"] != _stamp(task.source):
            continue
        if line["target"] is not None and not task.target.is_file():
            continue
        was = "done before" if line["target"] is not None else "looked at before"
        target = task.target if line["target"] is not None else None
        done[task.source] = Edited(task.source, target, line["state"], was, line["found"], line["edited"], line["changed"])
    return done


def _cut_torn_line(journal: Path) -> None:
    """Remove a last line that a crash has cut, so that the next one starts on its own."""
    if journal.is_file() and (text := journal.read_text(encoding="utf-8", errors="replace")) and not text.endswith("\n"):
        write_text(journal, text[: text.rfind("\n") + 1])


def _broken_off(journal: Path) -> set[str]:
    """The names of photos that were begun and not finished: their targets, if any, are ours to overwrite."""
    if not journal.is_file():
        return set()
    last = {line["photo"]: line["state"] for line in _lines(journal)}
    return {name for name, state in last.items() if state == _BEGUN}


def _lines(journal: Path) -> Iterator[dict]:
    for line in read_json_lines(journal, DataError):
        if isinstance(line, dict) and {"photo", "stamp", "request", "target", "state", "found", "edited", "changed"} <= set(line):
            yield line


def _line(task: Task, target: Path | None, state: str, fingerprint: str, edited: Edited | None = None) -> str:
    line = {
        "photo": task.name,
        "stamp": _stamp(task.source),
        "request": fingerprint,
        "target": None if target is None else target.name,
        "state": state,
        "found": 0 if edited is None else edited.found,
        "edited": 0 if edited is None else edited.edited,
        "changed": 0.0 if edited is None else round(edited.changed, 5),
    }
    return json.dumps(line, ensure_ascii=False) + "\n"


def _stamp(file: Path) -> list[int]:
    """Size and modification time, which tell whether a photo has changed. Empty when it is gone."""
    try:
        status = file.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


def _edit_all(
    tasks: Sequence[Task], request: EditRequest, job: EditJob, jobs: int, on_begin: Callable[[Task], None]
) -> Generator[Edited, None, None]:
    """The result of each photo as soon as it is done, in any order.

    Args:
        tasks: what is to do.
        request: the edit, for other processes.
        job: the same, opened, for this process where it works alone.
        jobs: how many processes.
        on_begin: called in this process before each photo, also when it is tried again.
    """
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            on_begin(task)
            yield _tried(job, task)
        return
    jobs = min(jobs, len(tasks))
    opener = partial(_open, request, threads_each(jobs))
    for _, edited in run_tasks(tasks, opener, jobs, threads=threads_each(jobs), on_begin=on_begin, died=_died):
        yield edited


def _open(request: EditRequest, threads: int, tick: Tick) -> Callable[[Task], Edited]:
    return partial(_tried, open_job(request, threads))


def _died(task: Task) -> Edited:
    return Edited(task.source, None, "failed", "the process that edited it died")


def _tried(job: EditJob, task: Task) -> Edited:
    try:
        return edit_file(job, task.source, task.target, force=task.force)
    except LianpuError as problem:
        return failed(task.source, problem)
