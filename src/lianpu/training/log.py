"""Where logged steps go: steps.jsonl of the run and TensorBoard."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from lianpu.files import encodable
from lianpu.imaging.picture import Picture
from lianpu.runs import Run

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


class StepLog:
    """Writes steps as they come; used as a context so that TensorBoard's file is closed."""

    def __init__(self, run: Run, first_step: int) -> None:
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

    def __enter__(self) -> StepLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()
        if self._alias is not None:
            self._alias.cleanup()

    def write(self, values: dict[str, Any]) -> None:
        """One line of steps.jsonl, and its numbers as curves."""
        self._run.append_step(values)
        for name, tag in _TAGS.items():
            if name in values:
                self._writer.add_scalar(tag, values[name], values["step"])

    def write_picture(self, picture: Picture, step: int) -> None:
        """The sample grid of a step."""
        self._writer.add_image("samples", np.asarray(picture), step, dataformats="HWC")


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
