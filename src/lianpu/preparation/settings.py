"""What `prepare_faces` is asked for, and the record of it in the prepared folder, which tells our folders from others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from lianpu.errors import DataError, SettingsError
from lianpu.files import is_leftover, read_json, write_json
from lianpu.version import __version__


@dataclass(frozen=True)
class PrepareSettings:
    """How faces are found, which are good enough, and when a label is sure enough.

    Raises:
        SettingsError: naming every value that cannot work.
    """

    size_px: int = 256
    """Side of the crops in pixels, a multiple of 4."""
    detector: str = "auto"
    """auto, buffalo_l, yunet, dlib, or a detector's .onnx file."""
    landmarks: str = "auto"
    """The points by which faces are aligned: auto (the face mesh where it is here or can be fetched, else the detector's own), mesh,
    mesh-468, dlib, or the path of a .dat file; with the last two the detector dlib makes its five points from these 68."""
    parser: str = "auto"
    """auto, the name or file of a face parser, or none: then hair colour, glasses, hat, earrings and mouth stay unlabelled."""
    upright: bool = False
    """Also look for faces in the photo turned by 90, 180 and 270 degrees (four times the work)."""
    min_score: float | None = None
    """Faces below this score of the detector are dropped; the detector's own limit unless given."""
    min_face_px: int | None = None
    """Faces narrower than this are dropped; a quarter of size_px unless given."""
    min_sharpness: float = 0.05
    """Faces less sharp than this are dropped (0 keeps all): `measures.sharpness_of` says what it measures."""
    max_yaw_deg: float = 35.0
    """Faces turned further to a side than this are dropped (90 keeps all)."""
    max_outside: float = 0.5
    """Crops with a larger share outside of the photo are dropped (1 keeps all)."""
    max_hash_distance: int = 46
    """Faces of one person whose hashes of 256 bits differ in no more than this are near-duplicates, 0 to 80; -1 keeps them."""
    confidence: float = 0.8
    """Labels less sure than this stay unlabelled, 0.5 to 1."""
    rules: str | None = None
    """A file of label rules (`lianpu prepare fit`) instead of the bundled ones."""
    picture_format: Literal["jpg", "png"] = "jpg"
    """jpg (quality 95) or png (no loss, about five times as large)."""

    def __post_init__(self) -> None:
        problems = [problem for problem, wrong in self._checks().items() if wrong]
        if problems:
            raise SettingsError("; ".join(problems) + ".")

    def _checks(self) -> dict[str, bool]:
        return {
            f"size_px is a multiple of 4 from 16 to 1024, got {self.size_px}": not 16 <= self.size_px <= 1024
            or self.size_px % 4 > 0,
            f"min_score is from 0 to 1, got {self.min_score}": self.min_score is not None and not 0 <= self.min_score <= 1,
            f"min_face_px is 1 or more, got {self.min_face_px}": self.min_face_px is not None and self.min_face_px < 1,
            f"min_sharpness is 0 or more, got {self.min_sharpness}": not self.min_sharpness >= 0,
            f"max_yaw_deg is above 0 and up to 90, got {self.max_yaw_deg}": not 0 < self.max_yaw_deg <= 90,
            f"max_outside is from 0 to 1, got {self.max_outside}": not 0 <= self.max_outside <= 1,
            f"max_hash_distance is from -1 to 80, got {self.max_hash_distance}": not -1 <= self.max_hash_distance <= 80,
            f"confidence is from 0.5 to 1, got {self.confidence}": not 0.5 <= self.confidence <= 1,
            f"picture_format is jpg or png, got '{self.picture_format}'": self.picture_format not in ("jpg", "png"),
        }

    @property
    def least_face_px(self) -> float:
        """The width in pixels that a face must have."""
        return self.size_px / 4 if self.min_face_px is None else self.min_face_px

    def to_json(self) -> dict[str, Any]:
        """A plain dict that `settings_from_json` turns back."""
        return asdict(self)


def settings_from_json(value: Mapping[str, Any], source: Path) -> PrepareSettings:
    """The settings that `to_json` wrote. Raises SettingsError, naming `source`, when they are of another version."""
    known = {field.name for field in fields(PrepareSettings)}
    value = _LATER | dict(value)
    if set(value) != known:
        differing = ", ".join(sorted(set(value) ^ known))
        raise SettingsError(
            f"{source} was written by another version of lianpu (settings: {differing}). Prepare the photos anew."
        )
    return PrepareSettings(**value)


RECORD_FILE = "prepared.json"
_MADE_BY = "lianpu prepare"
_LATER = {"landmarks": "auto"}
"""Settings that older records lack, and what they were then."""
_MAY_CHANGE = {"confidence", "rules"}
"""Settings that only labels depend on: they may change on the next run."""


def begin_record(folder: Path, photos: Path, settings: PrepareSettings, models: dict[str, Any]) -> None:
    """Write the record of a new folder, or compare with the one that is there: a run is resumed only with the settings that it began with.

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
            f"{folder} was begun with other settings or models ({words}). Resume it with the same ones, or give another folder."
        )


def refuse_foreign_folder(folder: Path) -> None:
    """Raise DataError, naming something in the folder, unless it is new, empty, or ours."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise DataError(f"{folder} is a file, not a folder. Give another folder for the faces.")
    if (folder / RECORD_FILE).is_file():
        read_record(folder)
        return
    found = next((path for path in sorted(folder.iterdir()) if not is_leftover(path)), None)
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
    return {**_LATER, **record["settings"], **models}
