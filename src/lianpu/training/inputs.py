"""What each step works on, drawn from (seed, step) and put on the device."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from lianpu.attributes import Labels
from lianpu.dataset.balance import drawing_weights
from lianpu.dataset.batches import TrainingBatches
from lianpu.dataset.faces import Dataset
from lianpu.dataset.order import Weights, step_rows
from lianpu.imaging.picture import to_batch, to_pictures
from lianpu.stargan.augment import Varied, draw_variation
from lianpu.stargan.targets import shuffled_targets, step_generator, with_one_change
from lianpu.training.config import RunConfig
from lianpu.training.guides import NO_GUIDES, Guides, Pairs
from lianpu.training.processes import Processes


@dataclass(frozen=True)
class StepInputs:
    """What one process works on in one step; B is its share of the global batch.

    Args:
        faces: (B, 3, S, S) in [-1, 1].
        labels: (B, A), what the faces are.
        targets: (B, A), the labels that the edited faces should have.
        requests: (B, A), the generator's input: the targets, or the changes.
        returns: (B, A), the same for the way back to `labels`.
        alpha: (B, 1, 1, 1) in [0, 1], where between real and fake the penalty is taken.
        one_class: labels are one of A classes (softmax) rather than A attributes.
        variation: how faces are varied before the discriminator sees them; None leaves them.
        outside: (B, 1, S, S) in [0, 1], where an edit should change nothing; None where that is not asked for.
        taught: (B, 3, S, S), what the faces are to become, where training has pairs; else None.
    """

    faces: torch.Tensor
    labels: torch.Tensor
    targets: torch.Tensor
    requests: torch.Tensor
    returns: torch.Tensor
    alpha: torch.Tensor
    one_class: bool
    variation: Varied | None = None
    outside: torch.Tensor | None = None
    taught: torch.Tensor | None = None


def inputs_of_steps(
    dataset: Dataset,
    config: RunConfig,
    first: int,
    last: int,
    processes: Processes,
    on_progress: Callable[[int, int], None] | None = None,
    guides: Guides = NO_GUIDES,
) -> Iterator[tuple[int, StepInputs]]:
    """(step, this process's inputs) for steps `first` to `last`, both included; they follow from (seed, step) alone.

    Of the `guides`, part maps give `outside`, and pairs give targets and `taught`.
    """
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
        weights=face_weights(dataset, config, guides.pairs),
    )
    for step, faces, labels in batches:
        yield step, _on_device(dataset, config, step, faces, labels, processes, batches.weights, guides)


def face_weights(dataset: Dataset, config: RunConfig, pairs: Pairs | None = None) -> Weights | None:
    """How often each training face is drawn; None walks through all alike. Where there are `pairs`, a face without one is not drawn."""
    weights = None
    if config.training.balance:
        weights = drawing_weights(dataset.attributes, dataset.train.labels, config.training.balance)
    if pairs is not None:
        weights = (np.ones(len(dataset.train)) if weights is None else weights) * (pairs.counts > 0)
    return weights


def _on_device(
    dataset: Dataset,
    config: RunConfig,
    step: int,
    faces: torch.Tensor,
    labels: Labels,
    processes: Processes,
    weights: Weights | None,
    guides: Guides,
) -> StepInputs:
    """A step's inputs on the device. All chance is drawn for the global batch and then cut, so that the processes share it."""
    training, attributes = config.training, dataset.attributes
    batch_size, seed, side_px = training.batch_size, training.seed, dataset.image_size
    rows, flips = step_rows(len(dataset.train), batch_size, seed, step, weights)
    chance = step_generator(seed, step)
    all_labels = dataset.train.labels[rows]
    targets = shuffled_targets(all_labels, chance)
    alpha = torch.rand(batch_size, 1, 1, 1, generator=chance)
    taught = None
    mine = processes.local_slice(batch_size)
    if guides.pairs is not None:
        chosen = guides.pairs.choose(rows, chance)
        targets = guides.pairs.targets_of(chosen, rows)
        taught = to_batch(guides.pairs.taught(chosen[mine], flips[mine], to_pictures(faces))).to(processes.device)
    elif training.one_change:
        targets = with_one_change(all_labels, targets, attributes, training.one_change, chance)
    targets = targets[mine]
    variation = None
    if training.augment:
        variation = draw_variation(batch_size, side_px, training.augment, chance, processes.device).part(mine)
    outside = None
    if guides.parts is not None:
        outside = guides.parts.outside(rows[mine], flips[mine], labels != targets, attributes, side_px).to(processes.device)
    requests, returns = targets, labels
    if config.model.label_input == "difference":
        requests, returns = attributes.differences(labels, targets), attributes.differences(targets, labels)
    memory_format = torch.channels_last if processes.device.type == "cuda" else torch.contiguous_format
    return StepInputs(
        faces=faces.to(processes.device, memory_format=memory_format, non_blocking=True),
        labels=torch.from_numpy(labels).to(processes.device),
        targets=torch.from_numpy(targets).to(processes.device),
        requests=torch.from_numpy(requests).to(processes.device),
        returns=torch.from_numpy(returns).to(processes.device),
        alpha=alpha[mine].to(processes.device),
        one_class=attributes.one_class,
        variation=variation,
        outside=outside,
        taught=taught,
    )


def trial_inputs(dataset: Dataset, config: RunConfig, processes: Processes, guides: Guides = NO_GUIDES) -> StepInputs:
    """The inputs of step 1, read without starting the reading processes: something to measure a step with."""
    weights = face_weights(dataset, config, guides.pairs)
    rows, _ = step_rows(len(dataset.train), config.training.batch_size, config.training.seed, 1, weights)
    faces, labels = dataset.train.batch(rows[processes.local_slice(config.training.batch_size)])
    return _on_device(dataset, config, 1, faces, labels, processes, weights, guides)
