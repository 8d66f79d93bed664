"""InsightFace's buffalo_l pack from wherever it lies: checked before it is loaded, and only the parts that are asked for."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NoReturn

from lianpu.errors import WeightsError
from lianpu.image import Picture
from lianpu.model_store.archives import members_like, members_named, open_zip, unpack_member
from lianpu.model_store.locate import check_model_file, find_model_file, folders_inside, models_folder
from lianpu.model_store.policy import refuse_non_commercial
from lianpu.perception.detection import find_faces
from lianpu.perception.insightface_models import ArcFaceEncoder, Landmarks106, ScrfdDetector, SexAgeEstimator
from lianpu.perception.results import Face, Identity, Landmarks, SexAge
from lianpu.weights import ModelFile, model_file

Part = Literal["detection", "landmarks", "sex_age", "identity"]

PART_MODELS: dict[Part, str] = {
    "detection": "scrfd-10g",
    "landmarks": "landmarks-106",
    "sex_age": "gender-age",
    "identity": "arcface-r50",
}
"""The parts of the pack that are used here, and what the table of weights calls them."""

PACK = "buffalo_l"

_GET_IT = f"Get it with: lianpu models fetch {PACK}"


class BuffaloL:
    """The networks of the pack, each asked for all faces of a picture at once.

    Args:
        files: the file of each part that is wanted; the others are not loaded.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        ModelError: a file is broken, or holds another kind of network.
    """

    def __init__(self, files: Mapping[Part, Path], threads: int | None = None) -> None:
        self.parts = tuple(files)
        self._detector = ScrfdDetector(files["detection"], threads, name=PACK) if "detection" in files else None
        self._landmarks = Landmarks106(files["landmarks"], threads) if "landmarks" in files else None
        self._sex_age = SexAgeEstimator(files["sex_age"], threads) if "sex_age" in files else None
        self._identity = ArcFaceEncoder(files["identity"], threads) if "identity" in files else None

    @property
    def detector(self) -> ScrfdDetector:
        """What finds the faces, for `find_faces`."""
        return self._detector if self._detector is not None else self._not_loaded("detection")

    def find(self, picture: Picture, *, upright: bool = False, min_score: float | None = None) -> tuple[Face, ...]:
        """The faces of a picture, largest first; see `detection.find_faces`."""
        return find_faces(picture, self.detector, upright=upright, min_score=min_score)

    def landmarks(self, picture: Picture, faces: Sequence[Face]) -> tuple[Landmarks, ...]:
        """106 points of each face."""
        return (self._landmarks or self._not_loaded("landmarks")).of(picture, faces)

    def sex_age(self, picture: Picture, faces: Sequence[Face]) -> tuple[SexAge, ...]:
        """Sex and age of each face."""
        return (self._sex_age or self._not_loaded("sex_age")).of(picture, faces)

    def identity(self, picture: Picture, faces: Sequence[Face]) -> tuple[Identity, ...]:
        """The identity of each face, 512 numbers."""
        return (self._identity or self._not_loaded("identity")).of(picture, faces)

    def _not_loaded(self, part: Part) -> NoReturn:
        raise ValueError(f"this pack was opened with {', '.join(self.parts)}: add '{part}' to the parts of open_buffalo")


def open_buffalo(
    path: Path | str | None = None, parts: Sequence[Part] = tuple(PART_MODELS), threads: int | None = None
) -> BuffaloL:
    """The buffalo_l pack, its files checked by size and SHA-256 before any is loaded.

    Args:
        path: a folder with the files, the folder above it, or the zip as downloaded (what is wanted of it is unpacked into the
            folder of models); None looks where `lianpu models` and insightface put it.
        parts: what to load.
        threads: threads for one operation; None takes as many as there are cores.

    Raises:
        WeightsError: a file is missing, damaged, or not allowed under --commercial-safe.
        ModelError: a file cannot be loaded.
    """
    unknown = [part for part in parts if part not in PART_MODELS]
    if unknown or not parts:
        raise ValueError(f"the parts of {PACK} are {', '.join(PART_MODELS)}, got {tuple(parts)}")
    wanted = {part: model_file(PART_MODELS[part]) for part in parts}
    refuse_non_commercial(wanted.values())
    return BuffaloL(locate_pack(wanted, None if path is None else Path(path).expanduser()), threads)


def locate_pack(wanted: Mapping[Part, ModelFile], path: Path | None) -> dict[Part, Path]:
    """The checked file of each part, from a folder, a zip, or (None) from where models lie on this machine.

    Raises:
        WeightsError: a file is missing or not the right one. All that are missing are named together.
    """
    if path is None:
        found = {part: find_model_file(entry.name) for part, entry in wanted.items()}
    elif path.is_dir():
        found = {part: _in_folder(path, entry) for part, entry in wanted.items()}
    elif path.is_file() and zipfile.is_zipfile(path):
        found = _unpacked(path, wanted)
    elif path.is_file():
        raise WeightsError(f"{path} is neither a folder nor a zip. Give the folder or the zip of {PACK}.")
    else:
        raise WeightsError(f"{path} is not there. Give the folder or the zip of {PACK}, or: lianpu models fetch {PACK}")
    missing = [entry for part, entry in wanted.items() if found[part] is None]
    if missing:
        names = ", ".join(f"{entry.file} ({entry.used_for})" for entry in missing)
        where = path if path is not None else f"{models_folder()}, ~/.insightface/models/{PACK} or the folders just inside"
        raise WeightsError(
            f"{PACK} is not complete: {names} not in {where}. {_GET_IT}; or put its files into {models_folder() / PACK}"
        )
    return {part: check_model_file(file, wanted[part]) for part, file in found.items() if file is not None}


def _in_folder(folder: Path, entry: ModelFile) -> Path | None:
    """The file in the folder or in one just inside: a zip is often unpacked one folder too deep."""
    for place in (folder, *folders_inside(folder)):
        for name in (entry.file, *entry.other_names):
            if (place / name).is_file():
                return place / name
    return None


def _unpacked(file: Path, wanted: Mapping[Part, ModelFile]) -> dict[Part, Path | None]:
    """The wanted files of a zip, unpacked into the folder of models unless they are there already."""
    there = {part: models_folder() / PACK / entry.file for part, entry in wanted.items()}
    with open_zip(file) as archive:
        for part, target in there.items():
            if not target.is_file():
                _unpack(archive, file, wanted[part], target)
    return {part: target if target.is_file() else None for part, target in there.items()}


def _unpack(archive: zipfile.ZipFile, file: Path, entry: ModelFile, target: Path) -> None:
    """Write the entry's file if the zip has it. Raises WeightsError when it has one of its name, but other bytes."""
    reasons = [unpack_member(archive, member, entry, target) for member in members_like(archive, entry)[:1]]
    others = members_named(archive, entry)
    if others and not (reasons and not reasons[0]):
        sizes = f"expected {entry.size_bytes:,} bytes, got {others[0].file_size:,}"
        raise WeightsError(f"{others[0].filename} in {file} is not {entry.name}: {(reasons or [sizes])[0]}. {_GET_IT}")
