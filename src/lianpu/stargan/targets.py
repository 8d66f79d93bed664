"""What the generator is asked for during training, and the chance of a step."""

import numpy as np
import torch

from lianpu.attributes import Labels


def step_generator(seed: int, step: int) -> torch.Generator:
    """The source of all chance in one step: the same numbers for the same seed and step, also after a restart."""
    state = np.random.SeedSequence([seed, step]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(state[0]) << 32 | int(state[1]))


def shuffled_targets(labels: Labels, generator: torch.Generator) -> Labels:
    """Targets (B, A) for labels (B, A): the labels of the batch, dealt out anew (as published), so targets are as common as in the data."""
    order = torch.randperm(len(labels), generator=generator).numpy()
    return labels[order]
