"""What `lianpu doctor` says of the pretrained model files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lianpu.errors import WeightsError
from lianpu.model_store.locate import check_model_file, find_model_file
from lianpu.weights import MODEL_FILES, ModelFile


@dataclass(frozen=True)
class ModelFinding:
    """One model file of the table: where it is, and whether its bytes are right."""

    entry: ModelFile
    file: Path | None
    problem: str
    """Empty when the file is right, or not here."""


def check_models(*, by_hash: bool) -> list[ModelFinding]:
    """Every model file of the table, found or not; sizes are always compared, SHA-256 only when asked."""
    return [_check_model(entry, by_hash=by_hash) for entry in MODEL_FILES]


def _check_model(entry: ModelFile, *, by_hash: bool) -> ModelFinding:
    file = find_model_file(entry.name)
    if file is None:
        return ModelFinding(entry, None, "")
    try:
        check_model_file(file, entry, by_size_only=not by_hash)
    except WeightsError as problem:
        return ModelFinding(entry, file, str(problem))
    return ModelFinding(entry, file, "")


def ways_to_get(absent: Sequence[ModelFile]) -> list[str]:
    """One command per package, pack or file that is absent, each naming what it brings."""
    by_command: dict[str, list[str]] = {}
    for entry in absent:
        by_command.setdefault(_command(entry), []).append(entry.file)
    return [f"{command}  (brings {', '.join(files)})" for command, files in by_command.items()]


def _command(entry: ModelFile) -> str:
    if entry.package or entry.archive is None:
        return entry.how_to_get
    return f"lianpu models fetch {entry.archive.file.removesuffix('.zip')}"
