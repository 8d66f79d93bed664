"""Target labels during training, and the random numbers of a step."""

import numpy as np
import torch

from lianpu.attributes import AttributeSet, Labels


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of all chance in one step: the same numbers for the same seed and step, also after a restart."""
    state = np.random.SeedSequence([seed, step]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


def shuffled_targets(labels: Labels, generator: torch.Generator) -> Labels:
    """Targets (B, A) for labels (B, A): the labels of the batch, dealt out anew (as published), so targets are as common as in the data."""
    order = torch.randperm(len(labels), generator=generator).numpy()
    return labels[order]


def with_one_change(
    labels: Labels, targets: Labels, attributes: AttributeSet, share: float, generator: torch.Generator
) -> Labels:
    """`targets` (B, A) where about `share` of the rows instead are their own `labels` with one thing changed.

    One thing: an attribute flipped, or another member of a group put on. Every change is asked for alone then, and rare ones as often as others.
    """
    drawn = torch.rand(len(labels), 3, generator=generator).numpy()
    changed, units = targets.copy(), attributes.units()
    for row in np.flatnonzero(drawn[:, 0] < share):
        columns = units[int(drawn[row, 1] * len(units))]
        new = labels[row].copy()
        if len(columns) == 1:
            new[columns[0]] = 1.0 - new[columns[0]]
        else:
            others = [column for column in columns if labels[row, column] < 0.5]
            new[list(columns)] = 0.0
            new[others[int(drawn[row, 2] * len(others))]] = 1.0
        changed[row] = new
    return changed
