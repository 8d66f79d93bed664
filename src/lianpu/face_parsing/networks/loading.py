"""The two parser networks by name."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from lianpu.errors import ModelError
from lianpu.face_parsing.config import ParserConfig, ParserRun, parser_config
from lianpu.face_parsing.networks.bisenet import BiSeNet
from lianpu.face_parsing.networks.small_network import SmallParser
from lianpu.files import read_json
from lianpu.weights import read_tensors


def new_network(config: ParserConfig) -> nn.Module:
    """The network that the settings name, its random weights following from the seed.

    Raises:
        WeightsError: it is to start from ImageNet, and those weights are not here.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        if config.network == "small":
            return SmallParser(from_imagenet=config.start == "imagenet")
        return BiSeNet(from_imagenet=config.start == "imagenet")


def trained_network(folder: Path) -> tuple[nn.Module, ParserConfig]:
    """The network of a parser run with its trained weights, in eval mode, and its settings.

    Raises:
        ModelError: the folder holds no finished parser, or its files are damaged.
    """
    run = ParserRun(folder)
    values = read_json(run.config_file, lambda what: ModelError(f"{what}. Give a folder that `lianpu parser train` wrote."))
    config = parser_config(values["preset"], values["settings"]).model_copy(update={"start": "random"})
    network = new_network(config)
    if not run.weights_file.is_file():
        raise ModelError(f"{run.weights_file} is not there: {folder} was not trained to its end. Resume its training.")
    try:
        network.load_state_dict(read_tensors(run.weights_file, ModelError, "Train again."))
    except RuntimeError as problem:
        reason = " ".join(str(problem).split())[:200]
        raise ModelError(f"{run.weights_file} does not fit its settings ({reason}). Train again.") from None
    return network.eval().requires_grad_(False), config
