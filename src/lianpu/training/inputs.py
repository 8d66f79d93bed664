"""What each step works on, drawn from (seed, step) and put on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from lianpu.attributes import Labels
from lianpu.dataset.batches import TrainingBatches
from lianpu.dataset.faces import Dataset
from lianpu.dataset.order import step_rows
from lianpu.stargan.targets import shuffled_targets, step_generator
from lianpu.training.config import RunConfig
from lianpu.training.processes import Processes


@dataclass(frozen=True)
class StepInputs:
    """What one process works on in one step; B is its share of the global batch.

    Args:
        faces: (B, 3, S, S) in [-1, 1].
        labels: (B, A), what the faces are.
        targets: (B, A), what the generator is asked for.
        alpha: (B, 1, 1, 1) in [0, 1], where between real and fake the penalty is taken.
        one_class: labels are one of A classes (softmax) rather than A attributes.
    """

    faces: torch.Tensor
    labels: torch.Tensor
    targets: torch.Tensor
    alpha: torch.Tensor
    one_class: bool


def inputs_of_steps(
    dataset: Dataset,
    config: RunConfig,
    first: int,
    last: int,
    processes: Processes,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[int, StepInputs]]:
    """(step, this process's inputs) for steps `first` to `last`, both included; they follow from (seed, step) alone."""
    training = config.training
    batches = TrainingBatches(
        dataset.train,
        batch_size=training.batch_size,
        seed=training.seed,
        first_step=first,
        last_step=last,
        rank=processes.rank,
        world=processes.count,
        workers=training.workers,
        on_progress=on_progress,
    )
    for step, faces, labels in batches:
        yield step, _on_device(dataset, config, step, faces, labels, processes)


def _on_device(
    dataset: Dataset, config: RunConfig, step: int, faces: torch.Tensor, labels: Labels, processes: Processes
) -> StepInputs:
    """A step's inputs on the device. Targets and alpha are drawn for the global batch and then cut, so that the processes share one chance."""
    batch_size, seed = config.training.batch_size, config.training.seed
    rows, _ = step_rows(len(dataset.train), batch_size, seed, step)
    chance = step_generator(seed, step)
    targets = shuffled_targets(dataset.train.labels[rows], chance)
    alpha = torch.rand(batch_size, 1, 1, 1, generator=chance)
    mine = processes.local_slice(batch_size)
    memory_format = torch.channels_last if processes.device.type == "cuda" else torch.contiguous_format
    return StepInputs(
        faces=faces.to(processes.device, memory_format=memory_format, non_blocking=True),
        labels=torch.from_numpy(labels).to(processes.device),
        targets=torch.from_numpy(targets[mine]).to(processes.device),
        alpha=alpha[mine].to(processes.device),
        one_class=dataset.attributes.one_class,
    )


def trial_inputs(dataset: Dataset, config: RunConfig, processes: Processes) -> StepInputs:
    """The inputs of step 1, read without starting the reading processes: something to measure a step with."""
    rows, _ = step_rows(len(dataset.train), config.training.batch_size, config.training.seed, 1)
    faces, labels = dataset.train.batch(rows[processes.local_slice(config.training.batch_size)])
    return _on_device(dataset, config, 1, faces, labels, processes)
