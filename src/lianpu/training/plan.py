"""What a run will cost, measured by one trial step on copies before it starts."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import dataclass

from lianpu.devices import peak_memory_mb
from lianpu.training.config import RunConfig, TrainingConfig
from lianpu.training.guides import NO_GUIDES, Guides
from lianpu.training.inputs import StepInputs
from lianpu.training.processes import Processes
from lianpu.training.state import TrainingState
from lianpu.training.updates import discriminator_update, edit, generator_update, is_judged, projected_update


@dataclass(frozen=True)
class Plan:
    """What is about to be done.

    Args:
        first_step, total_steps: the run goes from first_step to total_steps (both counted).
        epochs: passes over the training split that total_steps make.
        seconds: estimated time from now.
        memory_mb: peak memory of a trial step.
        checkpoint_mb: size of one checkpoint.
    """

    first_step: int
    total_steps: int
    epochs: float
    seconds: float
    memory_mb: float
    checkpoint_mb: float


def count_steps(training: TrainingConfig, face_count: int) -> int:
    """Discriminator steps of a run: num_iters where it is given, else num_epochs passes over the faces."""
    if training.num_iters is not None:
        return training.num_iters
    return math.ceil(training.num_epochs * face_count / training.batch_size)


def make_plan(
    state: TrainingState,
    config: RunConfig,
    face_count: int,
    inputs: StepInputs,
    processes: Processes,
    guides: Guides = NO_GUIDES,
) -> Plan:
    """The plan of the steps that are left; two trial steps of copies of the networks are timed, and the second counts.

    `state` is not changed, and no chance is used.
    """
    total = count_steps(config.training, face_count)
    discriminator_s, generator_s = _trial(state, config, inputs, processes, guides)
    left = max(0, total - state.step)
    networks = [state.generator, state.discriminator, *([state.projected.discriminator] if state.projected else [])]
    parameters = [parameter for network in networks for parameter in network.parameters()]
    numbers = 3 * sum(parameter.numel() for parameter in parameters) + sum(
        p.numel() for p in (state.averaged or state.generator).parameters()
    )
    return Plan(
        first_step=state.step + 1,
        total_steps=total,
        epochs=total * config.training.batch_size / face_count,
        seconds=left * (discriminator_s + generator_s / config.training.n_critic),
        memory_mb=peak_memory_mb(processes.device),
        checkpoint_mb=numbers * 4 / 1e6,
    )


def _trial(
    state: TrainingState, config: RunConfig, inputs: StepInputs, processes: Processes, guides: Guides
) -> tuple[float, float]:
    trial = copy.deepcopy(state)
    generate = trial.generator
    seconds: tuple[float, float] = (0.0, 0.0)
    for _ in range(2):
        start = time.perf_counter()
        drawn = edit(trial, generate, inputs, config.loss)
        if is_judged(config.loss):
            float(discriminator_update(trial, inputs, drawn.edited, config.loss, processes)["d_loss"])
        if trial.projected is not None:
            float(projected_update(trial.projected, inputs, drawn.edited, processes, guides)["d_projected"])
        middle = time.perf_counter()
        float(generator_update(trial, generate, inputs, drawn, config.loss, processes, guides)["g_loss"])
        seconds = (middle - start, time.perf_counter() - middle)
    return seconds
