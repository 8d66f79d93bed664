"""`lianpu bench train`: our training step against the same mathematics written plainly."""

from __future__ import annotations

import multiprocessing
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import tyro


@dataclass(frozen=True)
class BenchTrainArguments:
    """Our training step against the same mathematics written plainly (eager, NCHW, three discriminator passes, double backward).

    One round is n_critic discriminator steps and one generator step at the published network sizes; `lite` is the same with the lite
    generator. All kinds take turns in one process; the peak memory of each is measured in a process of its own.
    """

    image_size: int = 128
    """Side of the faces in pixels."""
    batch_size: int = 4
    """Faces per step."""
    conv_dim: int = 64
    """Channels of both networks after their first convolution."""
    n_critic: int = 5
    """Discriminator steps per generator step."""
    rounds: int = 5
    """Measured rounds of each kind, after one to warm up."""
    lite_size: Literal["S", "M", "L"] = "M"
    """Size of the lite generator."""
    threads: int | None = None
    """Threads that torch uses; None leaves its choice."""
    device: str = "auto"
    """auto, cpu, cuda, ..."""


def main(arguments: list[str]) -> None:
    """Measure and print the table."""
    options = tyro.cli(BenchTrainArguments, args=arguments, prog="lianpu bench train")
    from rich.table import Table

    from lianpu.allocator import keep_freed_memory
    from lianpu.devices import describe_machine, pick_device
    from lianpu.terminal import console, stage

    device = pick_device(options.device)
    if device.type == "cpu":
        keep_freed_memory()  # as training does; both sides have it
    with stage("Rounds") as on_progress:
        seconds = measure(options, on_progress)
    memory = {kind: peak_memory(options, kind) for kind in seconds} if device.type == "cpu" else {}
    machine = describe_machine()
    table = Table(
        title=f"{options.image_size} px, batch {options.batch_size}, conv_dim {options.conv_dim}, {device}, {machine.cpu}"
    )
    for heading in ("step", "median s a round", "fastest", "faces a second", "times the plain step", "peak memory"):
        table.add_column(heading, justify="left" if heading == "step" else "right")
    for kind, values in seconds.items():
        ratio = statistics.median(plain / own for plain, own in zip(seconds["plain"], values, strict=True))
        held = f"{memory[kind]:.0f} MB" if memory else "not measured"
        median = statistics.median(values)
        speed = options.n_critic * options.batch_size / median
        table.add_row(kind, f"{median:.2f}", f"{min(values):.2f}", f"{speed:.2f}", f"{ratio:.2f}", held)
    console.print(table)
    console.print(
        f"A round: {options.n_critic} discriminator steps and 1 generator step. Faces a second are those that the discriminator sees. The ratio is the median over rounds measured one after the other."
    )


def measure(options: BenchTrainArguments, on_progress: Callable[[int, int], None]) -> dict[str, list[float]]:
    """Seconds of each round for `plain`, `lianpu` and `lite`, taken in turns after one round of each that does not count."""
    import time

    rounds = {kind: _round_of(options, kind) for kind in ("plain", "lianpu", "lite")}
    seconds: dict[str, list[float]] = {kind: [] for kind in rounds}
    for index in range(options.rounds + 1):
        for kind, run_round in rounds.items():
            start = time.perf_counter()
            run_round()
            if index:
                seconds[kind].append(time.perf_counter() - start)
        on_progress(index + 1, options.rounds + 1)
    return seconds


def peak_memory(options: BenchTrainArguments, kind: str) -> float:
    """Peak resident megabytes of a fresh process that runs two rounds of one kind."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_peak_of_rounds, (options, kind))


def _peak_of_rounds(options: BenchTrainArguments, kind: str) -> float:
    from lianpu.devices import peak_memory_mb, pick_device

    run_round = _round_of(options, kind)
    for _ in range(2):
        run_round()
    return peak_memory_mb(pick_device(options.device))


def _round_of(options: BenchTrainArguments, kind: str) -> Callable[[], None]:
    import torch

    from lianpu.devices import pick_device
    from lianpu.training.config import parse_config
    from lianpu.training.inputs import StepInputs
    from lianpu.training.plain import plain_discriminator_step, plain_generator_step
    from lianpu.training.processes import start_processes
    from lianpu.training.state import new_state
    from lianpu.training.updates import one_step

    if options.threads is not None:
        torch.set_num_threads(options.threads)
    device = pick_device(options.device)
    size, batch = options.image_size, options.batch_size
    sizes = {"image_size": size, "g_conv_dim": options.conv_dim, "d_conv_dim": options.conv_dim}
    sizes |= {"d_repeat_num": min(6, size.bit_length() - 1)}
    kinds = {"generator": "lite", "lite_size": options.lite_size} if kind == "lite" else {}
    config = parse_config(
        {"model": sizes | kinds, "training": {"n_critic": options.n_critic, "batch_size": batch, "device": options.device}},
        "lianpu bench train",
    )
    chance = torch.Generator().manual_seed(0)
    inputs = StepInputs(
        faces=(torch.rand(batch, 3, size, size, generator=chance) * 2 - 1).to(device),
        labels=(labels := torch.rand(batch, 5, generator=chance).round().to(device)),
        targets=(targets := torch.rand(batch, 5, generator=chance).round().to(device)),
        requests=targets,
        returns=labels,
        alpha=torch.rand(batch, 1, 1, 1, generator=chance).to(device),
        one_class=False,
    )
    state = new_state(config.model, config.training, 5, device, channels_last=kind != "plain" and device.type == "cuda")
    processes = start_processes(options.device, "fp32", batch)

    def plain() -> None:
        for _ in range(options.n_critic):
            plain_discriminator_step(state, inputs, config.loss)
        plain_generator_step(state, inputs, config.loss)

    def ours() -> None:
        for step in range(1, options.n_critic + 1):
            losses = one_step(state, state.generator, step, inputs, config, processes)
        float(losses["g_loss"])

    return plain if kind == "plain" else ours
