"""The settings and data of a run: the typed view of its config.yaml."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from lianpu.attributes import AttributeSet
from lianpu.dataset.faces import Dataset
from lianpu.dataset.sources import open_dataset
from lianpu.editors.editor import ModelInfo
from lianpu.errors import LianpuError, RunError
from lianpu.files import disk_errors_named, is_leftover
from lianpu.runs import Run
from lianpu.stargan.layers import FIELD_NAMES
from lianpu.training.config import RunConfig, config_to_plain, parse_config
from lianpu.version import __version__


@dataclass(frozen=True)
class SettingsChange:
    """Settings that a resumed run was given anew.

    Args:
        after_step: the last step that was trained with the old ones.
        command: the command line that brought the new ones.
        changed: dotted name of each setting, its old and its new value.
    """

    after_step: int
    command: str
    changed: Mapping[str, tuple[Any, Any]]


@dataclass(frozen=True)
class RunRecord:
    """The settings of a run and what they were used on.

    Args:
        run_id: eight hexadecimal digits that the models of this run carry.
        created: local time with zone, ISO 8601.
        command: the command line that started it.
        config: the settings.
        attributes: labels, their order and groups.
        source, data_dir: as `open_dataset` takes them.
        fingerprint: of the data; see Dataset.
        train_count, test_count: faces in the training and the held-out split.
        alignment, licence: of the data, for the model files.
        history: changes of settings when the run was resumed, oldest first; `config` holds since the last of them.
    """

    run_id: str
    created: str
    command: str
    config: RunConfig
    attributes: AttributeSet
    source: str
    data_dir: str
    fingerprint: str
    train_count: int
    test_count: int
    alignment: str
    licence: str
    history: tuple[SettingsChange, ...] = ()

    def model_info(self, step: int) -> ModelInfo:
        """What a model file of this run says of itself after `step` steps."""
        model = self.config.model
        outputs = ("edited", *FIELD_NAMES) if model.output == "fields" else ("edited",)
        return ModelInfo(
            self.attributes, model.image_size, self.alignment, self.run_id, step, self.licence, model.label_input, outputs
        )

    def open_dataset(self, data_dir: Path | str | None = None) -> Dataset:
        """The data of the run, from where it was or from `data_dir`. Raises RunError when it is other data."""
        folder = Path(self.data_dir if data_dir is None else data_dir)
        names = self.attributes.names
        dataset = open_dataset(self.source, folder, self.config.model.image_size, names)
        if dataset.fingerprint != self.fingerprint:
            raise RunError(f"{folder} holds other data than the run {self.run_id} was trained on. Give its data with --data-dir.")
        return dataset


def new_record(
    config: RunConfig, dataset: Dataset, data_dir: Path, command: str, start: ModelInfo | None = None, taught: str = ""
) -> RunRecord:
    """The record of a run that starts now; from the editor `start`, whose licence binds it too, as do the terms `taught` of its teacher."""
    licence = dataset.licence
    if start is not None and start.licence != licence:
        licence = f"{licence}; begun with weights under: {start.licence}"
    created = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    seed = f"{created} {dataset.fingerprint} {config_to_plain(config)}"
    return RunRecord(
        run_id=_short_hash(seed),
        created=created,
        command=command,
        config=config,
        attributes=dataset.attributes,
        source=dataset.source,
        data_dir=str(data_dir),
        fingerprint=dataset.fingerprint,
        train_count=len(dataset.train),
        test_count=len(dataset.test),
        alignment=dataset.alignment,
        licence=_with_terms(licence, taught),
    )


def _with_terms(licence: str, taught: str) -> str:
    """The licence with that of a teacher, unless it is there already."""
    return licence if not taught or taught in licence else f"{licence}; taught by: {taught}"


def write_record(run: Run, record: RunRecord) -> None:
    """config.yaml of the run."""
    run.write_config(
        {
            "run_id": record.run_id,
            "created": record.created,
            "command": record.command,
            "lianpu": __version__,
            "torch": str(torch.__version__),
            "data": {
                "source": record.source,
                "data_dir": record.data_dir,
                "fingerprint": record.fingerprint,
                "train_count": record.train_count,
                "test_count": record.test_count,
                "attributes": record.attributes.to_json(),
                "alignment": record.alignment,
                "licence": record.licence,
            },
            **config_to_plain(record.config),
            **({"history": [_change_to_plain(change) for change in record.history]} if record.history else {}),
        }
    )


def resumed_record(old: RunRecord, config: RunConfig, data_dir: Path, command: str, step: int, taught: str = "") -> RunRecord:
    """The record of a run that goes on after `step` with the settings asked for now; changed ones are added to its history, and the terms `taught`
    of its teacher to its licence."""
    before, now = flat_settings(config_to_plain(old.config)), flat_settings(config_to_plain(config))
    changed = {name: (before.get(name), now.get(name)) for name in {**before, **now} if before.get(name) != now.get(name)}
    history = old.history
    if changed and step:
        history = (*history, SettingsChange(step, command or old.command, changed))
    licence = _with_terms(old.licence, taught)
    return replace(old, config=config, data_dir=str(data_dir), command=command or old.command, history=history, licence=licence)


def flat_settings(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings by dotted names.

    Examples:
        >>> flat_settings({"model": {"image_size": 64}, "selected_attrs": ("Male",)})
        {'model.image_size': 64, 'selected_attrs': ['Male']}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= flat_settings(value, f"{before}{name}.")
        else:
            flat[f"{before}{name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _change_to_plain(change: SettingsChange) -> dict[str, Any]:
    changed = {name: list(values) for name, values in change.changed.items()}
    return {"after_step": change.after_step, "command": change.command, "changed": changed}


def _change_from_plain(value: Mapping[str, Any]) -> SettingsChange:
    changed = {str(name): (old, new) for name, (old, new) in value["changed"].items()}
    return SettingsChange(int(value["after_step"]), str(value["command"]), changed)


def read_record(run: Run) -> RunRecord:
    """The record in a run folder. Raises RunError when config.yaml is missing or damaged."""
    values = run.read_config()
    try:
        data: dict[str, Any] = values["data"]
        settings = {name: values[name] for name in RunConfig.model_fields if name in values}
        return RunRecord(
            run_id=str(values["run_id"]),
            created=str(values["created"]),
            command=str(values["command"]),
            config=parse_config(settings, str(run.config_file)),
            attributes=AttributeSet.from_json(data["attributes"]),
            source=str(data["source"]),
            data_dir=str(data["data_dir"]),
            fingerprint=str(data["fingerprint"]),
            train_count=int(data["train_count"]),
            test_count=int(data["test_count"]),
            alignment=str(data["alignment"]),
            licence=str(data["licence"]),
            history=tuple(_change_from_plain(change) for change in values.get("history", ())),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as problem:
        raise RunError(f"{run.config_file} is damaged ({problem!r}). Restore it, or start a new run in another folder.") from None
    except LianpuError as problem:
        raise RunError(str(problem)) from None


def check_resumable(run: Run, record: RunRecord, config: RunConfig, dataset: Dataset) -> None:
    """RunError when a run cannot go on with these settings and data: other faces, labels or network sizes."""
    if record.attributes != dataset.attributes:
        theirs, ours = " ".join(record.attributes.names), " ".join(dataset.attributes.names)
        raise RunError(f"{run.folder} was trained for the labels {theirs}, not {ours}. Take these, or another --run-dir.")
    if record.fingerprint != dataset.fingerprint:
        raise RunError(
            f"{run.folder} was trained on other data ({record.source} in {record.data_dir}). Take that data, or another --run-dir."
        )
    old, new = record.config.model.model_dump(), config.model.model_dump()
    changed = [f"{name} {old[name]} -> {new[name]}" for name in old if old[name] != new[name]]
    if changed:
        raise RunError(f"{run.folder} has another network ({', '.join(changed)}). Take the same sizes, or another --run-dir.")


def refuse_foreign_folder(run: Run) -> None:
    """RunError when a run would be written among files that are not its own."""
    if run.folder.exists() and not run.folder.is_dir():
        raise RunError(f"{run.folder} is a file, so no run can be written there. Take another --run-dir.")
    if run.config_file.exists() or not run.folder.is_dir():
        return
    ours = (run.guide_folder, run.part_maps_file, run.pairs_folder, run.lock_file)  # made before training begins
    if any(path not in ours and not is_leftover(path) for path in run.folder.iterdir()):
        raise RunError(f"{run.folder} holds files but no run (no config.yaml). Take a new or empty folder as --run-dir.")


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """The run folder for this process alone; the system releases the lock when the process ends, however it ends.

    Raises:
        RunError: another process is training there.
    """
    from filelock import FileLock, Timeout

    new = not run.folder.exists()
    with disk_errors_named(run.lock_file):
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise RunError(
                f"{run.folder} is being trained by another process. Wait until it ends, or take another --run-dir."
            ) from None
    try:
        yield
    finally:
        nothing = new and [path.name for path in run.folder.iterdir()] == [run.lock_file.name]  # came of it
        if nothing:
            with suppress(OSError):  # where an open file cannot be removed, an empty folder stays
                run.lock_file.unlink()  # while it is held: nobody else's
        lock.release()
        if nothing:
            with suppress(OSError):  # somebody has begun there meanwhile
                run.folder.rmdir()


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
