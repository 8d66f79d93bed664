"""What a run begins with where it does not begin with chance: the weights of a trained editor (fine-tuning)."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from lianpu.attributes import AttributeSet
from lianpu.editors.checkpoint_editor import read_checkpoint_tensors
from lianpu.editors.trained_weights import TrainedWeights, read_trained_weights
from lianpu.errors import SettingsError
from lianpu.training.config import RunConfig
from lianpu.training.state import TrainingState


def read_start(config: RunConfig, attributes: AttributeSet) -> TrainedWeights | None:
    """The weights that training.start_from names, or None where it names none.

    Raises:
        SettingsError: they are of an editor of other attributes, or that gets its labels in another way.
        LianpuError: see `read_trained_weights`.
    """
    source = config.training.start_from
    if not source:
        return None
    start = read_trained_weights(source)
    theirs = start.info
    if theirs is None:
        return start
    if theirs.attributes.names != attributes.names:
        raise SettingsError(
            f"training.start_from {source} edits {', '.join(theirs.attributes.names)}, this run is for {', '.join(attributes.names)}. "
            "Take these, in their order, as --selected-attrs."
        )
    if theirs.label_input != config.model.label_input:
        raise SettingsError(
            f"training.start_from {source} gets a {theirs.label_input} as its labels, this run's generator a {config.model.label_input}. "
            f"Take --label-input {theirs.label_input}."
        )
    return start


def begin_with(start: TrainedWeights, state: TrainingState, source: str) -> None:
    """Fill the generator of a new `state` with the weights, and its average too; the discriminator with that of the same run, where it fits.

    Raises:
        SettingsError: the generator is another network; `source` is named.
    """
    own = state.generator.state_dict()
    lacking = [name for name, tensor in own.items() if _shape(start.tensors, name) != tensor.shape]
    if lacking:
        name = lacking[0]
        found = _shape(start.tensors, name)
        there = f"it is {tuple(found)} there" if found is not None else "it is not there"
        raise SettingsError(
            f"training.start_from {source} holds another network: {name} is {tuple(own[name].shape)} in this run's generator, {there} "
            f"({len(lacking)} of {len(own)} tensors do not fit). Take the model settings that it was trained with; of a run, its folder."
        )
    for network in (state.generator, state.averaged):
        if network is not None:
            network.load_state_dict({name: start.tensors[name] for name in own})
    if start.discriminator_file is not None:
        _fill_where_it_fits(state.discriminator, read_checkpoint_tensors(start.discriminator_file))


def _fill_where_it_fits(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> None:
    if all(_shape(tensors, name) == tensor.shape for name, tensor in network.state_dict().items()):
        network.load_state_dict(tensors)


def _shape(tensors: Mapping[str, torch.Tensor], name: str) -> torch.Size | None:
    return tensors[name].shape if name in tensors else None
