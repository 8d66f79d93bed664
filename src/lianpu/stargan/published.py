"""Weights in the format of the published StarGAN (yunjey/stargan): read `200000-G.ckpt`, write `200000-G.ckpt` and `200000-D.ckpt`.

Those networks track running statistics that they never use (see networks.py). Reading drops them; writing adds neutral ones, so that the
published code loads our files.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import nn

from lianpu.errors import CheckpointError
from lianpu.stargan.networks import Discriminator, Generator
from lianpu.weights import Tensors, read_tensors

_UNUSED = ("running_mean", "running_var", "num_batches_tracked")


def load_published_generator(file: Path) -> Generator:
    """The generator in a published `*-G.ckpt`, its sizes read off the tensors.

    Raises:
        CheckpointError: the file is missing, damaged, would run code when loaded, or is no StarGAN generator.
    """
    state = read_published(file)
    first, blocks = (
        state.get("main.0.weight"),
        {name.split(".")[1] for name in state if re.fullmatch(r"main\.\d+\.main\.0\.weight", name)},
    )
    if first is None or first.ndim != 4:
        raise CheckpointError(f"{file} holds no StarGAN generator (no main.0.weight). Give a file that was saved as *-G.ckpt.")
    generator = Generator(conv_dim=first.shape[0], attribute_count=first.shape[1] - 3, repeat_num=len(blocks))
    try:
        generator.load_state_dict(state)
    except RuntimeError as problem:
        raise CheckpointError(f"{file} does not fit the StarGAN network ({' '.join(str(problem).split())[:200]}).") from None
    return generator.eval()


def read_published(file: Path) -> Tensors:
    """The tensors of a published checkpoint, without the running statistics that it never used; no code in it is run.

    Raises:
        CheckpointError: the file is missing, damaged, or is a pickle that holds more than tensors.
    """
    state = read_tensors(file, CheckpointError, "Give a file saved from state_dict(), or get it again.")
    return {name: tensor for name, tensor in state.items() if not name.endswith(_UNUSED)}


def write_published_weights(network: Generator | Discriminator, file: Path) -> Path:
    """`file`, holding the network as the published code saves it (with neutral running statistics). Returns the path."""
    state: Tensors = {}
    norms = {name for name, module in network.named_modules() if isinstance(module, nn.InstanceNorm2d)}
    for name, tensor in network.state_dict().items():
        state[name] = tensor.detach().to("cpu").clone()
        owner, _, leaf = name.rpartition(".")
        if owner in norms and leaf == "bias":
            state[f"{owner}.running_mean"] = torch.zeros_like(state[name])
            state[f"{owner}.running_var"] = torch.ones_like(state[name])
            state[f"{owner}.num_batches_tracked"] = torch.tensor(0)
    torch.save(state, file)
    return file
