"""`lianpu edit FOLDER OUT`: all photos of a folder, with progress, and a table of what happened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.effects.photo_job import Edited, EditRequest


def edit_folder_and_tell(source: Path, target: Path, request: EditRequest, jobs: int, force: bool) -> list[Edited]:
    """Edit the photos, print the table, and give what came of each.

    Raises:
        DataError: photos could not be edited; said after all others were done.
    """
    from lianpu.cli.progress import console, stage
    from lianpu.effects.folder_job import edit_folder
    from lianpu.errors import DataError, SettingsError

    if target.is_file():
        raise SettingsError(f"{target} is a file, and {source} is a folder. Give a folder for the results.")
    with stage("Editing") as on_progress:
        done = edit_folder(source, target, request, jobs=jobs, force=force, on_progress=on_progress)
    console.print(_table(done))
    counts = {state: sum(one.state == state for one in done) for state in ("edited", "no face", "failed")}
    console.print(
        f"{len(done)} photos: {counts['edited']} edited, {counts['no face']} without a face, {counts['failed']} failed. Results: {target}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    if counts["failed"]:
        words = [one.words for one in done if one.state == "failed"]
        raise DataError(f"{counts['failed']} of {len(done)} photos could not be edited. {' '.join(words[:3])}")
    return done


def _table(done: Sequence[Edited]) -> Table:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title="What happened")
    for heading in ("photo", "what", "faces", "pixels changed", "seconds", "more"):
        table.add_column(
            heading, justify="right" if heading in ("faces", "pixels changed", "seconds") else "left", overflow="fold"
        )
    for one in done:
        edited = one.state == "edited"
        table.add_row(
            escape(one.source.name),
            one.state,
            f"{one.edited} of {one.found}" if edited else "",
            f"{one.changed:.1%}" if edited else "",
            f"{one.seconds:.1f}" if one.seconds else "",
            escape(one.words),
        )
    return table
