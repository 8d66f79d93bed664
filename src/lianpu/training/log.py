"""Where logged steps go: steps.jsonl of the run, TensorBoard, and a tracker if the settings name one."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from accelerate.tracking import GeneralTracker, MLflowTracker, TrackioTracker, WandBTracker
from torch.utils.tensorboard import SummaryWriter

from lianpu.errors import LianpuError, SettingsError
from lianpu.files import encodable, read_json, write_json
from lianpu.imaging.picture import Picture
from lianpu.runs import Run
from lianpu.training.config import Tracker
from lianpu.training.record import flat_settings

_TAGS = {
    "d_loss": "D/loss",
    "d_adv": "D/loss_adv",
    "d_cls": "D/loss_cls",
    "d_gp": "D/loss_gp",
    "g_loss": "G/loss",
    "g_adv": "G/loss_adv",
    "g_rec": "G/loss_rec",
    "g_cls": "G/loss_cls",
    "d_lr": "learning_rate/D",
    "g_lr": "learning_rate/G",
    "edit_change": "edits/change",
    "edit_success": "edits/success",
}
"""TensorBoard tags; those of the losses begin as in the published code."""


PROJECT = "lianpu"
"""What trackers call the project or experiment of our runs, unless WANDB_PROJECT or MLFLOW_EXPERIMENT_NAME says otherwise."""

_OVERALL = "overall"
"""What score files call all edits together."""

_PLAIN = (str, int, float, bool, type(None))


def check_tracker(tracker: Tracker) -> None:
    """Raise SettingsError, with the line that installs it, where the tracker's package is missing."""
    if tracker != "none" and find_spec(tracker) is None:
        raise SettingsError(f"training.tracker is {tracker}, which is not installed. Install it: pip install {tracker}")


class StepLog:
    """Writes steps as they come; used as a context so that TensorBoard's file and the tracker's run are closed.

    Args:
        run: the run that is trained.
        first_step: where it begins or goes on.
        tracker: the tracker that gets every step besides.
        about: the settings, for the tracker: `config.yaml` as plain values.

    Raises:
        LianpuError: the tracker cannot begin (no network, not logged in).
    """

    def __init__(self, run: Run, first_step: int, tracker: Tracker = "none", about: Mapping[str, Any] | None = None) -> None:
        run.keep_steps_up_to(first_step - 1)
        self._run = run
        folder = run.tensorboard_folder
        folder.mkdir(parents=True, exist_ok=True)
        self._alias: tempfile.TemporaryDirectory[str] | None = None
        if encodable(str(folder)) != str(folder):  # TensorBoard opens no path that is no UTF-8, but follows a link to it
            self._alias = tempfile.TemporaryDirectory(prefix="lianpu-tensorboard-")
            alias = Path(self._alias.name, "events")
            alias.symlink_to(folder.absolute(), target_is_directory=True)
            folder = alias
        self._writer = SummaryWriter(str(folder), purge_step=first_step)
        self._name = tracker
        self._tracker = None if tracker == "none" else _started(tracker, run, about or {})

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()
        self._tell("finish")
        if self._alias is not None:
            self._alias.cleanup()

    def write(self, values: dict[str, Any]) -> None:
        """One line of steps.jsonl, and its numbers as curves."""
        self._run.append_step(values)
        for name, tag in _TAGS.items():
            if name in values:
                self._writer.add_scalar(tag, values[name], values["step"])
        curves = {_TAGS.get(name, name): value for name, value in values.items() if name != "step"}
        self._tell("log", curves, step=values["step"])

    def write_picture(self, picture: Picture, step: int) -> None:
        """The sample grid of a step."""
        self._writer.add_image("samples", np.asarray(picture), step, dataformats="HWC")
        if isinstance(self._tracker, WandBTracker):
            self._tell("log_images", {"samples": [np.asarray(picture)]}, step=step)
        elif isinstance(self._tracker, MLflowTracker):
            self._tell("log_artifact", str(self._run.sample_file(step)), "samples")

    def write_scores(self, step: int) -> None:
        """The scores over all edits that were just measured of the checkpoint of a step."""
        rows = self._run.read_scores().get(f"step-{step:09d}", {}).get("scores", ())
        overall = {f"scores/{row['metric']}": row["value"] for row in rows if row["transform"] == _OVERALL}
        if overall:
            self._tell("log", overall, step=step)

    def _tell(self, what: str, *values: Any, **more: Any) -> None:
        """Have the tracker do something. A run of days does not end because a tracker's server does: it is told no more."""
        if self._tracker is None:
            return
        try:
            getattr(self._tracker, what)(*values, **more)
        except Exception as problem:  # each tracker raises kinds of its own
            self._tracker = None
            warnings.warn(
                f"{self._name} gets no more steps ({_reason(problem)}); {self._run.steps_file} has them all.", stacklevel=2
            )


class NoLog:
    """The log of a process that is not the main one."""

    def __enter__(self) -> NoLog:
        return self

    def __exit__(self, *problem: object) -> None:
        return None

    def write(self, values: dict[str, Any]) -> None:
        """Nothing."""

    def write_picture(self, picture: Picture, step: int) -> None:
        """Nothing."""

    def write_scores(self, step: int) -> None:
        """Nothing."""


def _started(name: Tracker, run: Run, about: Mapping[str, Any]) -> GeneralTracker:
    """The tracker, begun or resumed: the run folder remembers what the tracker calls this run."""
    known = read_json(run.tracker_file, LianpuError) if run.tracker_file.is_file() else {}
    title = run.folder.resolve().name
    try:
        if name == "wandb":
            tracker: GeneralTracker = WandBTracker(
                os.environ.get("WANDB_PROJECT") or PROJECT, name=title, id=known.get(name), resume="allow", dir=str(run.folder)
            )
        elif name == "mlflow":
            tracker = MLflowTracker(PROJECT, run_id=known.get(name), run_name=title)
        else:
            tracker = TrackioTracker(PROJECT, name=known.get(name, title), resume="allow")
        tracker.start()
        if name not in known:  # MLflow keeps parameters as they were
            settings = {key: value for key, value in flat_settings(about).items() if key != "history"}
            tracker.store_init_configuration(
                {key: value if isinstance(value, _PLAIN) else str(value) for key, value in settings.items()}
            )
    except Exception as problem:  # each tracker raises kinds of its own
        raise LianpuError(
            f"{name} cannot begin ({_reason(problem)}). Log in, or check its settings; or train with --tracker none."
        ) from None
    begun: Any = tracker.tracker
    ids = {"wandb": lambda: begun.id, "mlflow": lambda: begun.info.run_id, "trackio": lambda: begun.name}
    write_json(run.tracker_file, {**known, name: str(ids[name]())})
    return tracker


def _reason(problem: Exception) -> str:
    return (" ".join(str(problem).split()) or type(problem).__name__)[:200].rstrip(". ")
