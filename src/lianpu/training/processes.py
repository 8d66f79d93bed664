"""The processes that train together: one by default, several under `accelerate launch` or `torchrun`.

Gradients are averaged by one all-reduce of one flat vector after each backward. DistributedDataParallel is not used: its reducer counts on
one forward per backward, and a discriminator step makes several.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import nn

from lianpu.devices import pick_device
from lianpu.errors import SettingsError


@dataclass(frozen=True)
class Processes:
    """This process among those that train together."""

    accelerator: Accelerator
    device: torch.device

    @property
    def rank(self) -> int:
        """0 for the process that writes files and prints."""
        return int(self.accelerator.process_index)

    @property
    def count(self) -> int:
        return int(self.accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    def local_slice(self, batch_size: int) -> slice:
        """This process's part of a global batch, whose size is a multiple of the number of processes."""
        share = batch_size // self.count
        return slice(self.rank * share, (self.rank + 1) * share)

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        averaged = self.accelerator.reduce(flat, reduction="mean")
        for gradient, part in zip(gradients, averaged.split([gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """The mean of a tensor over the processes."""
        return value if self.count == 1 else self.accelerator.reduce(value, reduction="mean")

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process; all of them get the same answer."""
        if self.count == 1:
            return flag
        total = self.accelerator.reduce(torch.tensor([float(flag)], device=self.device), reduction="sum")
        return bool(total.item() > 0)

    def wait(self) -> None:
        """Until all processes are here."""
        self.accelerator.wait_for_everyone()

    def mixed_precision(self) -> AbstractContextManager[None]:
        """A block in which networks run in bfloat16, if requested."""
        context: AbstractContextManager[None] = self.accelerator.autocast()
        return context


def start_processes(device_name: str, precision: str, batch_size: int) -> Processes:
    """Join the processes that the launcher started, or be the only one.

    Raises:
        SettingsError: the device is not there, or the batch cannot be shared out evenly.
    """
    launched = int(os.environ.get("WORLD_SIZE", "1")) > 1
    device = None if launched and device_name == "auto" else pick_device(device_name)
    # accelerate keeps one state per Python process and refuses another precision or device; each run here has its own.
    AcceleratorState._reset_state(reset_partial_state=not launched)
    accelerator = Accelerator(
        cpu=device is not None and device.type == "cpu", mixed_precision="bf16" if precision == "bf16" else "no"
    )
    processes = Processes(accelerator, accelerator.device if launched or device is None else device)
    if batch_size % processes.count:
        raise SettingsError(
            f"batch_size {batch_size} cannot be shared out among {processes.count} processes. Take a multiple of {processes.count}."
        )
    return processes
