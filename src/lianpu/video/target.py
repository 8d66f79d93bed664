"""The file that is to be written: nothing is written over unless it is said."""

from __future__ import annotations

from pathlib import Path

from lianpu.errors import SettingsError


def check_target(target: Path, *, force: bool) -> None:
    """Nothing, when `target` may be written. Raises SettingsError for a folder, and without `force` for a file that is there."""
    if target.is_dir():
        raise SettingsError(f"{target} is a folder. Give the name of a file.")
    if target.exists() and not force:
        raise SettingsError(f"{target} is there already, and nothing is written over. Give another name, or --force.")
