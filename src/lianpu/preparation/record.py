"""The record of a prepared folder: what it was made from, with which settings and models. It tells our folders from others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lianpu.errors import DataError, SettingsError
from lianpu.files import read_json, write_json
from lianpu.preparation.settings import PrepareSettings
from lianpu.version import __version__

RECORD_FILE = "prepared.json"
_MADE_BY = "lianpu prepare"
_MAY_CHANGE = {"confidence", "rules"}
"""Settings that only labels depend on: they may be others on the next run."""


def begin_record(folder: Path, photos: Path, settings: PrepareSettings, models: dict[str, Any]) -> None:
    """Write the record of a new folder, or compare with the one that is there: a run goes on only as it was begun.

    Raises:
        DataError: the folder holds something else, or faces of other photos.
        SettingsError: it was begun with other settings or models.
    """
    asked = {"photos": str(photos.resolve()), "settings": settings.to_json(), "models": models}
    if not (folder / RECORD_FILE).is_file():
        refuse_foreign_folder(folder)
        write_json(folder / RECORD_FILE, {"made_by": _MADE_BY, "version": __version__, **asked})
        return
    there = read_record(folder)
    if there["photos"] != asked["photos"]:
        raise DataError(
            f"{folder} holds faces of {there['photos']}, not of {asked['photos']}. Give another folder for these photos."
        )
    before, now = (_flat(record) for record in (there, asked))
    changed = [name for name in sorted(before | now) if before.get(name) != now.get(name) and name not in _MAY_CHANGE]
    if changed:
        words = ", ".join(f"{name} {before.get(name)} not {now.get(name)}" for name in changed)
        raise SettingsError(
            f"{folder} was begun with other settings or models ({words}). Go on with the same, or give another folder."
        )


def refuse_foreign_folder(folder: Path) -> None:
    """Nothing when the folder is new, empty, or ours; else a DataError that names something in it."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is a file, not a folder. Give another folder for the faces.")
    if (folder / RECORD_FILE).is_file():
        read_record(folder)
        return
    found = next(iter(sorted(folder.iterdir())), None)
    if found is not None:
        raise DataError(
            f"{folder} is not empty ({found.name} is in it) and was not made by lianpu prepare, so nothing was written. "
            "Give another folder."
        )


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a prepared folder. Raises DataError when there is none, or when it is of something else."""
    if not (folder / RECORD_FILE).is_file():
        raise DataError(
            f"{folder} was not made by lianpu prepare: it has no {RECORD_FILE}. Make it with: lianpu prepare PHOTOS {folder}"
        )
    record = read_json(folder / RECORD_FILE, DataError)
    if not isinstance(record, dict) or record.get("made_by") != _MADE_BY or not {"photos", "settings", "models"} <= set(record):
        raise DataError(f"{folder / RECORD_FILE} is not of lianpu prepare. Give another folder.")
    return record


def note_in_record(folder: Path, **facts: Any) -> None:
    """Add facts to the record of a prepared folder, or replace them."""
    write_json(folder / RECORD_FILE, read_record(folder) | facts)


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    models = {part: None if model is None else model["name"] for part, model in record["models"].items()}
    return {**record["settings"], **models}
